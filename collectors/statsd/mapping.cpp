#include "collectors/statsd/mapping.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "config/document.h"
#include "metrics/text.h"

namespace sidewatch::statsd {
namespace {

using config::Section;

// What the client libraries of Prometheus take where nothing is said.
const std::vector<double> kDefaultBuckets{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
const std::vector<double> kDefaultQuantiles{0.5, 0.9, 0.95, 0.99};

constexpr std::size_t enough_bytes = 1024;  // of a name or a label
constexpr std::size_t max_mappings = 10'000;

void declare_type(Section& section, std::string_view key, Observer& observer) {
  section.choice(key, observer.type,
                 {{"", Observer::Type::unsaid},
                  {"summary", Observer::Type::summary},
                  {"histogram", Observer::Type::histogram}},
                 "what timings become");
}

void declare_buckets(Section& section, std::vector<double>& buckets) {
  std::vector<std::string> texts;
  section.optional("buckets", texts, "upper bounds of the buckets, rising");
  if (section.describing() || texts.empty()) return;
  buckets.clear();
  for (const auto& text : texts) {
    double bound = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(bound)) {
      section.problem("buckets", "'" + text + "' is not a number");
    } else if (!buckets.empty() && bound <= buckets.back()) {
      section.problem("buckets", "the bounds must rise, and " + text + " does not");
    } else {
      buckets.push_back(bound);
    }
  }
}

void declare_quantiles(Section& section, std::vector<double>& quantiles) {
  section.each("quantiles", "the quantiles that are shown", [&](Section& one) {
    double quantile = 0;
    double error = 0;
    one.required("quantile", quantile, "between 0 and 1", config::between(0.0, 1.0));
    one.optional("error", error, "accepted, and without effect: every quantile is within 1 %", config::between(0.0, 1.0));
    if (!one.describing()) quantiles.push_back(quantile);
  });
  std::sort(quantiles.begin(), quantiles.end());
  quantiles.erase(std::unique(quantiles.begin(), quantiles.end()), quantiles.end());
}

// Including what earlier releases of statsd_exporter called otherwise.
void declare_observer(Section& section, Observer& observer) {
  declare_type(section, "observer_type", observer);
  if (!section.has("observer_type")) declare_type(section, "timer_type", observer);
  section.within("summary_options", "quantiles of a summary", [&](Section& options) {
    Duration age{0};
    std::int64_t count = 0;
    declare_quantiles(options, observer.quantiles);
    options.optional("max_age", age, "accepted, and without effect: statsd.window says how far quantiles look back");
    options.optional("age_buckets", count, "accepted, and without effect");
    options.optional("buf_cap", count, "accepted, and without effect");
  });
  section.within("histogram_options", "buckets of a histogram", [&](Section& options) {
    double factor = 0;
    std::int64_t count = 0;
    declare_buckets(options, observer.buckets);
    options.optional("native_histogram_bucket_factor", factor, "accepted, and without effect");
    options.optional("native_histogram_max_buckets", count, "accepted, and without effect");
  });
  if (observer.quantiles.empty()) declare_quantiles(section, observer.quantiles);
  if (observer.buckets.empty()) declare_buckets(section, observer.buckets);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('.', at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// The parts that the stars stand for; nothing when the name is another.
std::optional<std::vector<std::string_view>> match_glob(const std::vector<std::string>& glob, std::string_view name) {
  std::vector<std::string_view> captured;
  for (std::size_t i = 0; i < glob.size(); ++i) {
    const auto end = name.find('.');
    const bool last = i + 1 == glob.size();
    if (last != (end == std::string_view::npos)) return std::nullopt;
    const auto part = name.substr(0, end);
    if (glob[i] == "*") {
      if (part.empty()) return std::nullopt;
      captured.push_back(part);
    } else if (glob[i] != part) {
      return std::nullopt;
    }
    if (!last) name.remove_prefix(end + 1);
  }
  return captured;
}

// "$1" and "${1}" by what was captured; an unknown number is empty.
std::string fill_in(std::string_view text, const std::vector<std::string_view>& captured) {
  std::string out;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    const bool braces = text.starts_with('{');
    const auto digits = text.substr(braces ? 1 : 0);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const auto used = static_cast<std::size_t>(end - digits.data());
    const bool closed = !braces || digits.substr(used).starts_with('}');
    if (error != std::errc() || !closed) {
      out += '$';
      continue;
    }
    if (number >= 1 && number <= captured.size()) out += captured[number - 1];
    text = digits.substr(used + (braces ? 1 : 0));
  }
  return out;
}

bool is_for(const Mapping& mapping, Kind kind) {
  switch (mapping.metric_type) {
    case Mapping::MetricType::any: return true;
    case Mapping::MetricType::counter: return kind == Kind::counter;
    case Mapping::MetricType::gauge: return kind == Kind::gauge;
    case Mapping::MetricType::observer:
    case Mapping::MetricType::timer: break;
  }
  return kind == Kind::timer || kind == Kind::histogram || kind == Kind::distribution;
}

// Of two globs that match one name: where they first differ, the one without a star there.
bool more_exact(const Mapping& left, const Mapping& right) {
  for (std::size_t i = 0; i < left.parts.size(); ++i) {
    const bool star = left.parts[i] == "*";
    if (star != (right.parts[i] == "*")) return !star;
  }
  return false;
}

struct MappingFile {
  MappingDefaults defaults;
  std::vector<Mapping> mappings;
};
void declare(Section& section, MappingFile& file) {
  section.section("defaults", file.defaults, "what holds where a mapping says nothing");
  section.list("mappings", file.mappings, "which metrics become which");
}

}  // namespace

void declare(Section& section, MappingDefaults& defaults) {
  section.choice("match_type", defaults.match_type,
                 {{"glob", Mapping::MatchType::glob}, {"regex", Mapping::MatchType::regex}}, "how match is meant");
  section.optional("glob_disable_ordering", defaults.glob_disable_ordering, "the most exact glob counts, not the first");
  section.optional("ttl", defaults.ttl, "a series that nobody sends for so long is dropped");
  declare_observer(section, defaults.observer);
}

void declare(Section& section, Mapping& mapping) {
  section.required("match", mapping.match, "the metrics it is for");
  section.optional("name", mapping.name, "what they are called");
  section.optional("labels", mapping.labels, "labels; $1 is what the first star or group stands for");
  section.choice("match_type", mapping.match_type,
                 {{"", Mapping::MatchType::unsaid},
                  {"glob", Mapping::MatchType::glob},
                  {"regex", Mapping::MatchType::regex}},
                 "glob or regex");
  section.choice("action", mapping.action, {{"map", Mapping::Action::map}, {"drop", Mapping::Action::drop}},
                 "map, or drop");
  section.choice("match_metric_type", mapping.metric_type,
                 {{"", Mapping::MetricType::any},
                  {"counter", Mapping::MetricType::counter},
                  {"gauge", Mapping::MetricType::gauge},
                  {"observer", Mapping::MetricType::observer},
                  {"timer", Mapping::MetricType::timer}},
                 "only metrics of this type");
  section.optional("honor_labels", mapping.honor_labels, "tags win over labels");
  section.optional("help", mapping.help, "what the metric says");
  section.optional("ttl", mapping.ttl, "a series that nobody sends for so long is dropped");
  section.optional("scale", mapping.scale, "values are multiplied by it");
  declare_observer(section, mapping.observer);
  if (section.describing()) return;
  if (mapping.name.value.empty()) section.problem("name", "a mapping needs a name, also one that drops");
  for (const auto& [label, value] : mapping.labels) {
    if (!is_legal_label_name(label)) section.problem("labels", "'" + label + "' is not the name of a label");
  }
}

void Mapper::load(const std::string& path, Section& section, const config::Mark& listed_at) {
  config::Problems problems;
  MappingFile file;
  auto document = config::Document::load(path, {}, problems);
  if (!document.files().empty()) document.read(file);
  for (auto& mapping : file.mappings) add(std::move(mapping), file.defaults, problems);
  defaults_ = file.defaults;
  text_ += document.masked_yaml();
  for (auto& problem : problems.sorted()) {
    section.problem(problem.mark.line == 0 ? listed_at : problem.mark, std::move(problem.text));
  }
  if (mappings_.size() > max_mappings) {
    section.problem(listed_at, "more than " + std::to_string(max_mappings) + " mappings");
  }
}

void Mapper::add(Mapping mapping, const MappingDefaults& defaults, config::Problems& problems) {
  if (mapping.match_type == Mapping::MatchType::unsaid) mapping.match_type = defaults.match_type;
  if (!mapping.ttl || *mapping.ttl == Duration(0)) mapping.ttl = defaults.ttl ? defaults.ttl : mapping.ttl;
  auto& observer = mapping.observer;
  if (observer.type == Observer::Type::unsaid) observer.type = defaults.observer.type;
  if (observer.quantiles.empty()) observer.quantiles = defaults.observer.quantiles;
  if (observer.buckets.empty()) observer.buckets = defaults.observer.buckets;
  if (mapping.match_type == Mapping::MatchType::regex) {
    auto regex = Regex::compile(mapping.match.value);
    if (!regex) {
      problems.add(mapping.match.mark, "is not a regular expression: " + regex.error().what);
      return;
    }
    mapping.regex = std::move(*regex);
  } else {
    mapping.parts = split(mapping.match.value);
    const auto is_wrong = [](const std::string& part) {
      return part.empty() || (part != "*" && part.find('*') != std::string::npos);
    };
    if (std::any_of(mapping.parts.begin(), mapping.parts.end(), is_wrong)) {
      problems.add(mapping.match.mark, "is no glob: between dots stands a word or a star alone, as in shop.*.orders");
      return;
    }
  }
  mappings_.push_back(std::move(mapping));
}

std::optional<Mapper::Found> Mapper::find(std::string_view name, Kind kind) const {
  const Mapping* best = nullptr;
  std::vector<std::string_view> captured;
  for (const auto& mapping : mappings_) {
    if (mapping.match_type != Mapping::MatchType::glob || !is_for(mapping, kind)) continue;
    auto matched = match_glob(mapping.parts, name);
    if (!matched || (best != nullptr && !more_exact(mapping, *best))) continue;
    best = &mapping;
    captured = std::move(*matched);
    if (!defaults_.glob_disable_ordering) break;
  }
  Found found;
  if (best != nullptr) {
    found.mapping = best;
    found.name = fill_in(best->name.value, captured);
    for (const auto& [label, value] : best->labels) found.labels.push_back({label, fill_in(value, captured)});
    return found;
  }
  for (const auto& mapping : mappings_) {
    if (mapping.match_type != Mapping::MatchType::regex || !is_for(mapping, kind)) continue;
    auto filled = mapping.regex.expand_partial_match(name, mapping.name.value, enough_bytes);
    if (!filled) continue;
    found.mapping = &mapping;
    found.name = std::move(*filled);
    for (const auto& [label, value] : mapping.labels) {
      found.labels.push_back({label, mapping.regex.expand_partial_match(name, value, enough_bytes).value_or("")});
    }
    return found;
  }
  return std::nullopt;
}

Observer Mapper::observer_of(const Mapping* mapping) const {
  Observer observer = mapping != nullptr ? mapping->observer : defaults_.observer;
  if (observer.type == Observer::Type::unsaid) observer.type = Observer::Type::summary;
  if (observer.quantiles.empty()) observer.quantiles = kDefaultQuantiles;
  if (observer.buckets.empty()) observer.buckets = kDefaultBuckets;
  return observer;
}

std::optional<Duration> Mapper::ttl_of(const Mapping* mapping) const {
  return mapping != nullptr ? mapping->ttl : defaults_.ttl;
}

}  // namespace sidewatch::statsd
