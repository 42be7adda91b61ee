#include "agent/api/values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "agent/api/envelope.h"
#include "base/json.h"
#include "config/literals.h"
#include "metrics/promql/literals.h"

namespace sidewatch {
namespace {

constexpr double exact_integers = 9007199254740992.0;  // 2^53: below, every integer is a double
constexpr std::size_t points_between_checks = 1024;

template <class Integer>
void append_integer(std::string& out, Integer value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else if (std::abs(value) < exact_integers && value == std::trunc(value) && (value != 0 || !std::signbit(value))) {
    append_integer(out, static_cast<std::int64_t>(value));
  } else if (value != 0 && (std::abs(value) < 1e-6 || std::abs(value) >= 1e21)) {
    std::array<char, 32> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::scientific).ptr;
    out.append(digits.data(), end);
  } else if (std::abs(value) < exact_integers) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed).ptr;
    out.append(digits.data(), end);
  } else {
    out += promql::number_without_exponent(value);
  }
}

void append_point(std::string& out, WallTime time, double value) {
  out += '[';
  append_json_time(out, time);
  out += ',';
  append_json_value(out, value);
  out += ']';
}

void check_size(const std::string& out, const ResultShape& shape) {
  if (out.size() <= shape.max_bytes) return;
  throw ApiError{ApiErrorKind::execution,
                 "the answer is larger than " + config::write_size({shape.max_bytes}) +
                     " (limits.max_query_response_bytes); ask for fewer series, a shorter time or a larger step"};
}

class ResultWriter {
 public:
  ResultWriter(std::string& out, const ResultShape& shape) : out_(out), shape_(shape) {}

  void operator()(double scalar) {
    begin("scalar");
    out_ += '[';
    append_json_time(out_, shape_.at);
    // Unlike a sample, a scalar never has an exponent.
    out_ += ",\"" + promql::number_without_exponent(scalar) + "\"]}";
  }

  void operator()(const std::string& text) {
    begin("string");
    out_ += '[';
    append_json_time(out_, shape_.at);
    out_ += ',' + json_quoted(text) + "]}";
  }

  void operator()(const promql::Vector& samples) {
    begin("vector");
    out_ += '[';
    for (const auto& sample : samples) {
      begin_series(sample.labels);
      out_ += "\"value\":";
      append_point(out_, shape_.at, sample.value);
      out_ += '}';
      check_size(out_, shape_);
    }
    out_ += "]}";
  }

  void operator()(const promql::Matrix& all) {
    begin("matrix");
    out_ += '[';
    for (const auto& series : all) {
      begin_series(series.labels);
      out_ += "\"values\":[";
      write_points(series.points);
      out_ += "]}";
    }
    out_ += "]}";
  }

 private:
  void begin(std::string_view type) {
    out_ += "{\"resultType\":\"";
    out_ += type;
    out_ += "\",\"result\":";
  }

  void begin_series(const Labels& labels) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += "{\"metric\":";
    append_json_labels(out_, labels);
    out_ += ',';
  }

  void write_points(const std::vector<Point>& points) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (i > 0) out_ += ',';
      append_point(out_, to_wall(points[i].time, shape_.wall_step), points[i].value);
      if (i % points_between_checks == 0) check_size(out_, shape_);
    }
    check_size(out_, shape_);
  }

  std::string& out_;
  const ResultShape& shape_;
  bool first_ = true;
};

}  // namespace

void append_json_time(std::string& out, WallTime time) {
  const std::int64_t ms = time.time_since_epoch().count();
  const std::int64_t fraction = std::abs(ms % 1000);
  if (ms < 0 && ms > -1000) out += '-';
  append_integer(out, ms / 1000);
  if (fraction == 0) return;
  out += '.';
  out += static_cast<char>('0' + fraction / 100);
  out += static_cast<char>('0' + fraction / 10 % 10);
  out += static_cast<char>('0' + fraction % 10);
}

void append_json_value(std::string& out, double value) {
  out += '"';
  append_number(out, value);
  out += '"';
}

void append_json_labels(std::string& out, const Labels& labels) {
  out += '{';
  bool first = true;
  for (const auto& label : labels) {
    if (!first) out += ',';
    first = false;
    out += json_quoted(label.name);
    out += ':';
    out += json_quoted(label.value);
  }
  out += '}';
}

void append_json_result(std::string& out, const promql::Value& value, const ResultShape& shape) {
  std::visit(ResultWriter(out, shape), value);
}

}  // namespace sidewatch
