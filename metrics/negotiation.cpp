// Which form of the page a client asked for: Accept and Accept-Encoding as RFC 9110 section 12.5 defines them.
//
// A range that cannot be understood is passed over: a client always gets a page, in the worst case the plain one.
#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "metrics/exposition.h"

namespace sidewatch {
namespace {

constexpr int full_quality = 1000;

// One element of an Accept or Accept-Encoding list, in thousandths of quality.
struct Range {
  std::string_view name;
  std::string_view version;  // of a media type; empty when it does not say
  int quality = full_quality;
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// Cuts off and returns what stands before the next `separator` that is not inside a quoted string.
std::string_view next_part(std::string_view& text, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size() && (quoted || text[end] != separator); ++end) {
    if (text[end] == '"') quoted = !quoted;
    if (quoted && text[end] == '\\' && end + 1 < text.size()) ++end;
  }
  const std::string_view part = trim(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

// "0", "0.5", "1.000": at most three decimals, at most 1.
std::optional<int> read_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int quality = (text[0] - '0') * full_quality;
  int unit = full_quality / 10;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    quality += (c - '0') * unit;
    unit /= 10;
  }
  return quality <= full_quality ? std::optional(quality) : std::nullopt;
}

std::optional<Range> read_range(std::string_view text) {
  Range range{next_part(text, ';'), {}, full_quality};
  if (range.name.empty()) return std::nullopt;
  while (!text.empty()) {
    std::string_view value = next_part(text, ';');
    const std::string_view key = next_part(value, '=');
    value = trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (equal_ignoring_case(key, "version")) range.version = value;
    if (!equal_ignoring_case(key, "q")) continue;
    const auto quality = read_quality(value);
    if (!quality) return std::nullopt;
    range.quality = *quality;
  }
  return range;
}

std::vector<Range> read_ranges(std::string_view header) {
  std::vector<Range> ranges;
  while (!header.empty()) {
    if (const auto range = read_range(next_part(header, ','))) ranges.push_back(*range);
  }
  return ranges;
}

struct MediaType {
  std::string_view name;
  std::string_view any_of_kind;
  std::string_view version;
};

// 3: names type and version, 2: the type, 1: its kind, 0: everything, -1: something else.
int precision(const Range& range, const MediaType& type) {
  if (equal_ignoring_case(range.name, type.name)) {
    if (range.version.empty()) return 2;
    return range.version == type.version ? 3 : -1;
  }
  if (equal_ignoring_case(range.name, type.any_of_kind)) return 1;
  return range.name == "*/*" ? 0 : -1;
}

struct Preference {
  int quality = 0;
  std::size_t position = 0;
};

// The most precise range decides about a type; of equally precise ones the best.
Preference preference_for(const std::vector<Range>& ranges, const MediaType& type) {
  Preference preference;
  int best = -1;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const int precise = precision(ranges[i], type);
    if (precise < 0 || precise < best) continue;
    if (precise == best && ranges[i].quality <= preference.quality) continue;
    best = precise;
    preference = {ranges[i].quality, i};
  }
  return preference;
}

}  // namespace

ExpositionFormat choose_format(std::string_view accept) {
  const auto ranges = read_ranges(accept);
  const auto text = preference_for(ranges, {"text/plain", "text/*", "0.0.4"});
  const auto openmetrics = preference_for(ranges, {"application/openmetrics-text", "application/*", "1.0.0"});
  const bool wins = openmetrics.quality > text.quality ||
                    (openmetrics.quality == text.quality && openmetrics.quality > 0 &&
                     openmetrics.position < text.position);
  return wins ? ExpositionFormat::openmetrics : ExpositionFormat::prometheus_text;
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<int> named;
  std::optional<int> any;
  for (const Range& range : read_ranges(accept_encoding)) {
    if (equal_ignoring_case(range.name, "gzip") || equal_ignoring_case(range.name, "x-gzip")) {
      named = std::max(named.value_or(0), range.quality);
    } else if (range.name == "*") {
      any = range.quality;
    }
  }
  return named.value_or(any.value_or(0)) > 0;
}

}  // namespace sidewatch
