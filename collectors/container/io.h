// What a cgroup reads from and writes to block devices: read from cgroup v2 or v1, exposed alike.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/container/cgroup_files.h"
#include "collectors/container/metrics.h"
#include "metrics/catalog.h"

namespace sidewatch::container {

class IoPart {
 public:
  static constexpr std::size_t max_devices = 64;  // of one target at a time; more are left out

  // Devices are named as `sysfs` calls them: /dev/sda.
  IoPart(Catalog& catalog, Labels labels, const Levels& levels, const ProcDir& sysfs);
  void sample(PassContext& pass);

 private:
  struct Device {
    std::string number;  // "8:0"
    std::uint64_t pass = 0;  // in which it was last there
    std::array<SeriesHandle, kIoMetrics.size()> series;
  };
  Device* device(std::string_view number);
  Device* place_for_another();
  void add(Batch& batch, std::string_view number, IoMetric metric, std::uint64_t value);
  void sample_v2(PassContext& pass);
  void sample_v1(PassContext& pass, std::size_t first, IoMetric reads, IoMetric writes);
  std::string name_of(std::string_view number) const;

  Catalog& catalog_;
  const Labels labels_;
  const bool unified_;
  const ProcDir& sysfs_;
  std::vector<ProcFile> files_;
  std::vector<Device> devices_;
  std::uint64_t pass_ = 0;
};

}  // namespace sidewatch::container
