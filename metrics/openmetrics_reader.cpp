// One pass over the lines. The text of a series (`up{job="a"}`) is read into labels once; where the same bytes come
// again, they are looked up.
#include "metrics/openmetrics_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "metrics/promql/characters.h"
#include "metrics/sample_scanner.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr double furthest_ms = 9'007'199'254'740'992;  // 2^53: whole milliseconds are exact up to there

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view without_line_ends(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || is_blank(text.back()))) text.remove_suffix(1);
  return text;
}

bool ends_with_eof(std::string_view text) {
  text = without_line_ends(text);
  return text == "# EOF" || text.ends_with("\n# EOF");
}

class Reader {
 public:
  Reader(std::string_view text, const SamplesReadOptions& options)
      : in_(text), options_(options), openmetrics_(ends_with_eof(text)) {}

  SamplesRead read() {
    while (in_.next_line()) line();
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
    in_.skip_blanks();
    if (in_.at_end_of_line()) return;
    if (eof_seen_) in_.fail("nothing may follow # EOF");
    if (in_.peek() == '#') return comment();
    sample();
  }

  void comment() {
    const std::size_t start = in_.position();
    in_.advance();
    in_.skip_blanks();
    const std::string_view keyword = in_.word();
    if (keyword == "EOF" && openmetrics_) {
      if (!in_.at_end_of_line()) in_.fail("unexpected text behind # EOF");
      // Also an earlier line may say so, and then it is a mistake that more follows.
      eof_seen_ = true;
      return;
    }
    if (keyword == "UNIT" && !openmetrics_) in_.fail_at(start, only_openmetrics("# UNIT"));
    if (keyword == "TYPE" || keyword == "HELP" || keyword == "UNIT") metadata(keyword);
  }

  void metadata(std::string_view keyword) {
    in_.skip_blanks();
    std::size_t start = in_.position();
    if (!is_legal_metric_name(in_.word())) in_.fail_at(start, "# " + std::string(keyword) + " lacks the name of a metric");
    if (keyword != "TYPE") return;
    in_.skip_blanks();
    start = in_.position();
    static constexpr std::array types = {"counter", "gauge",     "histogram", "gaugehistogram", "summary",
                                         "info",    "stateset", "unknown",   "untyped"};
    const std::string_view type = in_.word();
    if (std::ranges::find(types, type) == types.end()) {
      in_.fail_at(start, promql::quoted_start(type) + " is no type of a metric; known are counter, gauge, histogram, "
                     "gaugehistogram, summary, info, stateset and unknown (or untyped)");
    }
    in_.skip_blanks();
    if (!in_.at_end_of_line()) in_.fail("unexpected text behind the type");
  }

  void sample() {
    const std::size_t start = in_.position();
    in_.skip_series();
    const std::string_view written = in_.from(start);
    const std::size_t index = series_written(written, start);
    in_.skip_blanks();
    const double value = in_.take_value();
    in_.skip_blanks();
    const Time time = take_time(start);
    in_.skip_blanks();
    if (in_.peek() == '#') {
      exemplar();
    } else if (!in_.at_end_of_line()) {
      in_.fail("unexpected text behind the sample");
    }
    add(index, {time, value}, start);
  }

  std::size_t series_written(std::string_view written, std::size_t start) {
    const auto known = by_text_.find(written);
    if (known != by_text_.end()) return known->second;
    const std::size_t behind = in_.position();
    in_.move_to(start);
    Labels labels = in_.take_series();
    in_.move_to(behind);
    const auto [found, is_new] = by_labels_.try_emplace(labels, read_.series.size());
    if (is_new) {
      if (read_.series.size() >= options_.max_series) {
        in_.fail_at(start, "more than " + std::to_string(options_.max_series) + " series");
      }
      read_.series.push_back({std::move(labels), {}});
      notes_.emplace_back();
    }
    by_text_.emplace(written, found->second);
    return found->second;
  }

  Time take_time(std::size_t sample_at) {
    const bool given = !in_.at_end_of_line() && in_.peek() != '#';
    if (any_sample_ && given != read_.timed) {
      in_.fail_at(sample_at, given ? "this sample has a timestamp, the ones before have none"
                               : "this sample has no timestamp, the ones before have one");
    }
    any_sample_ = true;
    read_.timed = given;
    if (!given) return options_.untimed_at;
    const std::size_t start = in_.position();
    const std::string_view written = in_.word();
    const auto number = sample_number(written);
    if (!number || !std::isfinite(*number)) in_.fail_at(start, promql::quoted_start(written) + " is not a timestamp");
    if (!openmetrics_ && *number != std::trunc(*number)) {
      in_.fail_at(start, only_openmetrics("a timestamp with a fraction"));
    }
    const double ms = std::round(openmetrics_ ? *number * 1000 : *number);
    if (std::abs(ms) > furthest_ms) in_.fail_at(start, promql::quoted_start(written) + " is too far from 1970");
    return time_at_ms(static_cast<std::int64_t>(ms));
  }

  // # {trace_id="x"} 0.5 1700000000.5
  void exemplar() {
    const std::size_t start = in_.position();
    in_.advance();
    in_.skip_blanks();
    if (in_.peek() != '{') in_.fail_at(start, "unexpected text behind the sample");
    if (!openmetrics_) in_.fail_at(start, only_openmetrics("an exemplar"));
    std::vector<Label> labels;
    in_.take_labels(labels);
    in_.skip_blanks();
    (void)in_.take_value();
    in_.skip_blanks();
    if (!in_.at_end_of_line() && !sample_number(in_.word())) in_.fail("an exemplar's timestamp is not a number");
    in_.skip_blanks();
    if (!in_.at_end_of_line()) in_.fail("unexpected text behind the exemplar");
  }

  static std::string only_openmetrics(const std::string& what) {
    return what + " is OpenMetrics, but the file does not end with # EOF: it has been cut off, or the line is missing";
  }

  void add(std::size_t index, Point point, std::size_t offset) {
    if (++samples_ > options_.max_samples) in_.fail_at(offset, "more than " + std::to_string(options_.max_samples) + " samples");
    auto& points = read_.series[index].points;
    if (!points.empty() && points.back().time == point.time) {
      if (same(points.back(), point)) return;
      in_.fail_at(offset, "a second value of this series for the same time");
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
        in_.fail_at(notes_[index].last_sample_at, "this series has two different values at " + std::to_string(seconds) + " s");
      }
    }
  }

  SampleScanner in_;
  const SamplesReadOptions& options_;
  const bool openmetrics_;
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
