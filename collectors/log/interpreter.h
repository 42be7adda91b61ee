// A line of a log becomes numbers: which metrics it is for, with which labels and values. Pure: text in, values out.
//
// Every metric whose conditions hold takes the line. A line of any bytes is taken: what is not UTF-8 is replaced before any
// pattern sees it. The time is linear in the line's length, whatever the patterns are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/capturing_regex.h"
#include "base/regex.h"
#include "collectors/log/fields.h"
#include "metrics/metric.h"

namespace sidewatch::log {

struct Condition {
  Field field;
  Regex pattern;  // of the whole text of the field
};

// One metric of the configuration, checked.
struct LogMetric {
  std::string name;
  std::string help;
  MetricType type = MetricType::counter;  // or gauge, or histogram
  std::optional<CapturingRegex> match;
  std::vector<Condition> when;
  std::vector<std::pair<std::string, FieldText>> labels;
  std::optional<FieldText> value;  // absent: each line counts 1
  double scale = 1;
  std::vector<double> buckets;     // rising; of a histogram
};

struct LineFormat {
  bool json = false;
  std::optional<CapturingRegex> match;  // what a line has to look like to be looked at
  bool match_is_wrong = false;          // it was given, and reported
  std::optional<std::size_t> json_group;  // of `match`: which part of the line is the JSON text
};

class Interpreter {
 public:
  Interpreter(LineFormat format, std::vector<LogMetric> metrics);

  struct Found {
    std::size_t metric = 0;
    double value = 0;
    std::string labels;  // the values, in the order of the metric's labels, each ended by a NUL byte
  };
  // What the line says; valid until the next call.
  std::span<const Found> read(std::string_view line);

  // Lines that are not a JSON object although they should be; values that are not numbers or that a counter cannot take.
  struct Errors {
    std::uint64_t json = 0;
    std::uint64_t value = 0;
  };
  const Errors& errors() const { return errors_; }
  const std::vector<LogMetric>& metrics() const { return metrics_; }

 private:
  enum class Json { unread, good, bad };
  bool read_json(std::string_view line);
  bool takes(const LogMetric& metric, std::string_view line);
  bool value_of(const LogMetric& metric, double& value);

  const LineFormat format_;
  const std::vector<LogMetric> metrics_;
  LineParts parts_;
  Json json_ = Json::unread;
  std::string mended_;
  std::string text_;
  std::vector<Found> found_;
  Errors errors_;
};

}  // namespace sidewatch::log
