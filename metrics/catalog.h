// Which series exist: the interning of (metric, labels) into small handles, and the budget of how many there may be.
//
// A collector asks once per series and keeps the handle; a steady-state pass then writes {SeriesId, double} pairs and
// allocates nothing. The handle keeps the series alive: drop it when the device or process it describes is gone, and
// the store forgets the series once its samples have aged out. Any thread may call; one mutex inside.
//
// A forgotten series' place is used again, but under another epoch: an old SeriesId never means somebody else's series.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "metrics/labels.h"
#include "metrics/matcher.h"
#include "metrics/metric.h"

namespace sidewatch {

// Where the samples of metrics go that the series budget keeps out whole.
inline constexpr Metric overflow_metric{"sidewatch_overflow", MetricType::untyped, "",
                                        "Last value written to a series of a metric that had no room at all."};

struct SeriesId {
  std::uint32_t index = 0;
  std::uint32_t epoch = 0;  // how many series had this index before
  auto operator<=>(const SeriesId&) const = default;
};

class Catalog;

// Owns one reference to a series. Move-only; releases on destruction. Must not outlive its Catalog.
class SeriesHandle {
 public:
  SeriesHandle() = default;
  SeriesHandle(SeriesHandle&& other) noexcept : catalog_(std::exchange(other.catalog_, nullptr)), id_(other.id_) {}
  SeriesHandle& operator=(SeriesHandle&& other) noexcept;
  ~SeriesHandle();

  explicit operator bool() const { return catalog_ != nullptr; }
  SeriesId id() const { return id_; }

 private:
  friend class Catalog;
  SeriesHandle(Catalog* catalog, SeriesId id) : catalog_(catalog), id_(id) {}
  Catalog* catalog_ = nullptr;
  SeriesId id_;
};

// A metric family as the catalog keeps it: the strings are its own.
struct Family {
  std::string name;
  MetricType type;
  std::string unit;
  std::string help;
};

// What never changes about a series while it lives. Shared, so a reader may keep it without any lock.
struct SeriesInfo {
  std::shared_ptr<const Family> family;
  Labels labels;           // without __name__; with the agent's common labels
  std::string label_text;  // `a="b",c="d"`, escaped for the exposition; the writer adds name, braces, value
};

class Catalog {
 public:
  struct Limits {
    std::size_t max_series = 20'000;            // in all (limits.max_series)
    std::size_t max_series_per_metric = 5'000;  // of one name (limits.max_series_per_metric)
    std::size_t max_labels = 32;                // per series, common ones included (limits.max_labels)
    std::size_t max_label_value_bytes = 256;    // longer values are cut at a character (limits.max_label_value_bytes)
  };

  // How often something other than what was asked for was given. Counted per request, not per series.
  struct Counts {
    std::uint64_t overflowed = 0;      // a budget refused the series
    std::uint64_t shortened = 0;       // a label value was cut
    std::uint64_t mended = 0;          // a name or a value had bytes that may not stand there
    std::uint64_t type_conflicts = 0;  // the metric's name is known with another type, which stays
  };

  Catalog(Limits limits, const Labels& common_labels);
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // Never fails. Over a budget, or with too many labels, the handle is of the metric's one overflow series
  // ({overflow="true"}, whose value is whatever was written to it last), and overflowed() rises. Metrics that are new when
  // max_series is reached share the series sidewatch_overflow, so the catalog's size stays bounded.
  // Bytes that are not UTF-8 become U+FFFD; an illegal character of a name becomes '_'. Unit and help are kept as the
  // metric's first request had them.
  SeriesHandle series(const Metric& metric, const Labels& labels) { return ask(metric, labels, Origin::agent).series; }

  // Who chose the name and the labels: the agent and its configuration, or a stranger (see outside_series.h).
  enum class Origin : std::uint8_t { agent, outside, refused_outside };  // the last: by the source's own budget already
  struct Given {
    SeriesHandle series;
    bool overflowed = false;  // a budget refused what was asked for: it is an overflow series, whatever its labels are
  };
  Given ask(const Metric& metric, const Labels& labels, Origin origin);

  struct Entry {
    SeriesId id;
    std::shared_ptr<const SeriesInfo> info;
  };

  // Series matching every matcher (__name__ may be among them), in order of name and labels. Where labels are asked for
  // by value, only the series that have these are looked at; no pattern is run while others wait.
  std::vector<Entry> find(std::span<const Matcher> matchers) const;
  std::vector<SeriesId> select(std::span<const Matcher> matchers) const;

  std::shared_ptr<const SeriesInfo> info(SeriesId id) const;  // null when the series is no more

  // Rises whenever a series is made or forgotten: who caches a selection asks again when it differs.
  std::uint64_t generation() const;

  std::size_t size() const;
  std::uint64_t overflowed() const;  // requests for a series that a budget refused
  Counts counts() const;
  // Which metrics a budget kept series out of, by name. What had no room even for its metric is under sidewatch_overflow.
  struct Refusals {
    std::string metric;
    std::uint64_t requests = 0;
  };
  std::vector<Refusals> refusals() const;
  const Labels& common_labels() const;

 private:
  friend class SeriesHandle;
  friend class Store;
  std::vector<Entry> ordered() const;                // all series by name and labels
  std::vector<SeriesId> unheld() const;              // those without a handle
  bool forget(SeriesId id);                          // false when a handle was taken meanwhile
  void release(SeriesId id);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidewatch
