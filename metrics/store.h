// What the series are worth: the last value, its age, whether it is stale, and a bounded history of recent samples.
//
// One writer (the loop), many readers; one mutex inside, held by a reader only while it copies. A sample belongs to a
// *source* (one collector): a series that its source did not write in a pass is stale from that pass on, and a failed
// or overdue source makes all of its series stale. Stale series are not exposed and have no latest value, they are only
// remembered. Where two sources write one series, the first counts (metrics/contests.h).
//
// The newest sample of a series stands apart from its history: reading it costs no search, and a second sample for the
// same instant replaces it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "metrics/catalog.h"
#include "metrics/chunk.h"
#include "metrics/point.h"

namespace sidewatch {

struct Sample {
  SeriesId series;
  double value = 0;
};

// The samples of one pass of one source. Reused from pass to pass, so a steady state does not allocate.
class Batch {
 public:
  void add(const SeriesHandle& series, double value) { if (series) samples_.push_back({series.id(), value}); }
  // Of a counter that came to be since the source's last pass, or came back: it stood at `before` then. So what it counted
  // first is seen to be an increase.
  void begin(const SeriesHandle& series, double before, double value) {
    if (series) beginnings_.push_back({series.id(), before});
    add(series, value);
  }
  void add(const Batch& other) {
    samples_.insert(samples_.end(), other.samples_.begin(), other.samples_.end());
    beginnings_.insert(beginnings_.end(), other.beginnings_.begin(), other.beginnings_.end());
  }
  void clear() {
    samples_.clear();
    beginnings_.clear();
  }
  const std::vector<Sample>& samples() const { return samples_; }
  const std::vector<Sample>& beginnings() const { return beginnings_; }
  std::size_t size() const { return samples_.size(); }

 private:
  std::vector<Sample> samples_;
  std::vector<Sample> beginnings_;  // what series of `samples_` stood at in the pass before
};

enum class SourceId : std::uint32_t {};

struct Contest;
struct LostSeries;

// Is told of everything that a store takes in, stale markers included: what an earlier life has to be restored from.
class Journal {
 public:
  virtual ~Journal() = default;
  // Called under the store's lock: must not wait, nor call the store. The samples are valid during the call only.
  virtual void took_in(Time time, const std::vector<Sample>& samples) = 0;
};

// One series as a page or a query sees it: copied out, valid without any lock.
struct SeriesValue {
  std::shared_ptr<const SeriesInfo> info;
  Point last;
};

class Store {
 public:
  struct Limits {
    Duration retention = std::chrono::hours(1);  // history.retention: older samples are dropped
    std::size_t max_bytes = std::size_t{32} << 20;  // history.max_bytes: of all series together; the oldest go first
  };

  Store(Catalog& catalog, Limits limits);  // a catalog has one store
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  SourceId add_source(std::string name);
  void remove_source(SourceId source, Time now);  // its series go stale

  // Of each source that was not removed, in the order of their adding.
  struct SourceState {
    std::string name;
    std::size_t live_series = 0;   // written in its last pass; 0 when it failed
    std::optional<Time> last_pass;  // absent before the first
  };
  std::vector<SourceState> sources() const;

  // Takes a pass in: every sample gets `time`; series that this source wrote before but not now go stale. Of two
  // samples for one series and instant the later one stays; a sample older than its series' newest is refused and
  // counted, as is one of a forgotten series. One for a series that another source has is left out and counted apart.
  // Where a series begins, what it stood at before gets the time of the source's last pass; nothing when there was none, or
  // when the series lives already.
  void append(SourceId source, Time time, const Batch& batch);
  void mark_stale(SourceId source, Time time);  // the source failed, or is overdue

  // Drops samples past retention (in chunks, so that a few older ones may stay for a while) and forgets series that
  // nobody holds and that have none left.
  void expire(Time now);

  // The newest sample at or before `at` and after `at - lookback`, unless the series was stale then.
  std::optional<Point> latest(SeriesId series, Time at, Duration lookback) const;

  // Appends to `out` the samples with from < time <= to, oldest first (left-open, as Prometheus 3 defines ranges; the
  // evaluator asks for what it needs). Stale markers are not samples: who steps through the points needs them all the
  // same.
  enum class StaleMarkers { left_out, kept };
  void range(SeriesId series, Time from, Time to, std::vector<Point>& out,
             StaleMarkers markers = StaleMarkers::left_out) const;

  // Whether the series was alive at any time from `from` to `to`: it had a sample then, or one before that still held.
  bool has_samples(SeriesId series, Time from, Time to) const;

  // Every series that is not stale, ordered by family name, then labels: what /metrics shows. `lineup` becomes the number
  // of this choice of series, from 1.
  std::vector<SeriesValue> snapshot(std::uint64_t* lineup = nullptr) const;
  // Only their values, in the same order. False, and nothing is done, when others than those of `lineup` are live now.
  bool values(std::uint64_t lineup, std::vector<double>& values) const;

  std::uint64_t version() const;  // rises when snapshot() would differ: a page rendered at one version stays right
  std::size_t history_bytes() const;
  std::uint64_t samples_appended() const;
  std::uint64_t samples_evicted() const;  // dropped before their retention because of max_bytes
  std::uint64_t samples_refused() const;  // older than their series' newest, or of a forgotten series
  std::uint64_t samples_contested() const;  // of a series that another source has
  std::vector<Contest> take_contests();     // of metrics of which none was taken before
  std::vector<LostSeries> lost(std::string_view source) const;  // by the source of that name, in its last pass

  const Catalog& catalog() const { return catalog_; }
  Catalog& catalog() { return catalog_; }

  // Null: nobody is told. The journal outlives the store, or is taken away before.
  void set_journal(Journal* journal);

  // What the store remembers of one series, to be kept on disk: chunks with samples after `after`, oldest first, at most
  // `limit` of them. The newest sample, which stands in no chunk, comes with the last of them.
  struct Memory {
    std::vector<Chunk> chunks;
    std::optional<Point> newest;  // absent: there are more chunks
  };
  Memory memory(SeriesId series, Time after, std::size_t limit) const;

  // An earlier life's memory, given back before the first pass of this one: chunks and samples in order, then
  // end_restore(). Whatever is not later than what its series has already is left out; of a forgotten series, all.
  void restore(SeriesId series, const Chunk& chunk);
  void restore(SeriesId series, Point sample);
  // Nobody writes the restored series until a source does: they are stale from the end of `lookback` on, or from `now`.
  void end_restore(Time now, Duration lookback);

 private:
  Catalog& catalog_;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch
