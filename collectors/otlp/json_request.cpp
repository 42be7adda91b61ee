#include "collectors/otlp/json_request.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/json_size.h"
#include "metrics/text.h"

namespace sidewatch::otlp {
namespace {

using JsonKind = JsonValue::Kind;

constexpr std::uint64_t no_recorded_value_flag = 1;

// Ends the reading of a request; stays in this file.
struct Damaged {
  std::string what;
};

[[noreturn]] void fail(std::string what) { throw Damaged{std::move(what)}; }

// ---- Values of members ------------------------------------------------------------------------------------------

template <class Number>
bool parse_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::int64_t integer_of(const JsonValue& json, const char* name) {
  std::int64_t number = 0;
  if (json.is_null()) return 0;
  if (json.kind() == JsonKind::text && parse_whole(json.text_or(""), number)) return number;
  if (json.kind() == JsonKind::number) {
    constexpr auto none = std::numeric_limits<std::int64_t>::min();
    if (const auto whole = json.integer_or(none); whole != none) return whole;
  }
  fail(std::string(name) + " is not a whole number");
}

std::uint64_t count_of(const JsonValue& json, const char* name) {
  std::uint64_t number = 0;
  if (json.kind() == JsonKind::text && parse_whole(json.text_or(""), number)) return number;
  const auto with_sign = integer_of(json, name);
  if (with_sign < 0) fail(std::string(name) + " is negative");
  return static_cast<std::uint64_t>(with_sign);
}

double real_of(const JsonValue& json, const char* name) {
  if (json.is_null()) return 0;
  if (json.kind() == JsonKind::number) return json.number_or(0);
  const auto text = json.text_or("");
  double number = 0;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (json.kind() == JsonKind::text && parse_whole(text, number) && std::isfinite(number)) return number;
  fail(std::string(name) + " is not a number");
}

std::string_view text_of(const JsonValue& json, const char* name) {
  if (!json.is_null() && json.kind() != JsonKind::text) fail(std::string(name) + " is not a text");
  return json.text_or("");
}

const std::vector<JsonValue>& items_of(const JsonValue& json, const char* name) {
  if (!json.is_null() && json.kind() != JsonKind::array) fail(std::string(name) + " is not a list");
  return json.items();
}

const JsonValue& object_of(const JsonValue& json, const char* name) {
  if (!json.is_null() && json.kind() != JsonKind::object) fail(std::string(name) + " is not an object");
  return json;
}

void append_counts(const JsonValue& json, const char* name, std::vector<std::uint64_t>& out) {
  const auto& items = items_of(json, name);
  if (items.size() > max_buckets) fail("a data point has more than 4096 buckets");
  for (const auto& item : items) out.push_back(count_of(item, name));
}

// ---- Attributes -------------------------------------------------------------------------------------------------

void write_value(JsonWriter& json, const JsonValue& any_value) {
  if (any_value.has("stringValue")) {
    json.text(text_of(any_value["stringValue"], "stringValue"));
  } else if (any_value.has("boolValue")) {
    json.boolean(any_value["boolValue"].boolean_or(false));
  } else if (any_value.has("intValue")) {
    json.integer(integer_of(any_value["intValue"], "intValue"));
  } else if (any_value.has("doubleValue")) {
    json.number(real_of(any_value["doubleValue"], "doubleValue"));
  } else if (any_value.has("bytesValue")) {
    json.text(text_of(any_value["bytesValue"], "bytesValue"));
  } else if (any_value.has("arrayValue")) {
    json.begin_array();
    for (const auto& item : items_of(any_value["arrayValue"]["values"], "values")) write_value(json, item);
    json.end_array();
  } else if (any_value.has("kvlistValue")) {
    json.begin_object();
    for (const auto& item : items_of(any_value["kvlistValue"]["values"], "values")) {
      json.key(text_of(item["key"], "key"));
      write_value(json, item["value"]);
    }
    json.end_object();
  } else {
    json.null();
  }
}

std::string text_of_value(const JsonValue& any_value) {
  if (any_value.has("stringValue")) return std::string(text_of(any_value["stringValue"], "stringValue"));
  if (any_value.has("bytesValue")) return std::string(text_of(any_value["bytesValue"], "bytesValue"));
  if (any_value.has("boolValue")) return any_value["boolValue"].boolean_or(false) ? "true" : "false";
  if (any_value.has("intValue")) return std::to_string(integer_of(any_value["intValue"], "intValue"));
  std::string text;
  if (any_value.has("doubleValue")) {
    append_value(text, real_of(any_value["doubleValue"], "doubleValue"));
  } else if (any_value.has("arrayValue") || any_value.has("kvlistValue")) {
    JsonWriter json;
    write_value(json, any_value);
    text = json.take();
  }
  return text;
}

class JsonAttributes final : public Attributes {
 public:
  void begin(const JsonValue& list) {
    list_ = &list;
    if (items_of(list, "attributes").size() > max_attributes) fail("more than 256 attributes in one place");
  }

  Result<std::vector<Label>> read() const override {
    try {
      std::vector<Label> labels;
      for (const auto& item : list_->items()) {
        labels.push_back({std::string(text_of(item["key"], "key")), text_of_value(item["value"])});
      }
      return labels;
    } catch (Damaged& damaged) {
      return Error{std::move(damaged.what), ""};
    }
  }

  std::optional<std::string_view> raw() const override { return std::nullopt; }

 private:
  const JsonValue* list_ = nullptr;
};

// ---- Metrics ----------------------------------------------------------------------------------------------------

struct Data {
  const char* member;
  Kind kind;
};
constexpr Data all_data[] = {{"gauge", Kind::gauge},
                             {"sum", Kind::sum},
                             {"histogram", Kind::histogram},
                             {"exponentialHistogram", Kind::exponential_histogram},
                             {"summary", Kind::summary}};

Temporality temporality_of(const JsonValue& json) {
  if (json.kind() == JsonKind::text) {
    if (json.text_or("") == "AGGREGATION_TEMPORALITY_DELTA") return Temporality::delta;
    if (json.text_or("") == "AGGREGATION_TEMPORALITY_CUMULATIVE") return Temporality::cumulative;
    return Temporality::unspecified;
  }
  const auto number = integer_of(json, "aggregationTemporality");
  if (number == 1) return Temporality::delta;
  return number == 2 ? Temporality::cumulative : Temporality::unspecified;
}

std::optional<double> value_of(const JsonValue& json) {
  if (json.has("asDouble")) return real_of(json["asDouble"], "asDouble");
  if (json.has("asInt")) return static_cast<double>(integer_of(json["asInt"], "asInt"));
  return std::nullopt;
}

class RequestReader {
 public:
  explicit RequestReader(Visitor& visitor) : visitor_(visitor) { point_.attributes = &attributes_; }

  void read(const JsonValue& request) {
    if (request.kind() != JsonKind::object) fail("the request is not an object");
    for (const auto& resource_metrics : items_of(request["resourceMetrics"], "resourceMetrics")) {
      attributes_.begin(object_of(resource_metrics["resource"], "resource")["attributes"]);
      visitor_.resource(attributes_);
      for (const auto& scope_metrics : items_of(resource_metrics["scopeMetrics"], "scopeMetrics")) {
        read_scope_metrics(scope_metrics);
      }
    }
  }

 private:
  void read_scope_metrics(const JsonValue& json) {
    const JsonValue& scope = object_of(json["scope"], "scope");
    attributes_.begin(scope["attributes"]);
    visitor_.scope(text_of(scope["name"], "name"), text_of(scope["version"], "version"), attributes_);
    for (const auto& metric : items_of(json["metrics"], "metrics")) read_metric(metric);
  }

  void read_metric(const JsonValue& json) {
    for (const auto& [member, kind] : all_data) {
      if (!json.has(member)) continue;
      const JsonValue& data = object_of(json[member], member);
      SentMetric metric;
      metric.name = text_of(json["name"], "name");
      metric.unit = text_of(json["unit"], "unit");
      metric.description = text_of(json["description"], "description");
      metric.kind = kind;
      metric.temporality = temporality_of(data["aggregationTemporality"]);
      metric.monotonic = data["isMonotonic"].boolean_or(false);
      visitor_.metric(metric);
      for (const auto& point : items_of(data["dataPoints"], "dataPoints")) read_point(kind, point);
      return;
    }
  }

  void read_point(Kind kind, const JsonValue& json) {
    point_.clear();
    point_.ids_are_hex = true;
    attributes_.begin(json["attributes"]);
    point_.start_ns = count_of(json["startTimeUnixNano"], "startTimeUnixNano");
    point_.time_ns = count_of(json["timeUnixNano"], "timeUnixNano");
    point_.no_recorded_value = (count_of(json["flags"], "flags") & no_recorded_value_flag) != 0;
    if (kind == Kind::gauge || kind == Kind::sum) {
      point_.value = value_of(json);
    } else {
      point_.count = count_of(json["count"], "count");
      if (!json["sum"].is_null()) point_.sum = real_of(json["sum"], "sum");
    }
    if (kind == Kind::histogram) read_histogram(json);
    if (kind == Kind::exponential_histogram) read_exponential(json);
    if (kind == Kind::summary) read_quantiles(json);
    read_exemplars(json);
    visitor_.point(point_);
  }

  void read_histogram(const JsonValue& json) {
    append_counts(json["bucketCounts"], "bucketCounts", point_.bucket_counts);
    const auto& bounds = items_of(json["explicitBounds"], "explicitBounds");
    if (bounds.size() > max_buckets) fail("a data point has more than 4096 buckets");
    for (const auto& bound : bounds) point_.bounds.push_back(real_of(bound, "explicitBounds"));
  }

  void read_exponential(const JsonValue& json) {
    auto& exponential = point_.exponential;
    exponential.scale = integer_of(json["scale"], "scale");
    exponential.zero_count = count_of(json["zeroCount"], "zeroCount");
    exponential.zero_threshold = real_of(json["zeroThreshold"], "zeroThreshold");
    read_buckets(object_of(json["positive"], "positive"), exponential.positive);
    read_buckets(object_of(json["negative"], "negative"), exponential.negative);
  }

  static void read_buckets(const JsonValue& json, ExponentialPoint::Buckets& buckets) {
    buckets.offset = integer_of(json["offset"], "offset");
    append_counts(json["bucketCounts"], "bucketCounts", buckets.counts);
  }

  void read_quantiles(const JsonValue& json) {
    const auto& items = items_of(json["quantileValues"], "quantileValues");
    if (items.size() > max_buckets) fail("a data point has more than 4096 quantiles");
    for (const auto& item : items) {
      point_.quantiles.emplace_back(real_of(item["quantile"], "quantile"), real_of(item["value"], "value"));
    }
  }

  void read_exemplars(const JsonValue& json) {
    for (const auto& item : items_of(json["exemplars"], "exemplars")) {
      if (point_.exemplars.size() == max_exemplars) return;
      point_.exemplars.push_back({value_of(item).value_or(0), count_of(item["timeUnixNano"], "timeUnixNano"),
                                  text_of(item["traceId"], "traceId"), text_of(item["spanId"], "spanId")});
    }
  }

  Visitor& visitor_;
  JsonAttributes attributes_;
  DataPoint point_;
};

}  // namespace

Result<void> read_json_request(std::string_view body, Visitor& visitor) {
  if (count_json_values(body) > max_json_values) {
    return Error{"the request has more than 200000 JSON values; send fewer data points at once, or protocol buffers", ""};
  }
  const auto json = JsonValue::parse(body, {.max_bytes = body.size(), .max_depth = 64});
  if (!json) return json.error();
  try {
    NoVisitor nobody;
    RequestReader(nobody).read(*json);
    RequestReader(visitor).read(*json);
    return {};
  } catch (Damaged& damaged) {
    return Error{std::move(damaged.what), ""};
  }
}

}  // namespace sidewatch::otlp
