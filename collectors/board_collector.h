// The collector of what is sent to the agent in a protocol with names of its own, and stands on a SeriesBoard meanwhile.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/push_target.h"
#include "collectors/series_board.h"

namespace sidewatch {

class BoardTarget : public PushTarget {
 public:
  // What stands at `now`; what ended before is left out. Returns how much stands: series, or what the protocol counts.
  virtual std::size_t write(BoardWriter& writer, Catalog& catalog, Batch& batch, Time now, Exemplars* exemplars) = 0;
};

struct BoardCollectorOptions {
  Metric standing;             // how much stands
  std::size_t max_series = 0;  // of the target, that the catalog may remember
  std::string name;            // of the plan, and of its key under `collectors`
};
std::unique_ptr<Collector> make_board_collector(std::shared_ptr<BoardTarget> target, BoardCollectorOptions options,
                                                const CollectorContext& context);

}  // namespace sidewatch
