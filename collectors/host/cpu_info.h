// /proc/cpuinfo, which every architecture writes in its own way, as what node_cpu_info shows of a core.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "collectors/host/part.h"

namespace sidewatch {

// The labels of node_cpu_info.
inline constexpr std::array<std::string_view, 10> kCpuInfoLabels{"package", "core",       "cpu",       "vendor",   "family",
                                                                 "model",   "model_name", "microcode", "stepping", "cachesize"};

// Views into the text that was parsed.
struct CpuDescription {
  using Core = std::array<std::string_view, kCpuInfoLabels.size()>;  // in the order of the labels; empty: not told
  std::vector<Core> cores;
  std::string_view flags;  // features of the first core, with blanks between them
  std::string_view bugs;
};

// x86, ARM, s390x, POWER, MIPS, LoongArch and RISC-V. A core that is cut short is left out.
CpuDescription parse_cpu_info(std::string_view text);

// node_cpu_info and, for what the filters find, node_cpu_flag_info and node_cpu_bug_info. /proc/cpuinfo is dear on
// machines with many cores and hardly ever changes, so it is read anew only every kPassesBetweenReads.
class CpuInfo {
 public:
  CpuInfo(HostSources& sources, const HostConfig& config);
  void sample(Batch& batch, PartReport& report);

 private:
  void read(PartReport& report);
  void add_words(const Metric& metric, const char* label, std::string_view words, const Regex& wanted);

  HostSources& sources_;
  CpuConfig config_;
  unsigned passes_until_read_ = 0;
  std::uint64_t hash_ = 0;  // of what the labels were made of
  std::vector<SeriesHandle> series_;
};

std::span<const Metric> cpu_info_metrics();

}  // namespace sidewatch
