// One pass over the lines. The text of a series (`up{job="a"}`) is read into labels once; where the same bytes come
// again, they are looked up.
#include "metrics/openmetrics_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "metrics/promql/characters.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::string_view name_label = "__name__";
constexpr double furthest_ms = 9'007'199'254'740'992;  // 2^53: whole milliseconds are exact up to there

struct Misread {
  std::string what;
  std::size_t offset = 0;
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view without_line_ends(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || is_blank(text.back()))) text.remove_suffix(1);
  return text;
}

bool ends_with_eof(std::string_view text) {
  text = without_line_ends(text);
  return text == "# EOF" || text.ends_with("\n# EOF");
}

// A number as both formats write it; absent where `word` is none.
std::optional<double> number_in(std::string_view word) {
  const std::string lower = promql::to_lower(word);
  if (lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  const bool negative = lower.starts_with('-');
  const std::string_view size = std::string_view(lower).substr(negative || lower.starts_with('+') ? 1 : 0);
  if (size == "inf" || size == "infinity") return negative ? -HUGE_VAL : HUGE_VAL;
  if (size.empty() || !(size.front() == '.' || (size.front() >= '0' && size.front() <= '9'))) return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(size.data(), size.data() + size.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != size.data() + size.size()) return std::nullopt;
  return negative ? -value : value;
}

class Reader {
 public:
  Reader(std::string_view text, const SamplesReadOptions& options)
      : text_(text), options_(options), openmetrics_(ends_with_eof(text)) {}

  SamplesRead read() {
    while (position_ < text_.size()) {
      line_end_ = std::min(text_.find('\n', position_), text_.size());
      line();
      position_ = line_end_ + 1;
    }
    put_in_order();
    return std::move(read_);
  }

 private:
  // What is needed of a series beside what is handed out.
  struct Notes {
    std::size_t last_sample_at = 0;  // in the text
    bool in_order = true;
  };

  void line() {
    skip_blanks();
    if (at_end_of_line()) return;
    if (eof_seen_) fail("nothing may follow # EOF");
    if (peek() == '#') return comment();
    sample();
  }

  void comment() {
    const std::size_t start = position_++;
    skip_blanks();
    const std::string_view keyword = word();
    if (keyword == "EOF" && openmetrics_) {
      if (!at_end_of_line()) fail("unexpected text behind # EOF");
      // Also an earlier line may say so, and then it is a mistake that more follows.
      eof_seen_ = true;
      return;
    }
    if (keyword == "UNIT" && !openmetrics_) fail_at(start, only_openmetrics("# UNIT"));
    if (keyword == "TYPE" || keyword == "HELP" || keyword == "UNIT") metadata(keyword);
  }

  void metadata(std::string_view keyword) {
    skip_blanks();
    std::size_t start = position_;
    if (!is_legal_metric_name(word())) fail_at(start, "# " + std::string(keyword) + " lacks the name of a metric");
    if (keyword != "TYPE") return;
    skip_blanks();
    start = position_;
    static constexpr std::array types = {"counter", "gauge",     "histogram", "gaugehistogram", "summary",
                                         "info",    "stateset", "unknown",   "untyped"};
    const std::string_view type = word();
    if (std::ranges::find(types, type) == types.end()) {
      fail_at(start, promql::quoted_start(type) + " is no type of a metric; known are counter, gauge, histogram, "
                     "gaugehistogram, summary, info, stateset and unknown (or untyped)");
    }
    skip_blanks();
    if (!at_end_of_line()) fail("unexpected text behind the type");
  }

  void sample() {
    const std::size_t start = position_;
    skip_series();
    const std::string_view written = text_.substr(start, position_ - start);
    const std::size_t index = series_written(written, start);
    skip_blanks();
    const double value = take_value();
    skip_blanks();
    const Time time = take_time(start);
    skip_blanks();
    if (peek() == '#') {
      exemplar();
    } else if (!at_end_of_line()) {
      fail("unexpected text behind the sample");
    }
    add(index, {time, value}, start);
  }

  // To behind the labels; that they are right is looked at once per series.
  void skip_series() {
    if (!name_begins()) fail("expected a metric name, as in up{job=\"a\"} 1");
    while (position_ < line_end_ && peek() != '{' && !is_blank(peek())) ++position_;
    const std::size_t end_of_name = position_;
    skip_blanks();
    if (peek() != '{') {
      position_ = end_of_name;
      return;
    }
    bool quoted = false;
    const std::size_t brace = position_;
    for (; position_ < line_end_; ++position_) {
      if (quoted && peek() == '\\') {
        ++position_;
      } else if (peek() == '"') {
        quoted = !quoted;
      } else if (!quoted && peek() == '}') {
        ++position_;
        return;
      }
    }
    fail_at(brace, quoted ? "a label value lacks its closing quote" : "the labels lack their closing '}'");
  }

  bool name_begins() const {
    const char c = peek();
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  }

  std::size_t series_written(std::string_view written, std::size_t start) {
    const auto known = by_text_.find(written);
    if (known != by_text_.end()) return known->second;
    const std::size_t behind = position_;
    position_ = start;
    Labels labels = take_series();
    position_ = behind;
    const auto [found, is_new] = by_labels_.try_emplace(labels, read_.series.size());
    if (is_new) {
      if (read_.series.size() >= options_.max_series) {
        fail_at(start, "more than " + std::to_string(options_.max_series) + " series");
      }
      read_.series.push_back({std::move(labels), {}});
      notes_.emplace_back();
    }
    by_text_.emplace(written, found->second);
    return found->second;
  }

  Labels take_series() {
    std::vector<Label> labels;
    const std::size_t start = position_;
    while (position_ < line_end_ && peek() != '{' && !is_blank(peek())) ++position_;
    const std::string_view name = text_.substr(start, position_ - start);
    if (!is_legal_metric_name(name)) fail_at(start, promql::quoted_start(name) + " is not a metric name");
    labels.push_back({std::string(name_label), std::string(name)});
    skip_blanks();
    if (peek() == '{') take_labels(labels);
    return Labels(std::move(labels));
  }

  // From the '{' to behind the '}'.
  void take_labels(std::vector<Label>& labels) {
    ++position_;
    for (skip_blanks(); peek() != '}'; skip_blanks()) {
      const std::size_t start = position_;
      while (is_label_character(peek())) ++position_;
      const std::string_view name = text_.substr(start, position_ - start);
      if (!is_legal_label_name(name)) fail_at(start, "expected a label name, as in {job=\"a\"}");
      for (const Label& label : labels) {
        if (label.name == name) fail_at(start, "the label " + std::string(name) + " is given twice");
      }
      skip_blanks();
      if (peek() != '=') fail("expected '=' behind a label name");
      ++position_;
      skip_blanks();
      if (peek() != '"') fail("expected a label value in double quotes");
      labels.push_back({std::string(name), take_quoted()});
      skip_blanks();
      if (peek() == ',') {
        ++position_;
      } else if (peek() != '}') {
        fail("expected ',' or '}' behind a label value");
      }
    }
    ++position_;
  }

  std::string take_quoted() {
    const std::size_t start = position_++;
    std::string value;
    while (position_ < line_end_ && peek() != '"') {
      char c = text_[position_++];
      if (c == '\\' && position_ < line_end_) {
        const char escaped = text_[position_++];
        if (escaped != '\\' && escaped != '"' && escaped != 'n') value += c;  // as Prometheus reads it
        c = escaped == 'n' ? '\n' : escaped;
      }
      value += c;
    }
    if (position_ >= line_end_) fail_at(start, "a label value lacks its closing quote");
    ++position_;
    if (!is_utf8(value)) fail_at(start, "a label value is not UTF-8");
    return value;
  }

  static bool is_label_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
  }

  double take_value() {
    const std::size_t start = position_;
    const std::string_view written = word();
    if (written.empty()) fail_at(start, "the sample lacks its value");
    const auto value = number_in(written);
    if (!value) fail_at(start, promql::quoted_start(written) + " is not a number");
    return *value;
  }

  Time take_time(std::size_t sample_at) {
    const bool given = !at_end_of_line() && peek() != '#';
    if (any_sample_ && given != read_.timed) {
      fail_at(sample_at, given ? "this sample has a timestamp, the ones before have none"
                               : "this sample has no timestamp, the ones before have one");
    }
    any_sample_ = true;
    read_.timed = given;
    if (!given) return options_.untimed_at;
    const std::size_t start = position_;
    const std::string_view written = word();
    const auto number = number_in(written);
    if (!number || !std::isfinite(*number)) fail_at(start, promql::quoted_start(written) + " is not a timestamp");
    if (!openmetrics_ && *number != std::trunc(*number)) {
      fail_at(start, only_openmetrics("a timestamp with a fraction"));
    }
    const double ms = std::round(openmetrics_ ? *number * 1000 : *number);
    if (std::abs(ms) > furthest_ms) fail_at(start, promql::quoted_start(written) + " is too far from 1970");
    return time_at_ms(static_cast<std::int64_t>(ms));
  }

  // # {trace_id="x"} 0.5 1700000000.5
  void exemplar() {
    const std::size_t start = position_++;
    skip_blanks();
    if (peek() != '{') fail_at(start, "unexpected text behind the sample");
    if (!openmetrics_) fail_at(start, only_openmetrics("an exemplar"));
    std::vector<Label> labels;
    take_labels(labels);
    skip_blanks();
    (void)take_value();
    skip_blanks();
    if (!at_end_of_line() && !number_in(word())) fail("an exemplar's timestamp is not a number");
    skip_blanks();
    if (!at_end_of_line()) fail("unexpected text behind the exemplar");
  }

  static std::string only_openmetrics(const std::string& what) {
    return what + " is OpenMetrics, but the file does not end with # EOF: it has been cut off, or the line is missing";
  }

  void add(std::size_t index, Point point, std::size_t offset) {
    if (++samples_ > options_.max_samples) fail_at(offset, "more than " + std::to_string(options_.max_samples) + " samples");
    auto& points = read_.series[index].points;
    if (!points.empty() && points.back().time == point.time) {
      if (same(points.back(), point)) return;
      fail_at(offset, "a second value of this series for the same time");
    }
    if (!points.empty() && points.back().time > point.time) notes_[index].in_order = false;
    points.push_back(point);
    notes_[index].last_sample_at = offset;
    read_.oldest = samples_ == 1 ? point.time : std::min(read_.oldest, point.time);
    read_.newest = samples_ == 1 ? point.time : std::max(read_.newest, point.time);
  }

  static bool same(const Point& a, const Point& b) {
    return a.time == b.time && std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
  }

  void put_in_order() {
    for (std::size_t index = 0; index < notes_.size(); ++index) {
      if (notes_[index].in_order) continue;
      auto& points = read_.series[index].points;
      std::ranges::stable_sort(points, {}, &Point::time);
      points.erase(std::unique(points.begin(), points.end(), same), points.end());
      const auto twice = std::ranges::adjacent_find(points, {}, &Point::time);
      if (twice != points.end()) {
        const double seconds = static_cast<double>(to_ms(twice->time)) / 1000;
        fail_at(notes_[index].last_sample_at, "this series has two different values at " + std::to_string(seconds) + " s");
      }
    }
  }

  char peek() const { return position_ < line_end_ ? text_[position_] : '\0'; }
  void skip_blanks() {
    while (is_blank(peek())) ++position_;
  }
  bool at_end_of_line() const {
    return position_ >= line_end_ || (peek() == '\r' && position_ + 1 == line_end_);
  }
  std::string_view word() {
    const std::size_t start = position_;
    while (!at_end_of_line() && !is_blank(peek())) ++position_;
    return text_.substr(start, position_ - start);
  }

  [[noreturn]] void fail(std::string what) const { fail_at(position_, std::move(what)); }
  [[noreturn]] static void fail_at(std::size_t offset, std::string what) { throw Misread{std::move(what), offset}; }

  std::string_view text_;
  const SamplesReadOptions& options_;
  const bool openmetrics_;
  std::size_t position_ = 0;
  std::size_t line_end_ = 0;
  bool eof_seen_ = false;
  bool any_sample_ = false;
  std::size_t samples_ = 0;
  SamplesRead read_;
  std::vector<Notes> notes_;
  std::unordered_map<std::string_view, std::size_t> by_text_;
  std::unordered_map<Labels, std::size_t, LabelsHash> by_labels_;
};

}  // namespace

Result<SamplesRead> read_openmetrics(std::string_view text, const SamplesReadOptions& options) {
  try {
    return Reader(text, options).read();
  } catch (const Misread& misread) {
    return Error{misread.what, promql::line_and_column(text, std::min(misread.offset, text.size()))};
  }
}

}  // namespace sidewatch
