// What events and service checks say in words, as labels of series, so that rules can tell people about them.
//
// The one idea: words have no end, so what is kept has two bounds. A title is kept for a while after it came last, with how
// often it came; then it is 0 for as long again, so that what it raised is resolved; then it is gone. Beyond the greatest
// number of titles (or checks) new ones share one series: that something happened is told in any case.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "base/time.h"
#include "collectors/statsd/line.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch::statsd {

extern const Metric recent_events_metric;
extern const Metric check_message_metric;

struct EventOptions {
  bool enabled = false;
  Duration keep = std::chrono::minutes(5);
  std::size_t max = 100;  // titles, and as many checks
};

class Events {
 public:
  static constexpr std::string_view others = "(other events)";

  Events(Catalog& catalog, EventOptions options) : catalog_(catalog), options_(options) {}

  // `tags` are labels already.
  void take(const Event& event, const Labels& tags);
  void take(const ServiceCheck& check, const Labels& tags);

  void write(Batch& batch, Time now);

 private:
  struct Seen {
    SeriesHandle series;
    double count = 0;
    bool touched = true;
    Time last;
  };
  struct Said {
    SeriesHandle series;
    std::string message;
    bool touched = true;
    Time last;
  };
  void write_checks(Batch& batch, Time now);

  Catalog& catalog_;
  const EventOptions options_;
  std::unordered_map<Labels, Seen, LabelsHash> events_;
  std::unordered_map<Labels, Said, LabelsHash> checks_;
};

}  // namespace sidewatch::statsd
