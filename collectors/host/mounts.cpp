// Implementation of mounts.h.
#include "collectors/host/mounts.h"

#include <algorithm>

#include "collectors/proc_file.h"

namespace sidewatch {
namespace {

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const auto end = std::min(options.find(','), options.size());
    if (options.substr(0, end) == wanted) return true;
    options.remove_prefix(std::min(end + 1, options.size()));
  }
  return false;
}

}  // namespace

std::optional<MountLine> parse_mount_line(std::string_view line) {
  MountLine mount;
  mount.text = line;
  mount.device = next_field(line);
  mount.mount_point = next_field(line);
  mount.type = next_field(line);
  if (mount.type.empty()) return std::nullopt;
  mount.text = mount.text.substr(0, mount.text.size() - line.size());
  mount.read_only = has_option(next_field(line), "ro");
  return mount;
}

std::string unescape_mount(std::string_view text) {
  const auto is_octal = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && is_octal(i + 1) && is_octal(i + 2) && is_octal(i + 3)) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string mount_point_on_host(std::string mount_point, std::string_view rootfs) {
  if (rootfs.empty() || !mount_point.starts_with(rootfs)) return mount_point;
  if (mount_point.size() == rootfs.size()) return "/";
  return mount_point[rootfs.size()] == '/' ? mount_point.substr(rootfs.size()) : mount_point;
}

}  // namespace sidewatch
