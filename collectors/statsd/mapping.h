// What a metric's name and labels are made of, where the application's dotted names say too much: the mappings of
// statsd_exporter, whose files are read as they are.
//
//     mappings:
//       - match: "shop.*.orders.*"              # each * is one part between dots
//         name: shop_orders_total
//         labels: {country: $1, kind: $2}
//       - {match: "^debug", match_type: regex, action: drop, name: dropped}
//
// The first glob that matches counts, then the first regular expression. (With glob_disable_ordering, the glob that is
// most exact from left to right.)
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "base/time.h"
#include "collectors/statsd/line.h"
#include "config/section.h"
#include "metrics/labels.h"

namespace sidewatch::statsd {

// How timings become series. Empty or absent is "as the defaults say".
struct Observer {
  enum class Type { unsaid, summary, histogram } type = Type::unsaid;
  std::vector<double> quantiles;  // rising
  std::vector<double> buckets;    // rising, without +Inf
};

struct Mapping {
  enum class MatchType { unsaid, glob, regex } match_type = MatchType::unsaid;
  enum class Action { map, drop } action = Action::map;
  enum class MetricType { any, counter, gauge, observer, timer } metric_type = MetricType::any;
  config::Located<std::string> match;
  config::Located<std::string> name;
  std::map<std::string, std::string> labels;
  bool honor_labels = false;  // tags win over the mapping's labels
  std::string help;
  std::optional<Duration> ttl;
  std::optional<double> scale;
  Observer observer;

  std::vector<std::string> parts;  // of a glob
  Regex regex;
};
void declare(config::Section& section, Mapping& mapping);

struct MappingDefaults {
  Mapping::MatchType match_type = Mapping::MatchType::glob;
  bool glob_disable_ordering = false;
  std::optional<Duration> ttl;
  Observer observer;
};
void declare(config::Section& section, MappingDefaults& defaults);

class Mapper {
 public:
  Mapper() = default;
  // Adds the mappings of a file behind those that are there. Its problems are reported at `listed_at` when it cannot be
  // read, and at their own places otherwise.
  void load(const std::string& path, config::Section& section, const config::Mark& listed_at);

  struct Found {
    const Mapping* mapping = nullptr;
    std::string name;  // filled in, not yet what Prometheus takes
    std::vector<Label> labels;
  };
  // Null when no mapping is for it.
  std::optional<Found> find(std::string_view name, Kind kind) const;

  // How timings of a mapping (null: of none) become series; everything in it is filled in.
  Observer observer_of(const Mapping* mapping) const;
  // 0: for ever. Absent: no file says.
  std::optional<Duration> ttl_of(const Mapping* mapping) const;

  std::size_t size() const { return mappings_.size(); }
  std::string fingerprint() const { return text_; }

 private:
  void add(Mapping mapping, const MappingDefaults& defaults, config::Problems& problems);

  std::vector<Mapping> mappings_;
  MappingDefaults defaults_;
  std::string text_;  // of the files
};

}  // namespace sidewatch::statsd
