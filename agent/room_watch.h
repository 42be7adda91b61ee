// Says once when series begin to be left out for want of room, and once when that is over.
//
// The one idea: whoever reads the line must know where to look, so it names the metric that has too many series, the label of
// it with the most values (where these are many), and the limit that is reached. It looks at all series only when the state changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/logging.h"
#include "base/time.h"
#include "metrics/catalog.h"

namespace sidewatch {

class RoomWatch {
 public:
  static constexpr Duration calm = std::chrono::minutes(10);  // without a refusal, until it is over

  struct Limits {
    std::size_t max_series;
    std::size_t max_series_per_metric;
  };
  RoomWatch(const Catalog& catalog, Limits limits) : catalog_(catalog), limits_(limits) {}

  struct News {
    bool trouble = true;
    std::string text;
    LogFields fields;
  };
  // Absent: nothing has changed.
  std::optional<News> look(Time now);

 private:
  News describe();

  const Catalog& catalog_;
  const Limits limits_;
  std::uint64_t refused_ = 0;                             // at the last look
  std::map<std::string, std::uint64_t> refused_before_;  // by metric, when the last trouble was over
  std::optional<Time> last_refusal_;                      // absent: there is no trouble
};

}  // namespace sidewatch
