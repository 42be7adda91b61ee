// Series that two sources say: which metrics it happens to, told once each, and what each source has lost.
//
// The one idea: the first source that writes a series has it for as long as it writes it in each of its passes. What another
// one says of it meanwhile is left out and counted: two mixed together would be neither's truth, and a counter of them
// would fall and rise. When the first leaves the series out, fails or is gone, the next one to write has it.
//
// Series with overflow="true" are everybody's. Holds no lock: the store does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/catalog.h"

namespace sidewatch {

// The names are those of sources, as the store knows them.
struct Contest {
  std::string metric;
  std::string first;
  std::string second;
};

// A series that a source wrote in its last pass although it is another's.
struct LostSeries {
  SeriesId series;
  std::string to;
};

class Contests {
 public:
  static constexpr std::size_t max_told = 1000;  // metrics; what is beyond is only counted

  // Whether the series can be lost at all.
  static bool is_everybodys(const SeriesInfo& series) { return series.labels.get("overflow") == "true"; }

  void begin_pass(std::string_view source);
  void add(SeriesId series, const std::string& metric, const std::string& first, const std::string& second);

  std::vector<LostSeries> lost(std::string_view source) const;
  // Those of metrics that were not there before, since the last call.
  std::vector<Contest> take() { return std::exchange(fresh_, {}); }
  std::uint64_t samples() const { return samples_; }

 private:
  std::uint64_t samples_ = 0;
  std::map<std::string, std::vector<LostSeries>, std::less<>> lost_;  // by source
  std::set<std::string> told_;
  std::vector<Contest> fresh_;
};

}  // namespace sidewatch
