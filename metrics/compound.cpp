// Putting histograms and summaries together. See compound.h.
#include "metrics/compound.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

namespace sidewatch {
namespace {

using Series = std::span<const SeriesValue>;

enum class Part { bucket, quantile, count, sum };

// One sample with what it is ordered by.
struct PartSample {
  const SeriesValue* series;
  Labels metric;  // without le and quantile
  Part part;
  double bound;  // of a bucket or quantile
};

const Family& family_of(const SeriesValue& series) { return *series.info->family; }

std::string_view without_suffix(std::string_view name, std::string_view suffix) {
  return name.size() > suffix.size() && name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

std::string_view compound_name(const Family& part) {
  std::string_view name = part.name;
  if (part.type == MetricType::histogram) name = without_suffix(name, "_bucket");
  if (name.size() == part.name.size()) name = without_suffix(name, "_count");
  if (name.size() == part.name.size()) name = without_suffix(name, "_sum");
  return name;
}

std::string_view suffix_of(Part part) {
  switch (part) {
    case Part::bucket: return "_bucket";
    case Part::quantile: return "";
    case Part::count: return "_count";
    case Part::sum: return "_sum";
  }
  return "";
}

std::optional<double> read_bound(std::string_view text) {
  constexpr std::array<std::string_view, 4> infinities = {"+Inf", "Inf", "+inf", "inf"};
  if (std::find(infinities.begin(), infinities.end(), text) != infinities.end()) {
    return std::numeric_limits<double>::infinity();
  }
  double bound = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), bound);
  const bool whole = problem == std::errc() && end == text.data() + text.size() && !std::isnan(bound);
  return whole ? std::optional(bound) : std::nullopt;
}

// False when a bucket or a quantile sample lacks its bound.
bool take_part(Series series, Part part, std::vector<PartSample>& samples) {
  for (const auto& one : series) {
    const Labels& labels = one.info->labels;
    std::optional<double> bound = 0;
    if (part == Part::bucket) bound = read_bound(labels.get("le"));
    if (part == Part::quantile) bound = read_bound(labels.get("quantile"));
    if (!bound) return false;
    samples.push_back({&one, labels.without("le").without("quantile"), part, *bound});
  }
  return true;
}

bool comes_before(const PartSample& a, const PartSample& b) {
  if (const auto order = a.metric <=> b.metric; order != 0) return order < 0;
  return a.part != b.part ? a.part < b.part : a.bound < b.bound;
}

bool is_count(double value) { return value >= 0 && value == std::trunc(value) && std::isfinite(value); }

// `samples` in their order. A histogram's label set has buckets, the last of them +Inf.
bool suits_openmetrics(const std::vector<PartSample>& samples, bool histogram) {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& [series, metric, part, bound] = samples[i];
    const double value = series->last.value;
    if ((part == Part::bucket || part == Part::count) && !is_count(value)) return false;
    if (part == Part::sum && std::isnan(value)) return false;
    const bool first_of_set = i == 0 || samples[i - 1].metric != metric;
    if (histogram && first_of_set && part != Part::bucket) return false;
    const bool last_bucket =
        part == Part::bucket &&
        (i + 1 == samples.size() || samples[i + 1].part != Part::bucket || samples[i + 1].metric != metric);
    if (last_bucket && !std::isinf(bound)) return false;
  }
  return true;
}

}  // namespace

Series find_family(Series all, std::string_view name) {
  const auto first = std::lower_bound(all.begin(), all.end(), name, [](const SeriesValue& series, std::string_view n) {
    return family_of(series).name < n;
  });
  auto last = first;
  while (last != all.end() && family_of(*last).name == name) ++last;
  return {first, last};
}

Compound compound_of(Series all, const Family& part, CompoundRules rules) {
  constexpr std::array histogram_parts = {Part::bucket, Part::count, Part::sum};
  constexpr std::array summary_parts = {Part::quantile, Part::count, Part::sum};
  const bool histogram = part.type == MetricType::histogram;
  Compound compound;
  compound.name = compound_name(part);
  const std::string base(compound.name);
  if (histogram && !find_family(all, base).empty()) return compound;
  if (rules == CompoundRules::openmetrics && !find_family(all, base + "_created").empty()) return compound;
  std::vector<PartSample> samples;
  const Family* first = nullptr;
  for (const Part kind : histogram ? histogram_parts : summary_parts) {
    const Series found = find_family(all, base + std::string(suffix_of(kind)));
    if (found.empty()) continue;
    if (family_of(found.front()).type != part.type || !take_part(found, kind, samples)) return compound;
    if (!first) first = &family_of(found.front());  // the parts are asked for in the order of their names
  }
  std::stable_sort(samples.begin(), samples.end(), comes_before);
  if (rules == CompoundRules::openmetrics && !suits_openmetrics(samples, histogram)) return compound;
  compound.first = first;
  for (const auto& sample : samples) compound.samples.push_back(sample.series);
  return compound;
}

}  // namespace sidewatch
