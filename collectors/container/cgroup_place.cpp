#include "collectors/container/cgroup_place.h"

#include <algorithm>

#include "collectors/proc_file.h"
#include "collectors/process/cgroup_membership.h"

namespace sidewatch::container {
namespace {

constexpr std::array<std::string_view, controller_count> kNames{"memory", "cpu", "cpuacct", "blkio", "pids"};

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (comma > 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

// mountinfo writes a blank, tab, newline or backslash as \ and three octal digits.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<CgroupMount> parse_mount(std::string_view line) {
  for (int skipped = 0; skipped < 3; ++skipped) next_field(line);  // id, parent, device
  CgroupMount mount;
  mount.root = unescaped(next_field(line));
  mount.directory = unescaped(next_field(line));
  auto field = next_field(line);
  while (!field.empty() && field != "-") field = next_field(line);
  const auto type = next_field(line);
  next_field(line);  // source
  const auto options = next_field(line);
  if (options.empty() || (type != "cgroup" && type != "cgroup2")) return std::nullopt;
  mount.unified = type == "cgroup2";
  if (!mount.unified) mount.controllers = split_at_commas(options);
  return mount;
}

bool has(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The way from `root` down to `path`, both counted from the same cgroup namespace; nothing when it is not below.
std::optional<std::string> below(const std::string& root, const std::string& path) {
  if (path == root || path == "/") return path == root ? std::optional<std::string>("") : std::nullopt;
  if (root == "/") return leads_up(path) ? std::nullopt : std::optional(path);
  if (path.starts_with(root) && path[root.size()] == '/') return path.substr(root.size());
  return std::nullopt;
}

// The mount that shows most above the cgroup, since limits may stand there too.
template <class Wanted>
std::optional<Hierarchy> find_hierarchy(std::span<const CgroupMount> mounts, const std::string& path, Wanted&& wanted) {
  std::optional<Hierarchy> best;
  for (const auto& mount : mounts) {
    if (!wanted(mount)) continue;
    auto way = below(mount.root, path);
    if (!way || (best && way->size() <= best->path.size())) continue;
    best = Hierarchy{mount.unified, mount.directory, std::move(*way)};
  }
  return best;
}

}  // namespace

std::string_view controller_name(Controller controller) { return kNames[controller]; }

bool leads_up(std::string_view path) { return path == "/.." || path.starts_with("/../"); }

std::vector<CgroupMount> parse_mounts(std::string_view mountinfo, const std::string& prefix) {
  std::vector<CgroupMount> mounts;
  std::string_view line;
  while (next_line(mountinfo, line)) {
    auto mount = parse_mount(line);
    if (!mount) continue;
    mount->directory = prefix + mount->directory;
    mounts.push_back(std::move(*mount));
  }
  return mounts;
}

std::vector<CgroupMember> parse_memberships(std::string_view text) {
  std::vector<CgroupMember> memberships;
  for (CgroupLine line; next_cgroup(text, line);) {
    if (!line.path.starts_with('/') || line.deleted) continue;
    CgroupMember member;
    member.controllers = split_at_commas(line.controllers);
    member.unified = line.hierarchy == "0" && member.controllers.empty();
    member.path = line.path;
    memberships.push_back(std::move(member));
  }
  return memberships;
}

std::vector<CgroupMember> members_of(std::span<const CgroupMount> mounts, const std::string& path) {
  std::vector<CgroupMember> memberships;
  for (const auto& mount : mounts) memberships.push_back({mount.unified, mount.controllers, path});
  return memberships;
}

bool Place::empty() const {
  return !unified && std::none_of(controllers.begin(), controllers.end(), [](const auto& one) { return one; });
}

Place locate(std::span<const CgroupMount> mounts, std::span<const CgroupMember> memberships) {
  Place place;
  const CgroupMember* unified = nullptr;
  for (const auto& member : memberships) {
    if (!member.unified) continue;
    unified = &member;
    place.unified = find_hierarchy(mounts, member.path, [](const CgroupMount& mount) { return mount.unified; });
  }
  const CgroupMember* named = nullptr;
  for (std::size_t i = 0; i < controller_count; ++i) {
    const auto name = kNames[i];
    const auto member = std::find_if(memberships.begin(), memberships.end(),
                                     [&](const CgroupMember& one) { return has(one.controllers, name); });
    if (member == memberships.end()) {
      place.controllers[i] = place.unified;
      continue;
    }
    if (named == nullptr) named = &*member;
    place.controllers[i] =
        find_hierarchy(mounts, member->path, [&](const CgroupMount& mount) { return has(mount.controllers, name); });
  }
  if (named == nullptr) named = unified;
  if (named != nullptr && !place.empty()) place.id = named->path;
  return place;
}

}  // namespace sidewatch::container
