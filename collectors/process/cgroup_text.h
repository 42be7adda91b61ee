// What /proc/PID/cgroup says about where a process belongs: its cgroups, its systemd unit, its container.
//
// A line is "hierarchy:controllers:path"; cgroup v2 has one line, v1 one per hierarchy, a hybrid both. Any of them may
// say it. The text may come from another cgroup namespace ("/../cri-containerd-<id>.scope") and may be cut anywhere.
#pragma once

#include <string>
#include <string_view>

namespace sidewatch {

// In the cgroup `path`, or in one below it.
bool in_cgroup(std::string_view text, std::string_view path);

// In the systemd unit of this name; "nginx" is "nginx.service".
bool in_unit(std::string_view text, std::string_view unit);

// In the container whose id, 64 hexadecimal digits somewhere in the path (Docker, containerd, CRI-O, podman), begins
// with `id`.
bool in_container(std::string_view text, std::string_view id);

// The paths as Go prints a list of them: "[/a /b]".
std::string cgroup_list(std::string_view text);

}  // namespace sidewatch
