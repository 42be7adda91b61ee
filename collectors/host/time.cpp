// The wall clock of the machine, its time zone and the hardware that keeps the time, from
// /sys/devices/system/clocksource. The samples' own times do not come from here.
#include <array>
#include <functional>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_time_seconds", MetricType::gauge, "seconds", "The machine's wall clock, in Unix time."},
    Metric{"node_time_zone_offset_seconds", MetricType::gauge, "seconds", "How far local time is ahead of UTC."},
    Metric{"node_time_clocksource_available_info", MetricType::gauge, "",
           "A clock source that the kernel could use; always 1."},
    Metric{"node_time_clocksource_current_info", MetricType::gauge, "", "The clock source in use; always 1."},
};

constexpr const char* kClocksources = "devices/system/clocksource";

// Clock sources change so rarely that they are read again only at every so many passes.
constexpr unsigned kSlowPasses = 60;

class TimePart final : public Part {
 public:
  explicit TimePart(HostSources& sources) : sources_(sources), now_(sources.catalog.series(kMetrics[0], {})) {}

  void sample(Batch& batch, PartReport&) override {
    batch.add(now_, sources_.system.wall_seconds());
    if (passes_until_slow_ == 0) read_slow();
    --passes_until_slow_;
    batch.add(zone_series_, zone_.offset_seconds);
    for (const SeriesHandle& series : clocksources_) batch.add(series, 1);
  }

 private:
  void read_slow() {
    passes_until_slow_ = kSlowPasses;
    sources_.system.time_zone(zone_);
    zone_series_ = sources_.catalog.series(kMetrics[1], Labels{{"time_zone", zone_.name}});
    clocksources_.clear();
    const auto visit = [&](std::string_view directory) {
      if (!directory.starts_with("clocksource")) return;
      add_clocksources(directory, "available_clocksource", kMetrics[2]);
      add_clocksources(directory, "current_clocksource", kMetrics[3]);
    };
    // A machine that does not tell its clock sources is none the worse.
    (void)sources_.sys.list(kClocksources, listing_, std::ref(visit));
  }

  void add_clocksources(std::string_view directory, std::string_view file, const Metric& metric) {
    const std::string path = std::string(kClocksources) + "/" + std::string(directory) + "/" + std::string(file);
    std::string_view names = first_line(sources_.sys.read(path.c_str(), sources_.buffer).text);
    const auto device = directory.substr(std::string_view("clocksource").size());
    for (auto name = next_field(names); !name.empty(); name = next_field(names)) {
      clocksources_.push_back(sources_.catalog.series(metric, Labels{{"device", device}, {"clocksource", name}}));
    }
  }

  HostSources& sources_;
  SeriesHandle now_;
  TimeZone zone_;
  SeriesHandle zone_series_;
  std::vector<SeriesHandle> clocksources_;
  ReadBuffer listing_;
  unsigned passes_until_slow_ = 0;
};

}  // namespace

std::unique_ptr<Part> make_time_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<TimePart>(sources);
}

std::span<const Metric> time_metrics() { return kMetrics; }

}  // namespace sidewatch
