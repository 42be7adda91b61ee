// Classic histograms: buckets that count what is at most `le`, each a series of its own.
//
// Within a bucket observations are taken to be spread evenly; a lowest bucket above zero begins at zero. Buckets that
// were scraped at different moments, or summed as floating point, may count less than the one below them: such a bucket
// is raised to it, as is one that differs from it only by rounding.
//
// Histograms in one sample ("native") do not exist here. The functions that take only those therefore find nothing.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "metrics/promql/characters.h"
#include "metrics/promql/functions.h"
#include "metrics/promql/literals.h"

namespace sidewatch::promql::histogram {
namespace {

constexpr std::string_view bucket_label = "le";
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double rounding = 1e-12;  // of two counts' sum

struct Bucket {
  double upper_bound;
  double count;  // of all observations up to the bound
};
using Buckets = std::vector<Bucket>;

struct Histogram {
  LabelId labels;
  Buckets buckets;
};

std::optional<double> unusual_bound(std::string_view text);

// As Go reads a number; nothing for a label that is none.
std::optional<double> bound_of(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const bool plain = !text.empty() && is_digit(static_cast<unsigned char>(text.front()));
  if (plain) {
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec == std::errc() && parsed.ptr == end) return value;
  }
  return unusual_bound(text);
}

// +Inf, -0.5, 0x1p-3
std::optional<double> unusual_bound(std::string_view text) {
  std::string lower = to_lower(text);
  const bool negative = lower.starts_with('-');
  if (negative || lower.starts_with('+')) lower.erase(0, 1);
  if (lower == "inf" || lower == "infinity") return negative ? -infinity : infinity;
  if (lower == "nan") return nan;
  const bool hexadecimal = lower.starts_with("0x");
  if (hexadecimal && lower.find('p') == std::string::npos) return std::nullopt;
  const char* const begin = lower.data() + (hexadecimal ? 2 : 0);
  const char* const end = lower.data() + lower.size();
  if (begin == end || *begin == '-' || *begin == 'i' || *begin == 'n') return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(begin, end, value,
                                      hexadecimal ? std::chars_format::hex : std::chars_format::general);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return negative ? -value : value;
}

// The histograms of a vector, in the order of their first buckets. Two metrics' are told apart by the name.
std::vector<Histogram> histograms_of(const CallContext& context, const Items& items) {
  CallMemory& memory = context.memory;
  LabelPool& pool = context.pool;
  memory.groups.clear();
  std::vector<Histogram> histograms;
  for (const Item& item : items) {
    const auto bound = bound_of(pool.labels(item.labels).get(bucket_label));
    if (!bound) continue;
    const LabelId group = memory.derived.of(
        item.labels, [&](LabelId from) { return pool.intern(pool.labels(from).without(bucket_label)); });
    if (memory.groups.get(group) == no_index) {
      memory.groups.set(group, static_cast<std::uint32_t>(histograms.size()));
      histograms.push_back({pool.without_name(group), {}});
    }
    histograms[memory.groups.get(group)].buckets.push_back({*bound, item.value});
  }
  return histograms;
}

bool differ_by_rounding(double a, double b) {
  return std::isfinite(a) && std::isfinite(b) && std::abs(a - b) < rounding * (std::abs(a) + std::abs(b));
}

// In order of bound, those of one bound ("1" and "1.0") added up, rising. Nothing where the last does not count all.
bool make_cumulative(Buckets& buckets) {
  std::ranges::stable_sort(buckets, {}, &Bucket::upper_bound);
  if (buckets.back().upper_bound != infinity) return false;
  std::size_t last = 0;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[last].upper_bound) buckets[last].count += buckets[i].count;
    else buckets[++last] = buckets[i];
  }
  buckets.resize(last + 1);
  double most = buckets.front().count;
  for (Bucket& bucket : buckets) {
    if (bucket.count < most || differ_by_rounding(bucket.count, most)) bucket.count = most;
    else if (bucket.count > most) most = bucket.count;  // neither where one is NaN
  }
  return true;
}

// The first bucket that counts `rank` observations, the last one left out.
std::size_t bucket_of_rank(const Buckets& buckets, double rank) {
  std::size_t low = 0;
  std::size_t high = buckets.size() - 1;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (buckets[middle].count >= rank) high = middle;
    else low = middle + 1;
  }
  return low;
}

double quantile_of(double q, Buckets& buckets) {
  if (std::isnan(q)) return q;
  if (q < 0) return -infinity;
  if (q > 1) return infinity;
  if (!make_cumulative(buckets) || buckets.size() < 2 || buckets.back().count == 0) return nan;
  double rank = q * buckets.back().count;
  const std::size_t at = bucket_of_rank(buckets, rank);
  if (at == buckets.size() - 1) return buckets[at - 1].upper_bound;
  if (at == 0 && buckets[0].upper_bound <= 0) return buckets[0].upper_bound;
  double start = 0;
  double count = buckets[at].count;
  if (at > 0) {
    start = buckets[at - 1].upper_bound;
    count -= buckets[at - 1].count;
    rank -= buckets[at - 1].count;
  }
  return start + (buckets[at].upper_bound - start) * (rank / count);
}

// How many observations are at most `value`.
double count_up_to(const Buckets& buckets, double value) {
  double below = 0;
  double start = buckets[0].upper_bound > 0 ? 0 : -infinity;
  for (const Bucket& bucket : buckets) {
    if (value <= start) return below;
    if (value < bucket.upper_bound) {
      const bool endless = std::isinf(start) || std::isinf(bucket.upper_bound);
      if (endless) return std::isinf(start) ? bucket.count : below;
      return below + (bucket.count - below) * ((value - start) / (bucket.upper_bound - start));
    }
    below = bucket.count;
    start = bucket.upper_bound;
  }
  return below;
}

double fraction_of(double lower, double upper, Buckets& buckets) {
  if (!make_cumulative(buckets) || buckets.back().count == 0 || std::isnan(lower) || std::isnan(upper)) return nan;
  if (lower >= upper) return 0;
  return (count_up_to(buckets, upper) - count_up_to(buckets, lower)) / buckets.back().count;
}

// As OpenMetrics spells it: "0.5", "1.0"
std::string as_label(double q) {
  const std::string text = number_to_string(q);
  return std::isfinite(q) && text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

template <class F>
Operand each(const CallContext& context, const Items& items, F&& function) {
  Items results;
  for (Histogram& histogram : histograms_of(context, items)) {
    results.push_back({histogram.labels, function(histogram.buckets)});
  }
  return Operand::of(std::move(results));
}

}  // namespace

Operand quantile(const CallContext& context) {
  const double q = context.arguments[0].scalar;
  return each(context, context.arguments[1].items, [=](Buckets& buckets) { return quantile_of(q, buckets); });
}

// histogram_quantiles(vector, label, q...)
Operand quantiles(const CallContext& context) {
  const std::string& label = text_argument(context.call, 1);
  if (!is_label_name(label)) throw CallFailure{"invalid label name in histogram_quantiles(): " + label};
  const std::vector<Histogram> histograms = histograms_of(context, context.arguments[0].items);
  Items results;
  for (std::size_t i = 2; i < context.arguments.size(); ++i) {
    const double q = context.arguments[i].scalar;
    const std::string value = as_label(q);
    for (const Histogram& histogram : histograms) {
      Buckets buckets = histogram.buckets;
      const Labels& labels = context.pool.labels(histogram.labels);
      results.push_back({context.pool.intern(labels.with(label, value)), quantile_of(q, buckets)});
    }
  }
  return Operand::of(std::move(results));
}

Operand fraction(const CallContext& context) {
  const double lower = context.arguments[0].scalar;
  const double upper = context.arguments[1].scalar;
  return each(context, context.arguments[2].items,
              [=](Buckets& buckets) { return fraction_of(lower, upper, buckets); });
}

Operand of_native(const CallContext&) { return Operand::of(Items{}); }

}  // namespace sidewatch::promql::histogram
