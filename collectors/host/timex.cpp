// How the kernel keeps the wall clock, by adjtimex(2): whether it is synchronised, and how far it may be off.
//
// Asking is allowed to everybody; where a sandbox forbids the call, the part is absent.
#include <sys/timex.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_timex_sync_status", MetricType::gauge, "", "Whether the clock follows a reliable server."},
    Metric{"node_timex_offset_seconds", MetricType::gauge, "seconds", "How far the clock is from its reference."},
    Metric{"node_timex_frequency_adjustment_ratio", MetricType::gauge, "ratio", "How much the clock's pace is corrected."},
    Metric{"node_timex_maxerror_seconds", MetricType::gauge, "seconds", "How far the clock may be off at most."},
    Metric{"node_timex_estimated_error_seconds", MetricType::gauge, "seconds", "How far the clock is off by estimate."},
    Metric{"node_timex_status", MetricType::gauge, "", "The status bits (STA_*) of the clock."},
    Metric{"node_timex_loop_time_constant", MetricType::gauge, "", "Time constant of the phase-locked loop."},
    Metric{"node_timex_tick_seconds", MetricType::gauge, "seconds", "Time between two ticks of the clock."},
    Metric{"node_timex_pps_frequency_hertz", MetricType::gauge, "hertz", "Frequency of the pulse-per-second signal."},
    Metric{"node_timex_pps_jitter_seconds", MetricType::gauge, "seconds", "Jitter of the pulse-per-second signal."},
    Metric{"node_timex_pps_shift_seconds", MetricType::gauge, "seconds", "Interval of the pulse-per-second calibration."},
    Metric{"node_timex_pps_stability_hertz", MetricType::gauge, "hertz", "Stability of the pulse-per-second signal."},
    Metric{"node_timex_pps_jitter_total", MetricType::counter, "", "Times that the jitter limit was exceeded."},
    Metric{"node_timex_pps_calibration_total", MetricType::counter, "", "Calibration intervals."},
    Metric{"node_timex_pps_error_total", MetricType::counter, "", "Calibration errors."},
    Metric{"node_timex_pps_stability_exceeded_total", MetricType::counter, "",
           "Times that the stability limit was exceeded."},
    Metric{"node_timex_tai_offset_seconds", MetricType::gauge, "seconds", "International Atomic Time minus UTC."},
};

constexpr double kMicro = 1e6;
constexpr double kNano = 1e9;
constexpr double kScaledPpm = 1e6 * 65536;  // frequencies are parts per million with a 16-bit fraction: adjtimex(2)

using Values = std::array<double, kMetrics.size()>;

// In the order of kMetrics. A ratio and the stepping are what the exporter of these names makes of them.
Values values_of(const ClockReading& clock) {
  const timex& time = clock.time;
  const double fine = (time.status & STA_NANO) != 0 ? kNano : kMicro;
  const auto number = [](auto field) { return static_cast<double>(field); };
  return {clock.state == TIME_ERROR ? 0.0 : 1.0,
          number(time.offset) / fine,
          1 + number(time.freq) / kScaledPpm,
          number(time.maxerror) / kMicro,
          number(time.esterror) / kMicro,
          number(time.status),
          number(time.constant),
          number(time.tick) / kMicro,
          number(time.ppsfreq) / kScaledPpm,
          number(time.jitter) / fine,
          number(time.shift),
          number(time.stabil) / kScaledPpm,
          number(time.jitcnt),
          number(time.calcnt),
          number(time.errcnt),
          number(time.stbcnt),
          number(time.tai)};
}

class TimexPart final : public Part {
 public:
  explicit TimexPart(HostSources& sources)
      : sources_(sources), series_(make_series(sources.catalog, kMetrics)) {}

  void sample(Batch& batch, PartReport& report) override {
    ClockReading clock;
    const int error = sources_.system.read_clock(clock);
    if (error == EPERM || error == ENOSYS) return report.absent();
    if (error != 0) return report.fail({"the kernel does not tell of its clock: " + std::string(std::strerror(error)),
                                        "adjtimex"});
    const Values values = values_of(clock);
    for (std::size_t i = 0; i < values.size(); ++i) batch.add(series_[i], values[i]);
  }

 private:
  HostSources& sources_;
  std::array<SeriesHandle, kMetrics.size()> series_;
};

}  // namespace

std::unique_ptr<Part> make_timex_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<TimexPart>(sources);
}

std::span<const Metric> timex_metrics() { return kMetrics; }

}  // namespace sidewatch
