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

}  // namespace

std::optional<double> sample_number(std::string_view word) {
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

bool SampleScanner::name_begins() const {
  return promql::is_letter(static_cast<unsigned char>(peek())) || peek() == ':';
}

Labels SampleScanner::take_series() {
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

void SampleScanner::take_labels(std::vector<Label>& labels) {
  ++position_;
  for (skip_blanks(); peek() != '}'; skip_blanks()) {
    const std::size_t start = position_;
    while (in_label_name(peek())) ++position_;
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
