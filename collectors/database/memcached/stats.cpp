#include "collectors/database/memcached/stats.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "collectors/database/memcached/stats_fields.h"
#include "collectors/database/number.h"

namespace sidewatch::database::memcached {
namespace {

constexpr Metric version{"memcached_version", MetricType::gauge, "", "Always 1; says the server's version."};
constexpr Metric connections_used{"sidewatch_memcached_connections_used_ratio", MetricType::gauge, "ratio",
                                  "Connections, and those that the server keeps for itself, divided by its limit (-c): near "
                                  "1 it refuses clients."};
constexpr Metric memory_used{"sidewatch_memcached_memory_used_ratio", MetricType::gauge, "ratio",
                             "Bytes of items divided by the memory for items, 0 to 1."};
constexpr Metric hit_ratio{"sidewatch_memcached_hit_ratio", MetricType::gauge, "ratio",
                           "Share of the gets since the last pass whose key was there, 0 to 1; absent when there were "
                           "none."};

std::optional<double> number_of(std::string_view text) {
  if (text == "yes") return 1;
  if (text == "no") return 0;
  const auto value = whole_number(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<double> number_in(std::string_view lines, std::string_view wanted) {
  std::string_view name;
  std::string_view value;
  while (next_stat(lines, name, value)) {
    if (name == wanted) return number_of(value);
  }
  return std::nullopt;
}

void add_fields(std::string_view lines, std::span<const StatField> fields, SeriesCache& series, Batch& batch) {
  std::string_view name;
  std::string_view value;
  while (next_stat(lines, name, value)) {
    const auto number = number_of(value);
    if (!number) continue;
    for (const auto& field : fields) {
      if (field.name != name) continue;
      series.add(batch, field.metric, *number, {{"command", field.command}, {"status", field.status}});
    }
  }
}

// memcached counts a cas in cmd_set as well.
void add_sets(std::string_view general, SeriesCache& series, Batch& batch) {
  const auto sets = number_in(general, "cmd_set");
  if (!sets) return;
  double stores = *sets;
  for (const auto name : {"cas_misses", "cas_hits", "cas_badval"}) stores -= number_in(general, name).value_or(0);
  series.add(batch, commands_metric(), std::max(stores, 0.0), {{"command", "set"}, {"status", "hit"}});
}

// "items:1:number" or "1:chunk_size": the class, and what is told of it. Empty for what is told of all.
std::string_view class_of(std::string_view name, std::string_view& field) {
  if (name.starts_with("items:")) name.remove_prefix(6);
  const auto colon = name.find(':');
  const auto number = name.substr(0, colon);
  if (colon == std::string_view::npos || number.empty()) return {};
  if (number.find_first_not_of("0123456789") != std::string_view::npos) return {};
  field = name.substr(colon + 1);
  return number;
}

struct Sets {
  std::string_view slab;
  double stores = 0;
};

void add_classes(std::string_view lines, SeriesCache& series, Batch& batch) {
  std::string_view name;
  std::string_view value;
  Sets sets;
  const auto add_stores = [&] {
    if (sets.slab.empty()) return;
    series.add(batch, slab_commands_metric(), std::max(sets.stores, 0.0),
               {{"slab", sets.slab}, {"command", "set"}, {"status", "hit"}});
  };
  while (next_stat(lines, name, value)) {
    std::string_view field_name;
    const auto slab = class_of(name, field_name);
    const auto number = number_of(value);
    if (slab.empty() || !number) continue;
    for (const auto& field : slab_fields()) {
      if (field.name != field_name) continue;
      series.add(batch, field.metric, *number,
                 {{"slab", slab}, {"command", field.command}, {"status", field.status}, {"lru", field.lru}});
    }
    if (field_name == "cmd_set") {  // before the cas_ fields of the same class
      add_stores();
      sets = {slab, *number};
    }
    if (slab == sets.slab && (field_name == "cas_hits" || field_name == "cas_badval")) sets.stores -= *number;
  }
  add_stores();
}

}  // namespace

bool next_stat(std::string_view& rest, std::string_view& name, std::string_view& value) {
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.starts_with("STAT ")) continue;
    line.remove_prefix(5);
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos) continue;
    name = line.substr(0, blank);
    value = line.substr(blank + 1);
    return true;
  }
  return false;
}

void StatsSamples::add(const Answers& answers, SeriesCache& series, Batch& batch) {
  add_fields(answers.general, general_fields(), series, batch);
  add_fields(answers.settings, settings_fields(), series, batch);
  add_sets(answers.general, series, batch);
  add_classes(answers.slabs, series, batch);
  add_classes(answers.items, series, batch);
  std::string_view rest = answers.general;
  std::string_view name;
  std::string_view value;
  while (next_stat(rest, name, value)) {
    if (name == "version") series.add(batch, version, 1, {{"version", value}});
  }
  const auto ratio = [&](const Metric& metric, std::optional<double> part, std::optional<double> whole) {
    if (part && whole && *whole > 0) series.add(batch, metric, *part / *whole);
  };
  auto most = number_in(answers.settings, "maxconns");
  if (!most) most = number_in(answers.general, "max_connections");
  auto connections = number_in(answers.general, "curr_connections");
  if (connections) *connections += number_in(answers.general, "reserved_fds").value_or(0);
  ratio(connections_used, connections, most);
  ratio(memory_used, number_in(answers.general, "bytes"), number_in(answers.general, "limit_maxbytes"));
  add_hit_ratio(answers.general, series, batch);
}

void StatsSamples::start_over() {
  hits_.reset();
  misses_.reset();
}

void StatsSamples::add_hit_ratio(std::string_view general, SeriesCache& series, Batch& batch) {
  const auto hits = number_in(general, "get_hits");
  const auto misses = number_in(general, "get_misses");
  if (hits && misses && hits_ && misses_ && *hits >= *hits_ && *misses >= *misses_) {
    const double all = *hits - *hits_ + *misses - *misses_;
    if (all > 0) series.add(batch, hit_ratio, (*hits - *hits_) / all);
  }
  hits_ = hits;
  misses_ = misses;
}

std::vector<MetricGroup> stats_metric_groups() {
  const auto metrics_of = [](std::span<const StatField> fields) {
    std::vector<Metric> metrics;
    for (const auto& field : fields) {
      const auto same = [&](const Metric& metric) { return metric.name == field.metric.name; };
      if (std::none_of(metrics.begin(), metrics.end(), same)) metrics.push_back(field.metric);
    }
    return metrics;
  };
  auto general = metrics_of(general_fields());
  general.insert(general.begin(), version);
  return {{"memcached: ready to alert about", "What needs no arithmetic in a rule.",
           {connections_used, memory_used, hit_ratio}},
          {"memcached: stats", "Under memcached_exporter's names.", std::move(general)},
          {"memcached: settings", "From stats settings.", metrics_of(settings_fields())},
          {"memcached: slab classes", "From stats slabs and stats items; slab is the number of the class.",
           metrics_of(slab_fields())}};
}

}  // namespace sidewatch::database::memcached
