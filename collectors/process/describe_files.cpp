// Describes processes by reading their files directly: for every root that is not the kernel's own /proc.
#include <algorithm>
#include <string_view>

#include "collectors/proc_file.h"
#include "collectors/process/description.h"
#include "collectors/process/process_text.h"

namespace sidewatch {
namespace {

class FileDescriber final : public ProcessDescriber {
 public:
  explicit FileDescriber(std::string procfs) : procfs_(std::move(procfs)) {}

  void describe(std::span<const pid_t> pids, std::vector<ProcessDescription>& out) override {
    for (const pid_t pid : pids) {
      const std::string directory = std::to_string(pid);
      const auto stat_text = procfs_.read((directory + "/stat").c_str(), buffer_);
      const auto stat = stat_text ? parse_stat(stat_text.text) : std::nullopt;
      if (!stat) continue;
      ProcessDescription process;
      process.pid = pid;
      process.ppid = stat->ppid;
      process.start_ticks = stat->start_ticks;
      process.comm = stat->comm;
      if (procfs_.read_link((directory + "/exe").c_str(), process.exe) != 0) process.exe.clear();
      process.cmdline = procfs_.read((directory + "/cmdline").c_str(), buffer_).text.substr(0, max_cmdline_bytes);
      normalise(process);
      out.push_back(std::move(process));
    }
  }

 private:
  const ProcDir procfs_;
  ReadBuffer buffer_;
};

}  // namespace

void normalise(ProcessDescription& process) {
  auto& cmdline = process.cmdline;
  if (cmdline.size() > max_cmdline_bytes) cmdline.resize(max_cmdline_bytes);
  std::replace_if(cmdline.begin(), cmdline.end(), [](char c) { return c == '\0' || c == '\n'; }, ' ');
  cmdline.resize(cmdline.find_last_not_of(' ') + 1);  // npos + 1 is 0

  constexpr std::string_view suffix = " (deleted)";
  if (process.exe.ends_with(suffix)) process.exe.resize(process.exe.size() - suffix.size());
}

std::unique_ptr<ProcessDescriber> make_file_describer(std::string procfs) {
  return std::make_unique<FileDescriber>(std::move(procfs));
}

}  // namespace sidewatch
