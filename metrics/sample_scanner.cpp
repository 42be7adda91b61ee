#include "metrics/sample_scanner.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "base/utf8.h"
#include "metrics/promql/characters.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::string_view name_label = "__name__";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool in_label_name(char c) {
  const auto code = static_cast<unsigned char>(c);
  return promql::is_letter(code) || promql::is_digit(code);
}

std::string too_long(const std::string& what, std::size_t most_bytes) {
  return what + " is longer than " + std::to_string(most_bytes) + " bytes";
}

}  // namespace

std::optional<double> sample_number(std::string_view word) {
  const bool negative = word.starts_with('-');
  const std::string_view size = word.substr(negative || word.starts_with('+') ? 1 : 0);
  if (size.empty()) return std::nullopt;
  if (size.front() != '.' && !promql::is_digit(static_cast<unsigned char>(size.front()))) {
    const std::string lower = promql::to_lower(size.substr(0, std::string_view("infinity").size() + 1));
    if (lower == "nan" && size.size() == word.size()) return std::numeric_limits<double>::quiet_NaN();
    if (lower == "inf" || lower == "infinity") return negative ? -HUGE_VAL : HUGE_VAL;
    return std::nullopt;
  }
  double value = 0;
  const auto parsed = std::from_chars(size.data(), size.data() + size.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != size.data() + size.size()) return std::nullopt;
  return negative ? -value : value;
}

bool SampleScanner::next_line() {
  if (begun_) position_ = line_end_ + 1;
  begun_ = true;
  if (position_ >= text_.size()) return false;
  line_end_ = std::min(text_.find('\n', position_), text_.size());
  return true;
}

void SampleScanner::skip_blanks() {
  while (is_blank(peek())) ++position_;
}

std::string_view SampleScanner::word() {
  const std::size_t start = position_;
  while (!at_end_of_line() && !is_blank(peek())) ++position_;
  return text_.substr(start, position_ - start);
}

std::string_view SampleScanner::rest_of_line() {
  const std::size_t start = position_;
  while (!at_end_of_line()) ++position_;
  return from(start);
}

void SampleScanner::skip_series() {
  if (!name_begins()) fail("expected a metric name, as in up{job=\"a\"} 1");
  while (position_ < line_end_ && peek() != '{' && !is_blank(peek())) ++position_;
  const std::size_t end_of_name = position_;
  skip_blanks();
  if (peek() == '{') {
    skip_labels();
  } else {
    position_ = end_of_name;
  }
}

bool SampleScanner::skip_known_series(std::string_view series) {
  if (!text_.substr(position_, line_end_ - position_).starts_with(series)) return false;
  const std::size_t start = position_;
  position_ += series.size();
  if (series.ends_with('}')) return true;
  const std::size_t end_of_name = position_;
  const bool name_ends = is_blank(peek());
  skip_blanks();
  const bool known = name_ends && peek() != '{';
  position_ = known ? end_of_name : start;
  return known;
}

void SampleScanner::skip_labels() {
  bool quoted = false;
  const std::size_t brace = position_;
  for (; position_ < line_end_; ++position_) {
    const char c = text_[position_];
    if (quoted && c == '\\') {
      ++position_;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '}') {
      ++position_;
      return;
    }
  }
  fail_at(brace, quoted ? "a label value lacks its closing quote" : "the labels lack their closing '}'");
}

bool SampleScanner::name_begins() const {
  return promql::is_letter(static_cast<unsigned char>(peek())) || peek() == ':';
}

Labels SampleScanner::take_series() {
  std::vector<Label> labels;
  labels.push_back({std::string(name_label), std::string(take_name())});
  skip_blanks();
  if (peek() == '{') take_labels(labels);
  return Labels(std::move(labels));
}

std::string_view SampleScanner::take_name() {
  const std::size_t start = position_;
  while (position_ < line_end_ && peek() != '{' && !is_blank(peek())) ++position_;
  const std::string_view name = text_.substr(start, position_ - start);
  if (!is_legal_metric_name(name)) fail_at(start, promql::quoted_start(name) + " is not a metric name");
  if (name.size() > bounds_.max_name_bytes) fail_at(start, too_long("a metric name", bounds_.max_name_bytes));
  return name;
}

void SampleScanner::take_labels(std::vector<Label>& labels) {
  std::size_t count = 0;
  ++position_;
  for (skip_blanks(); peek() != '}'; skip_blanks()) {
    const std::size_t start = position_;
    while (in_label_name(peek())) ++position_;
    const std::string_view name = text_.substr(start, position_ - start);
    if (!is_legal_label_name(name)) fail_at(start, "expected a label name, as in {job=\"a\"}");
    if (name.size() > bounds_.max_label_name_bytes) fail_at(start, too_long("a label name", bounds_.max_label_name_bytes));
    if (++count > bounds_.max_labels) fail_at(start, "more than " + std::to_string(bounds_.max_labels) + " labels");
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

std::string SampleScanner::take_quoted() {
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
  if (value.size() > bounds_.max_label_value_bytes) {
    fail_at(start, too_long("a label value", bounds_.max_label_value_bytes));
  }
  if (!is_utf8(value)) fail_at(start, "a label value is not UTF-8");
  return value;
}

double SampleScanner::take_value() {
  const std::size_t start = position_;
  const std::string_view written = word();
  if (written.empty()) fail_at(start, "the sample lacks its value");
  const auto value = sample_number(written);
  if (!value) fail_at(start, promql::quoted_start(written) + " is not a number");
  return *value;
}

}  // namespace sidewatch
