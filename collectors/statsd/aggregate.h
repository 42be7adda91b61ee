// Lines become series: counters are summed, gauges kept, timings and sets looked at over a window.
//
// The one idea: a line that was seen before costs a hash of its bytes and an addition. Only a new one has its tags taken
// apart and its series asked for; two spellings of one series (tags in another order) meet there. Series over a budget
// share the overflow series of their metric, and its aggregate. What quantiles and sets remember is bounded as a whole. So
// a flood of tags or of values costs time, but only so much memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "collectors/kept_sums.h"
#include "collectors/own_names.h"
#include "collectors/statsd/events.h"
#include "collectors/statsd/key_table.h"
#include "collectors/statsd/line.h"
#include "collectors/statsd/mapping.h"
#include "collectors/statsd/name_tags.h"
#include "collectors/statsd/refused_names.h"
#include "collectors/statsd/room.h"
#include "collectors/statsd/sketch.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch::statsd {

extern const Metric event_metric;
extern const Metric check_metric;

struct AggregateOptions {
  Duration window = std::chrono::minutes(1);  // of quantiles, smallest, largest and set sizes
  Duration ttl = std::chrono::minutes(15);    // a series that nobody sent for so long is dropped (not its sum); 0: never
  std::size_t max_series = 10'000;  // in the catalog, those among them that ended and that it still remembers
  std::size_t max_names = 2000;               // of metrics
  std::size_t max_keys = 100'000;             // spellings of series that are remembered
  std::size_t max_bytes = std::size_t{16} << 20;  // of what quantiles and sets remember
  TagStyles tag_styles = {};  // of tags in names, beside DogStatsD's behind '#'
  EventOptions events = {};
};

class Aggregate {
 public:
  Aggregate(Catalog& catalog, AggregateOptions options, Mapper mapper = {});
  ~Aggregate();

  // Lines between newlines; an empty one is none. Never fails: what cannot be used is counted.
  void take(std::string_view packet);

  // Everything that is not older than its ttl.
  void write(Batch& batch, Time now);

  struct Counts {
    std::uint64_t lines = 0;
    std::uint64_t samples = 0;
    std::uint64_t unknown_sections = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(LineError::count)> errors{};
    std::uint64_t names_refused = 0;  // lines of a metric over max_names
    std::uint64_t coarse = 0;         // values that were over max_bytes: not in their set, or only roughly in quantiles
    std::uint64_t dropped = 0;        // lines that a mapping drops
    std::uint64_t unmapped = 0;       // series that were made without a mapping, where there are any
    std::uint64_t tags_left_out = 0;  // in names, without a name or a value of their own
  };
  const Counts& counts() const { return counts_; }
  std::size_t series() const { return live_; }

  // Once in a pass: what people should read about names for which there is no room.
  std::optional<PassNews> news(Time now) { return refused_names_.news(options_.max_names, now); }

 private:
  struct Members;
  struct Entry;

  void take_one(std::string_view line);
  void take_event(std::string_view text);
  void take_check(std::string_view text);
  void update(Entry& entry, const Line& line);
  Entry* entry_of(const Line& line);
  Entry* new_entry_of(const Line& line, const KeyTable::Key& key, std::uint64_t hash);
  // The aggregate of a series, made when it is new; null when it cannot be, which is counted.
  struct Resolved {
    Entry* entry = nullptr;
    bool shared = false;  // it is the overflow series of its metric
  };
  Resolved resolve(std::string name, Kind kind, const Labels& labels, std::string_view help, const Mapping* mapping);
  bool is_taken(const std::string& name, Kind kind) const;
  bool has_room_for(const std::string& name) const;
  Entry* adopt(std::unique_ptr<Entry> entry);
  void add_member(Entry& entry, std::string_view member);
  void write_members(Entry& entry, bool touched, Batch& batch);
  void resume(Entry& entry);
  void drop(Entry& entry);
  void fail(LineError error) { ++counts_.errors[static_cast<std::size_t>(error)]; }

  Room room_;
  KeptSums kept_sums_;
  const AggregateOptions options_;
  const Mapper mapper_;
  KeyTable keys_;
  std::vector<std::unique_ptr<Entry>> entries_;  // a dropped one's place is used again
  std::vector<std::uint32_t> free_;
  std::map<SeriesId, std::uint32_t> by_series_;
  std::unordered_map<Labels, std::uint32_t, LabelsHash> timings_;  // by name and labels: those that have room
  struct Name {
    Kind kind;
    std::size_t entries = 0;
    bool full = false;  // a timing for whose series there was no room: more are not even asked for
  };
  std::unordered_map<std::string, Name> names_;  // by the metric's name as it is served
  std::size_t live_ = 0;
  std::int64_t turn_ = 0;
  std::size_t bytes_ = 0;  // of sketches and sets, since the last pass
  const OwnNames own_names_;
  Events events_;
  RefusedNames refused_names_;
  Counts counts_;
  Sketch merged_;
};

}  // namespace sidewatch::statsd
