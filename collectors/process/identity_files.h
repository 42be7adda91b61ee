// Who a process is by the files that both describers read themselves: its program, its user, its cgroups.
#pragma once

#include <string>

#include "collectors/proc_file.h"
#include "collectors/process/description.h"
#include "collectors/process/user_names.h"

namespace sidewatch {

class IdentityFiles {
 public:
  explicit IdentityFiles(const ProcDir& procfs) : procfs_(procfs) {}  // which must outlive it

  // Where another user's program may not be looked at, the first argument stands for it, as it does always for
  // process-exporter.
  void read_exe(DescribedTexts texts, ProcessDescription& process);
  void read_user_and_cgroups(DescribedTexts texts, ProcessDescription& process);

 private:
  const char* path(pid_t pid, const char* file) { return path_.assign(std::to_string(pid)).append(file).c_str(); }

  const ProcDir& procfs_;
  UserNames users_;
  ReadBuffer buffer_;
  std::string path_;  // scratch
};

}  // namespace sidewatch
