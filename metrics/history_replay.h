// Gives a store back what an earlier life wrote down: reads logs (history_log.h) and applies them, oldest first.
//
// It trusts no byte. A record that is damaged is left out and counted; after it the passes of the same log mean nothing
// and are left out too, memories of series still count. Nothing is made up: what was lost is a gap.
//
// An earlier life's times are moved onto this life's timeline: by the kernel's clock when the machine has not been
// started again in between, otherwise by the wall clock. Samples that would then lie in the future (the wall clock was
// set back) are left out and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "metrics/history_log.h"
#include "metrics/store.h"

namespace sidewatch {

class HistoryReplay {
 public:
  struct Counts {
    std::uint64_t samples = 0;  // read, and neither too old nor too late
    std::uint64_t damages = 0;  // records that could not be read; a tail that is cut off is one
    std::uint64_t from_the_future = 0;
    std::uint64_t series_refused = 0;  // there was no room for them (limits.max_series)
  };

  // `retention`: older samples are left out.
  HistoryReplay(Store& store, const HistoryClocks& now, Duration retention);

  // The next bytes are the beginning of another log.
  void begin_log();
  // Takes the whole records at the front of `bytes` and returns how many bytes they were: the rest is to be given again,
  // with more behind it. `complete`: nothing comes any more. A log without a byte is of a life that ended before it
  // wrote, and no damage.
  std::size_t take(std::string_view bytes, bool complete);
  // What was taken since begin_log() was a whole checkpoint: one that does not say where it ends has lost its tail.
  void end_checkpoint();

  // Afterwards, before the first pass of this life. `lookback`: see Store::end_restore.
  void finish(Duration lookback);

  const Counts& counts() const { return counts_; }

 private:
  struct KnownMetric {
    std::string name;
    MetricType type;
    std::string unit;
    std::string help;
  };
  struct KnownSeries {
    std::size_t metric;
    Labels labels;
    SeriesHandle handle;  // taken when there is something to restore
    bool refused = false;
    double value = 0;  // in this log's passes
  };

  bool take_head(std::string_view bytes, bool complete);
  void apply(std::string_view content);
  bool read_clocks(ByteReader& reader);
  bool read_step(ByteReader& reader);
  bool read_metric(ByteReader& reader);
  bool read_series(ByteReader& reader);
  bool read_pass(ByteReader& reader);
  bool read_memory(ByteReader& reader);
  void restore(KnownSeries& series, const Chunk& chunk);
  void restore(KnownSeries& series, Time time, double value);
  const SeriesHandle* handle_of(KnownSeries& series);

  Store& store_;
  const HistoryClocks now_;
  const Time oldest_;
  Counts counts_;

  // Of the present log.
  bool headed_ = false;
  bool stopped_ = false;
  bool damaged_ = false;
  bool reached_end_ = false;
  bool same_boot_ = false;
  Duration shift_{0};
  std::vector<KnownMetric> metrics_;
  std::vector<KnownSeries> series_;
};

}  // namespace sidewatch
