// CPU time per core and mode, from the "cpuN" lines of /proc/stat (proc(5)), in clock ticks.
//
// As in node_exporter, time in guests is part of `user` and `nice` and shown once more apart; the modes of one core add
// up to elapsed time. The kernel lets idle and iowait run backwards by a few ticks, which a rate() would take for a
// restart: such a step is held back, unless idle falls far, which is a core that was taken out and put in again.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "collectors/host/cpu_hardware.h"
#include "collectors/host/cpu_info.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_cpu_seconds_total", MetricType::counter, "seconds",
           "Time that this core spent in this mode. Guest time is within user and nice."},
    Metric{"node_cpu_guest_seconds_total", MetricType::counter, "seconds",
           "Time that this core spent running virtual machines, by the mode it is also counted under."},
};

constexpr std::array<std::string_view, 8> kModes{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"};
constexpr std::array<std::string_view, 2> kGuestModes{"user", "nice"};
constexpr std::size_t kIdle = 3;
constexpr std::size_t kColumns = kModes.size() + kGuestModes.size();
constexpr double kIdleFallOfNewCore = 3.0;  // seconds

struct CpuTimes {
  std::string_view cpu;  // "0"
  std::array<double, kColumns> ticks{};
};

// One "cpuN ..." line. Columns that an old kernel lacks are 0. Nothing when it is another line or malformed.
std::optional<CpuTimes> parse_cpu_line(std::string_view line) {
  CpuTimes times;
  times.cpu = next_field(line);
  if (!times.cpu.starts_with("cpu") || times.cpu.size() == 3) return std::nullopt;
  times.cpu.remove_prefix(3);
  if (!parse_u64(times.cpu)) return std::nullopt;
  std::size_t column = 0;
  for (auto field = next_field(line); !field.empty() && column < kColumns; field = next_field(line)) {
    const auto ticks = parse_u64(field);
    if (!ticks) return std::nullopt;
    times.ticks[column++] = static_cast<double>(*ticks);
  }
  return column > kIdle ? std::optional(times) : std::nullopt;
}

struct Core {
  std::array<SeriesHandle, kColumns> series;
  std::array<double, kColumns> seconds{};
};

Core make_core(Catalog& catalog, std::string_view cpu, std::size_t columns) {
  Core core;
  for (std::size_t i = 0; i < kModes.size(); ++i) {
    core.series[i] = catalog.series(kMetrics[0], Labels{{"cpu", cpu}, {"mode", kModes[i]}});
  }
  for (std::size_t i = kModes.size(); i < columns; ++i) {
    core.series[i] = catalog.series(kMetrics[1], Labels{{"cpu", cpu}, {"mode", kGuestModes[i - kModes.size()]}});
  }
  return core;
}

class CpuPart final : public Part {
 public:
  CpuPart(HostSources& sources, const HostConfig& config)
      : sources_(sources), ticks_per_second_(static_cast<double>(::sysconf(_SC_CLK_TCK))),
        columns_(config.cpu.guest ? kColumns : kModes.size()),
        throttles_(sources, cpu_throttle_class()), info_(sources, config) {}

  void sample(Batch& batch, PartReport& report) override {
    throttles_.sample(batch, report);
    info_.sample(batch, report);
    const FileText file = sources_.stat.read(sources_.pass);
    if (!file) return report.fail(sources_.stat.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    while (next_line(rest, line) && line.starts_with("cpu")) {
      if (line.starts_with("cpu ")) continue;  // the sum over all cores
      if (const auto times = parse_cpu_line(line)) {
        add(*times, batch);
      } else {
        report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/stat"});
      }
    }
    cores_.forget_untaken();
    if (cores_.size() == 0) report.fail({"no CPU is listed", sources_.proc.path() + "/stat"});
  }

 private:
  void add(const CpuTimes& times, Batch& batch) {
    Core* core = cores_.take(times.cpu, [&] { return make_core(sources_.catalog, times.cpu, columns_); });
    if (core == nullptr) return;
    if (times.ticks[kIdle] / ticks_per_second_ + kIdleFallOfNewCore < core->seconds[kIdle]) core->seconds = {};
    for (std::size_t i = 0; i < columns_; ++i) {
      core->seconds[i] = std::max(core->seconds[i], times.ticks[i] / ticks_per_second_);
      batch.add(core->series[i], core->seconds[i]);
    }
  }

  HostSources& sources_;
  double ticks_per_second_;
  std::size_t columns_;  // without those of guests, if they are not wanted
  DeviceTree throttles_;
  CpuInfo info_;
  KeyedSlots<Core> cores_;
};

}  // namespace

std::unique_ptr<Part> make_cpu_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<CpuPart>(sources, config);
}

std::span<const Metric> cpu_metrics() {
  static const std::vector<Metric> kAll = [] {
    std::vector<Metric> all(kMetrics.begin(), kMetrics.end());
    for (const auto more : {cpu_hardware_metrics(), cpu_info_metrics()}) all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return kAll;
}

}  // namespace sidewatch
