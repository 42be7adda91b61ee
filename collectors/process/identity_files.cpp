// What cannot be read stays empty, and then no condition on it holds.
#include "collectors/process/identity_files.h"

#include <algorithm>
#include <chrono>

#include "collectors/process/process_text.h"

namespace sidewatch {

void IdentityFiles::read_exe(DescribedTexts texts, ProcessDescription& process) {
  if (!texts.exe) return;
  const int error_number = procfs_.read_link(path(process.pid, "/exe"), process.exe);
  if (error_number == 0) return;
  process.exe.clear();
  if (file_status(error_number) != FileStatus::permission) return;
  const auto cmdline = procfs_.read(path(process.pid, "/cmdline"), buffer_).text;
  process.exe = cmdline.substr(0, std::min(cmdline.find('\0'), max_cmdline_bytes));
}

void IdentityFiles::read_user_and_cgroups(DescribedTexts texts, ProcessDescription& process) {
  if (texts.user) {
    const auto uid = parse_effective_user(procfs_.read(path(process.pid, "/status"), buffer_).text);
    process.user = uid ? std::to_string(*uid) : "";
    process.user_name = uid ? users_.of(*uid, std::chrono::steady_clock::now()) : "";
  }
  if (texts.cgroups) {
    process.cgroups = procfs_.read(path(process.pid, "/cgroup"), buffer_).text.substr(0, max_cgroup_bytes);
  }
}

}  // namespace sidewatch
