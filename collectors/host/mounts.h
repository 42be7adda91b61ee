// Lines of /proc/PID/mounts (fstab(5)): what is mounted where. Shared by the parts that ask mounted filesystems.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sidewatch {

struct MountLine {
  std::string_view text;  // device, mount point and type as they stand in the line: its identity
  std::string_view device;
  std::string_view mount_point;  // with \040 for a blank
  std::string_view type;
  bool read_only = false;
};

// Nothing when the line is malformed.
std::optional<MountLine> parse_mount_line(std::string_view line);

// \040 and its like (three octal digits) back into the character.
std::string unescape_mount(std::string_view text);

// What the mount point is called on the host: in a container its mounts may be listed with `rootfs` in front.
std::string mount_point_on_host(std::string mount_point, std::string_view rootfs);

}  // namespace sidewatch
