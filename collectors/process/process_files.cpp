// A path is put together in one string that is kept, so that reading allocates nothing.
#include "collectors/process/process_files.h"

#include <cstring>
#include <utility>

#include "collectors/process/selector.h"

namespace sidewatch {
namespace {

constexpr std::array<const char*, ProcessFiles::file_count> names = {"stat",      "status",       "io", "limits",
                                                                     "oom_score", "smaps_rollup", "fd", "task"};
constexpr std::array<const char*, ProcessFiles::thread_file_count> thread_names = {"stat", "status", "io", "wchan"};

}  // namespace

ProcessFiles::Kept::Kept(const ProcDir& procfs, const std::string& pid)
    : directory(procfs, pid),
      files{ProcFile(directory, names[stat]), ProcFile(directory, names[status]), ProcFile(directory, names[io])} {}

ProcessFiles::ProcessFiles(const ProcDir& procfs, pid_t pid, ProcFile::Keep keep)
    : procfs_(procfs), id_(pid), pid_(std::to_string(pid)), fd_path_(procfs.path() + "/" + pid_ + "/fd") {
  if (keep == ProcFile::Keep::open) kept_.emplace(procfs, pid_);
}

FileText ProcessFiles::read(File file, ReadBuffer& buffer) {
  if (kept_ && file < kept_->files.size()) return kept_->files[file].read(buffer);
  return procfs_.read(path_.assign(pid_).append("/").append(names[file]).c_str(), buffer);
}

FileText ProcessFiles::read(pid_t thread, ThreadFile file, ReadBuffer& buffer) {
  path_.assign(pid_).append("/task/").append(std::to_string(thread)).append("/").append(thread_names[file]);
  return procfs_.read(path_.c_str(), buffer);
}

int ProcessFiles::list(File directory, ReadBuffer& buffer, const std::function<void(std::string_view)>& visit) {
  return procfs_.list(path_.assign(pid_).append("/").append(names[directory]).c_str(), buffer, visit);
}

bool ProcessFiles::readable(File file, int error_number, PassOutcome& outcome) {
  return error_number == 0 || tell(told_[file], names[file], error_number, outcome);
}

bool ProcessFiles::readable(ThreadFile file, int error_number, PassOutcome& outcome) {
  if (error_number == 0) return true;
  const std::string name = std::string("task/*/") + thread_names[file];
  return tell(told_of_thread_[file], name.c_str(), error_number, outcome);
}

// Always false.
bool ProcessFiles::tell(bool& told, const char* name, int error_number, PassOutcome& outcome) {
  if (file_status(error_number) != FileStatus::gone && !std::exchange(told, true)) {
    add_partial_error(outcome, procfs_.path() + "/" + pid_ + "/" + name + ": " + std::strerror(error_number));
  }
  return false;
}

}  // namespace sidewatch
