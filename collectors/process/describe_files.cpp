// Describes processes by reading their files directly: all of them under a root that is not the kernel's own /proc, and
// a few at a time everywhere, which is two to four times cheaper than asking libproc2.
#include <algorithm>
#include <string_view>
#include <utility>

#include "collectors/proc_file.h"
#include "collectors/process/description.h"
#include "collectors/process/identity_files.h"
#include "collectors/process/process_text.h"

namespace sidewatch {
namespace {

class FileDescriber final : public ProcessDescriber {
 public:
  FileDescriber(std::string procfs, DescribedTexts texts) : procfs_(std::move(procfs)), texts_(texts) {}

  void describe(std::span<const pid_t> pids, std::vector<ProcessDescription>& out) override {
    for (const pid_t pid : pids) {
      const auto stat_text = procfs_.read(path(pid, "/stat"), buffer_);
      const auto stat = stat_text ? parse_stat(stat_text.text) : std::nullopt;
      if (!stat) continue;
      ProcessDescription process;
      process.pid = pid;
      process.ppid = stat->ppid;
      process.start_ticks = stat->start_ticks;
      process.comm = stat->comm;
      if (texts_.cmdline) {
        process.cmdline = procfs_.read(path(pid, "/cmdline"), buffer_).text.substr(0, max_cmdline_bytes);
      }
      identity_.read_exe(texts_, process);
      identity_.read_user_and_cgroups(texts_, process);
      normalise(process);
      out.push_back(std::move(process));
    }
  }

 private:
  const char* path(pid_t pid, const char* file) { return path_.assign(std::to_string(pid)).append(file).c_str(); }

  const ProcDir procfs_;
  const DescribedTexts texts_;
  IdentityFiles identity_{procfs_};
  ReadBuffer buffer_;
  std::string path_;  // scratch
};

}  // namespace

void normalise(ProcessDescription& process) {
  auto& cmdline = process.cmdline;
  if (cmdline.size() > max_cmdline_bytes) cmdline.resize(max_cmdline_bytes);
  if (process.argv0_bytes == 0) process.argv0_bytes = std::min(cmdline.find('\0'), cmdline.size());
  std::replace_if(cmdline.begin(), cmdline.end(), [](char c) { return c == '\0' || c == '\n'; }, ' ');
  cmdline.resize(cmdline.find_last_not_of(' ') + 1);  // npos + 1 is 0
  process.argv0_bytes = std::min(process.argv0_bytes, cmdline.size());

  constexpr std::string_view suffix = " (deleted)";
  if (process.exe.ends_with(suffix)) process.exe.resize(process.exe.size() - suffix.size());
}

std::unique_ptr<ProcessDescriber> make_file_describer(std::string procfs, DescribedTexts texts) {
  return std::make_unique<FileDescriber>(std::move(procfs), texts);
}

}  // namespace sidewatch
