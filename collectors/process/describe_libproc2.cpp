// The seam of libproc2: it describes the processes of a whole machine, which the process collector asks for once.
//
// What it does wrong at Debian 12's version (4.0.2), and the way round:
//   - Each thread that ever used it keeps about 180 KB for good: the first thread of the program that needs it has it
//     for itself, and every other one (a reload makes a new collector on a new thread) reads the files.
//   - About few processes it is two to four times as dear as their files, which are read then.
//   - select() refuses more than 255 PIDs: they are asked for in portions.
//   - fatal_proc_unmounted() ends the program when /proc is missing: it is never called, /proc is looked at first.
//   - Results belong to the library and are overwritten by the next call: they are copied at once.
//   - Absent texts are "-": an empty command line is the vector {"-"}, an unreadable program is "-" and is read from
//     its file, which says why. Users and cgroups, where somebody asks for them, are read from their files as well.
//   - A name's bytes outside ASCII become '?' and control characters '.': such a name is read again from its file.
//   - It knows /proc only: other roots are the file describer's.
// A process that vanished is simply not in the answer.
#include <libproc2/pids.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string_view>

#include "collectors/proc_file.h"
#include "collectors/process/description.h"
#include "collectors/process/identity_files.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_pids_per_select = 255;

enum Item : std::size_t { item_pid, item_ppid, item_start, item_comm, item_exe, item_cmdline, item_count };
constexpr std::array<pids_item, item_count> items = {PIDS_ID_PID, PIDS_ID_PPID, PIDS_TICS_BEGAN,
                                                     PIDS_CMD,    PIDS_EXE,     PIDS_CMDLINE_V};

std::string_view text_of(const char* text) { return text == nullptr ? std::string_view() : std::string_view(text); }

std::string join(char** arguments, std::size_t& first_bytes) {
  std::string joined;
  if (arguments == nullptr) return joined;
  if (arguments[0] != nullptr && text_of(arguments[0]) == "-" && arguments[1] == nullptr) return joined;
  for (char** argument = arguments; *argument != nullptr; ++argument) {
    if (argument != arguments) joined += ' ';
    joined += *argument;
    if (argument == arguments) first_bytes = joined.size();
    if (joined.size() > max_cmdline_bytes) break;
  }
  return joined;
}

// Whether the calling thread is the one that has the library.
bool has_library() {
  static std::atomic<bool> taken{false};
  thread_local bool mine = false;
  if (!mine && !taken.exchange(true)) mine = true;
  return mine;
}

class Libproc2Describer final : public ProcessDescriber {
 public:
  Libproc2Describer(std::unique_ptr<ProcessDescriber> files, DescribedTexts texts)
      : files_(std::move(files)), texts_(texts) {}
  ~Libproc2Describer() override {
    if (info_ != nullptr) procps_pids_unref(&info_);
  }
  Libproc2Describer(const Libproc2Describer&) = delete;
  Libproc2Describer& operator=(const Libproc2Describer&) = delete;

  void describe(std::span<const pid_t> pids, std::vector<ProcessDescription>& out) override {
    if (pids.size() < many_processes || !has_library()) return files_->describe(pids, out);
    if (info_ == nullptr) {
      auto wanted = items;
      if (!texts_.exe) wanted[item_exe] = PIDS_noop;
      if (!texts_.cmdline) wanted[item_cmdline] = PIDS_noop;
      if (procps_pids_new(&info_, wanted.data(), static_cast<int>(wanted.size())) < 0) info_ = nullptr;
    }
    for (std::size_t from = 0; from < pids.size(); from += max_pids_per_select) {
      const auto portion = pids.subspan(from, std::min(max_pids_per_select, pids.size() - from));
      if (!select(portion, out)) files_->describe(portion, out);
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
    if (process.exe == "-") identity_.read_exe(texts_, process);
    process.cmdline = join(item[item_cmdline].result.strv, process.argv0_bytes);
    identity_.read_user_and_cgroups(texts_, process);
    normalise(process);
    return process;
  }

  void reread_comm(ProcessDescription& process) {
    auto comm = proc_.read((std::to_string(process.pid) + "/comm").c_str(), buffer_);
    if (!comm || !comm.text.ends_with('\n')) return;
    comm.text.remove_suffix(1);
    process.comm = comm.text;
  }

  std::unique_ptr<ProcessDescriber> files_;
  const DescribedTexts texts_;
  const ProcDir proc_{"/proc"};
  IdentityFiles identity_{proc_};
  ReadBuffer buffer_;
  pids_info* info_ = nullptr;
};

}  // namespace

std::unique_ptr<ProcessDescriber> make_libproc2_describer(DescribedTexts texts) {
  if (access("/proc/self/stat", R_OK) != 0) return nullptr;
  return std::make_unique<Libproc2Describer>(make_file_describer("/proc", texts), texts);
}

}  // namespace sidewatch
