// The seam of libproc2: it lists and describes processes, on the one thread that runs the process collector.
//
// What it does wrong at Debian 12's version (4.0.2), and the way round:
//   - Each thread that ever used it keeps about 180 KB for good: only the collector's own long-lived thread calls it,
//     first from describe(), never from the constructor.
//   - select() refuses more than 255 PIDs: they are asked for in portions.
//   - fatal_proc_unmounted() ends the program when /proc is missing: it is never called, /proc is looked at first.
//   - Results belong to the library and are overwritten by the next call: they are copied at once.
//   - Absent texts are "-": an empty command line is the vector {"-"}, an unreadable program is "-".
//   - A name's bytes outside ASCII become '?' and control characters '.': such a name is read again from its file.
//   - It knows /proc only: other roots are the file describer's.
// A process that vanished is simply not in the answer.
#include <libproc2/pids.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "collectors/proc_file.h"
#include "collectors/process/description.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_pids_per_select = 255;

enum Item : std::size_t { item_pid, item_ppid, item_start, item_comm, item_exe, item_cmdline, item_count };
constexpr std::array<pids_item, item_count> items = {PIDS_ID_PID, PIDS_ID_PPID, PIDS_TICS_BEGAN,
                                                     PIDS_CMD,    PIDS_EXE,     PIDS_CMDLINE_V};

std::string_view text_of(const char* text) { return text == nullptr ? std::string_view() : std::string_view(text); }

std::string join(char** arguments) {
  std::string joined;
  if (arguments == nullptr) return joined;
  if (arguments[0] != nullptr && text_of(arguments[0]) == "-" && arguments[1] == nullptr) return joined;
  for (char** argument = arguments; *argument != nullptr; ++argument) {
    if (argument != arguments) joined += ' ';
    joined += *argument;
    if (joined.size() > max_cmdline_bytes) break;
  }
  return joined;
}

class Libproc2Describer final : public ProcessDescriber {
 public:
  explicit Libproc2Describer(std::unique_ptr<ProcessDescriber> fallback) : fallback_(std::move(fallback)) {}
  ~Libproc2Describer() override {
    if (info_ != nullptr) procps_pids_unref(&info_);
  }
  Libproc2Describer(const Libproc2Describer&) = delete;
  Libproc2Describer& operator=(const Libproc2Describer&) = delete;

  void describe(std::span<const pid_t> pids, std::vector<ProcessDescription>& out) override {
    if (info_ == nullptr) {
      auto wanted = items;
      if (procps_pids_new(&info_, wanted.data(), static_cast<int>(wanted.size())) < 0) info_ = nullptr;
    }
    for (std::size_t from = 0; from < pids.size(); from += max_pids_per_select) {
      const auto portion = pids.subspan(from, std::min(max_pids_per_select, pids.size() - from));
      if (!select(portion, out)) fallback_->describe(portion, out);
    }
  }

 private:
  bool select(std::span<const pid_t> pids, std::vector<ProcessDescription>& out) {
    if (info_ == nullptr) return false;
    std::array<unsigned, max_pids_per_select> ids{};
    std::transform(pids.begin(), pids.end(), ids.begin(), [](pid_t pid) { return static_cast<unsigned>(pid); });
    const pids_fetch* fetch = procps_pids_select(info_, ids.data(), static_cast<int>(pids.size()), PIDS_SELECT_PID);
    if (fetch == nullptr) return false;
    for (int i = 0; i < fetch->counts->total; ++i) out.push_back(copy(*fetch->stacks[i]));
    return true;
  }

  ProcessDescription copy(const pids_stack& stack) {
    const pids_result* item = stack.head;
    ProcessDescription process;
    process.pid = item[item_pid].result.s_int;
    process.ppid = item[item_ppid].result.s_int;
    process.start_ticks = item[item_start].result.ull_int;
    process.comm = text_of(item[item_comm].result.str);
    if (process.comm.find_first_of("?.") != std::string::npos) reread_comm(process);
    process.exe = text_of(item[item_exe].result.str);
    if (process.exe == "-") process.exe.clear();
    process.cmdline = join(item[item_cmdline].result.strv);
    normalise(process);
    return process;
  }

  void reread_comm(ProcessDescription& process) {
    auto comm = proc_.read((std::to_string(process.pid) + "/comm").c_str(), buffer_);
    if (!comm || !comm.text.ends_with('\n')) return;
    comm.text.remove_suffix(1);
    process.comm = comm.text;
  }

  std::unique_ptr<ProcessDescriber> fallback_;
  const ProcDir proc_{"/proc"};
  ReadBuffer buffer_;
  pids_info* info_ = nullptr;
};

}  // namespace

std::unique_ptr<ProcessDescriber> make_libproc2_describer() {
  if (access("/proc/self/stat", R_OK) != 0) return nullptr;
  return std::make_unique<Libproc2Describer>(make_file_describer("/proc"));
}

}  // namespace sidewatch
