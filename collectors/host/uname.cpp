// Name, kernel and architecture of the machine, by uname(2). A changed host name makes a new series.
#include <array>
#include <cstring>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_uname_info", MetricType::gauge, "", "What uname(2) says of the machine; always 1."},
};

class UnamePart final : public Part {
 public:
  explicit UnamePart(HostSources& sources) : sources_(sources) {}

  void sample(Batch& batch, PartReport& report) override {
    utsname name{};
    if (!sources_.system.uname(name)) return report.fail({"the kernel does not tell its name", "uname"});
    if (!series_ || std::memcmp(&name, &name_, sizeof name) != 0) {
      name_ = name;
      series_ = sources_.catalog.series(kMetrics[0], Labels{{"sysname", name.sysname},
                                                            {"release", name.release},
                                                            {"version", name.version},
                                                            {"machine", name.machine},
                                                            {"nodename", name.nodename},
                                                            {"domainname", name.domainname}});
    }
    batch.add(series_, 1);
  }

 private:
  HostSources& sources_;
  utsname name_{};
  SeriesHandle series_;
};

}  // namespace

std::unique_ptr<Part> make_uname_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<UnamePart>(sources);
}

std::span<const Metric> uname_metrics() { return kMetrics; }

}  // namespace sidewatch
