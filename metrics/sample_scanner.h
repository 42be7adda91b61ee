// Takes a page of samples apart, line after line and each from its front: what the Prometheus text format (0.0.4) and
// OpenMetrics 1.0 have in common. What the parts mean (types, times, which series there may be) is the readers' business.
//
// A mistake leaves as a Misread, with its place; the readers catch it, and it never leaves this folder.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/labels.h"

namespace sidewatch {

struct Misread {
  std::string what;
  std::size_t offset = 0;  // in the text, in bytes
};

// A number as both formats write it (1, -1.5e3, +Inf, NaN, in any case); absent where `word` is none.
std::optional<double> sample_number(std::string_view word);

// What a series may be: beyond that it is a mistake. The bounds are for what nobody writes; those that people choose are
// held elsewhere.
struct SeriesBounds {
  std::size_t max_name_bytes = 1024;  // of the metric
  std::size_t max_labels = 256;
  std::size_t max_label_name_bytes = 1024;
  std::size_t max_label_value_bytes = 64 * 1024;
};

class SampleScanner {
 public:
  explicit SampleScanner(std::string_view text, const SeriesBounds& bounds = {}) : text_(text), bounds_(bounds) {}

  // Goes to the beginning of the next line. False at the end of the text.
  bool next_line();
  bool line_is_whole() const { return line_end_ < text_.size(); }  // it ends with a newline

  std::size_t position() const { return position_; }
  void move_to(std::size_t position) { position_ = position; }  // within the line
  std::string_view from(std::size_t start) const { return text_.substr(start, position_ - start); }

  char peek() const { return position_ < line_end_ ? text_[position_] : '\0'; }
  void advance() { ++position_; }
  void skip_blanks();
  bool at_end_of_line() const { return position_ >= line_end_ || (peek() == '\r' && position_ + 1 == line_end_); }
  std::string_view word();          // to the next blank; empty at the end of the line
  std::string_view rest_of_line();

  // The name and the labels of a sample. `skip_series` only finds where they end; that they are right is looked at by
  // `take_series`, whose labels have the name as __name__.
  void skip_series();
  Labels take_series();
  std::string_view take_name();
  void skip_labels();  // from the '{' to behind the '}'
  // Whether `series`, which skip_series once went over, stands here again, and nothing more of a series behind it: then it
  // is gone over.
  bool skip_known_series(std::string_view series);
  void take_labels(std::vector<Label>& labels);  // from the '{' to behind the '}'
  double take_value();

  [[noreturn]] void fail(std::string what) const { fail_at(position_, std::move(what)); }
  [[noreturn]] static void fail_at(std::size_t offset, std::string what) { throw Misread{std::move(what), offset}; }

 private:
  bool name_begins() const;
  std::string take_quoted();

  std::string_view text_;
  SeriesBounds bounds_;
  std::size_t position_ = 0;
  std::size_t line_end_ = 0;
  bool begun_ = false;
};

}  // namespace sidewatch
