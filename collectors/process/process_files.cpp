// A path is put together in one string that is kept, so that reading allocates nothing.
#include "collectors/process/process_files.h"

#include <cstring>
#include <utility>

#include "collectors/process/rights.h"

namespace sidewatch {
namespace {

constexpr std::array<const char*, ProcessFiles::file_count> names = {"stat",      "status",       "io", "limits",
                                                                     "oom_score", "smaps_rollup", "fd", "task"};
constexpr std::array<const char*, ProcessFiles::thread_file_count> thread_names = {"stat", "status", "io", "wchan"};

}  // namespace

ProcessFiles::Kept::Kept(const ProcDir& procfs, const std::string& pid)
    : directory(procfs, pid),
      files{ProcFile(directory, names[stat]), ProcFile(directory, names[status]), ProcFile(directory, names[io])} {}

ProcessFiles::ProcessFiles(const ProcDir& procfs, pid_t pid, ProcFile::Keep keep, Told& told)
    : procfs_(procfs),
      id_(pid),
      pid_(std::to_string(pid)),
      fd_path_(procfs.path() + "/" + pid_ + "/fd"),
      told_(told) {
  if (keep == ProcFile::Keep::open) kept_.emplace(procfs, pid_);
  if (kept_ && kept_->directory.status() != FileStatus::ok) kept_.reset();  // it would never be opened again
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
  if (error_number == 0) return true;
  if (file_status(error_number) != FileStatus::gone && !std::exchange(counted_.files[file], true)) {
    tell(told_.files[file], "/", names[file], error_number, outcome);
  }
  return false;
}

bool ProcessFiles::readable(ThreadFile file, int error_number, PassOutcome& outcome) {
  if (error_number == 0) return true;
  if (file_status(error_number) != FileStatus::gone && !std::exchange(counted_.thread_files[file], true)) {
    tell(told_.thread_files[file], "/task/*/", thread_names[file], error_number, outcome);
  }
  return false;
}

void ProcessFiles::tell(bool& told, const char* directory, const char* name, int error_number,
                        PassOutcome& outcome) {
  ++outcome.partial_errors;
  if (std::exchange(told, true)) return;
  std::string words = "cannot read " + procfs_.path() + "/" + pid_ + directory + name + ": " + std::strerror(error_number);
  if (file_status(error_number) == FileStatus::permission) {
    words += std::string(" (it takes ") + rights_over_other_users + "; told once for all processes)";
  }
  outcome.news.push_back({true, std::move(words)});
}

}  // namespace sidewatch
