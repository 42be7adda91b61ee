// What a program writes into a JSON push, read: pure, from text to samples and to what is wrong with the others.
//
//     {"metrics": [{"name": "orders_total", "type": "counter", "value": 3, "labels": {"kind": "web"}, "help": "..."}]}
//     {"orders_total": 3, "queue_depth{queue=\"mail\"}": 7, "request_seconds": {"observe": [0.12, 0.3]}}
//
// One metric that cannot be used refuses only itself, and is told with its place. What the body means for the series that
// there are already (another type, no room) is not known here; pushed_series.h judges that.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch::push {

struct PushedSample {
  enum class How { set, add, observe };
  std::string at;  // "metrics[2]", or the key of the short form
  std::string name;
  Labels labels;
  std::optional<MetricType> type;  // absent: it follows from the rest
  How how = How::set;
  std::vector<double> values;  // one; more only where they are observed
  std::string help;
  std::string unit;
};

enum class Refusal { form, name, label, value, type, reserved, taken, no_room };
std::string_view to_string(Refusal refusal);

struct Rejection {
  std::string at;  // "metrics[2].name"
  std::string why;
  Refusal reason = Refusal::form;
};

struct PushBody {
  std::vector<PushedSample> samples;
  std::vector<Rejection> rejected;
};

// What one series may be named by, and how many values one metric of a body may observe.
inline constexpr std::size_t max_name_bytes = 256;
inline constexpr std::size_t max_label_bytes = 4096;  // names and values of all labels of one series
inline constexpr std::size_t max_observations = 1000;
inline constexpr std::size_t max_text_bytes = 1024;  // of a help or a unit

// Error::what is a sentence: it is not JSON, not such a body, or has more than `max_metrics`.
Result<PushBody> read_push_body(std::string_view json, std::size_t max_metrics);

}  // namespace sidewatch::push
