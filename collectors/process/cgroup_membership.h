// What /proc/PID/cgroup says about where a process belongs: its cgroups, its systemd unit, its container.
//
// A line is "hierarchy:controllers:path"; cgroup v2 has one line, v1 one per hierarchy, a hybrid both. Any of them may
// say it. The text may come from another cgroup namespace ("/../cri-containerd-<id>.scope") and may be cut anywhere: a
// line without its end says nothing. The views that are returned point into the text.
#pragma once

#include <string>
#include <string_view>

namespace sidewatch {

struct CgroupLine {
  std::string_view hierarchy;    // "0" on v2
  std::string_view controllers;  // "cpu,cpuacct", "name=systemd"; empty on v2
  std::string_view path;         // without the kernel's " (deleted)"
  bool deleted = false;          // the cgroup was removed
};
// Takes the next line off the front of `rest`, skipping what is none. False at the end.
bool next_cgroup(std::string_view& rest, CgroupLine& line);

// In the cgroup `path`, or in one below it.
bool in_cgroup(std::string_view text, std::string_view path);

// In the systemd unit of this name; "nginx" is "nginx.service".
bool in_unit(std::string_view text, std::string_view unit);

// In the container whose id, 64 hexadecimal digits somewhere in the path (Docker, containerd, CRI-O, podman), begins
// with `id`.
bool in_container(std::string_view text, std::string_view id);

// The whole id of the first container that is named; empty outside.
std::string_view container_id_of(std::string_view text);

// The systemd service nearest to the process, without ".service": of "/system.slice/checkout.service/worker" it is
// "checkout". Empty when there is none, in a container, and for a user's session manager.
std::string_view service_of(std::string_view text);

// The path of the cgroup: that of v1's controller `memory`, else that of v2.
std::string_view cgroup_path_of(std::string_view text);

// The paths as Go prints a list of them: "[/a /b]".
std::string cgroup_list(std::string_view text);

}  // namespace sidewatch
