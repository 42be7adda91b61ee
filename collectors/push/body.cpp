#include "collectors/push/body.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "metrics/series_notation.h"
#include "metrics/text.h"

namespace sidewatch::push {
namespace {

constexpr std::size_t max_depth = 8;
constexpr std::array keys{"name", "type", "value", "add", "observe", "labels", "help", "unit"};

struct TypeName {
  std::string_view name;
  MetricType type;
};
constexpr std::array type_names{TypeName{"counter", MetricType::counter}, TypeName{"gauge", MetricType::gauge},
                                TypeName{"histogram", MetricType::histogram}, TypeName{"summary", MetricType::summary}};

// Reads one metric; what is wrong with it ends the reading of this one, by an exception that stays in this file.
struct Wrong {
  Rejection rejection;
};

class MetricReader {
 public:
  MetricReader(const JsonValue& json, std::string at) : json_(json), at_(std::move(at)) {}

  // The long form, which names itself.
  PushedSample read() {
    if (json_.kind() != JsonValue::Kind::object) {
      fail("", "a metric is an object, as in {\"name\": \"orders_total\", \"value\": 3}", Refusal::form);
    }
    PushedSample sample;
    sample.name = text("name");
    check_name(sample.name, ".name");
    sample.labels = labels();
    read_rest(sample);
    return sample;
  }

  // The short form, whose key is the series.
  PushedSample read_named(const std::string& series) {
    PushedSample sample;
    const std::string name = series.substr(0, series.find('{'));
    if (!name.empty()) check_name(name, "");
    const auto parsed = parse_series_labels(series);
    if (!parsed) fail("", "not a series: " + parsed.error().what, Refusal::name);
    sample.name = parsed->get("__name__");
    check_name(sample.name, "");
    sample.labels = parsed->without("__name__");
    check_labels(sample.labels, "");
    if (json_.kind() == JsonValue::Kind::object) {
      if (json_.has("name") || json_.has("labels")) fail("", "the key says name and labels already", Refusal::form);
      read_rest(sample);
    } else {
      sample.values = {number(json_, "")};
    }
    return sample;
  }

 private:
  [[noreturn]] void fail(std::string_view part, std::string why, Refusal reason) const {
    throw Wrong{{at_ + std::string(part), std::move(why), reason}};
  }

  void read_rest(PushedSample& sample) const {
    for (const auto& name : json_.names()) {
      const bool known = std::any_of(keys.begin(), keys.end(), [&](std::string_view key) { return key == name; });
      if (!known) {
        fail("." + name, "not a key of a metric; there are name, type, value, add, observe, labels, help and unit",
             Refusal::form);
      }
    }
    if (json_.has("type")) sample.type = type();
    if (json_.has("help")) sample.help = text("help");
    if (json_.has("unit")) sample.unit = text("unit");
    for (const auto* part : {&sample.help, &sample.unit}) {
      if (part->size() > max_text_bytes) fail("", "help and unit have at most 1024 bytes each", Refusal::form);
    }
    const int given = json_.has("value") + json_.has("add") + json_.has("observe");
    if (given != 1) {
      fail("", "a metric has one of value (what it is), add (what comes to it) and observe", Refusal::value);
    }
    if (json_.has("observe")) {
      sample.how = PushedSample::How::observe;
      sample.values = observations(json_["observe"]);
    } else {
      sample.how = json_.has("add") ? PushedSample::How::add : PushedSample::How::set;
      const std::string_view key = json_.has("add") ? "add" : "value";
      sample.values = {number(json_[key], "." + std::string(key))};
    }
  }

  std::string text(std::string_view key) const {
    if (json_[key].kind() != JsonValue::Kind::text) {
      fail("." + std::string(key), "a text is needed here", Refusal::form);
    }
    return std::string(json_[key].text_or(""));
  }

  MetricType type() const {
    const auto name = json_["type"].text_or("");
    for (const auto& known : type_names) {
      if (known.name == name) return known.type;
    }
    fail(".type", "a type is counter, gauge, histogram or summary", Refusal::type);
  }

  Labels labels() const {
    const JsonValue& given = json_["labels"];
    if (given.is_null()) return {};
    if (given.kind() != JsonValue::Kind::object) {
      fail(".labels", "labels are an object of texts, as in {\"queue\": \"mail\"}", Refusal::label);
    }
    std::vector<Label> labels;
    for (std::size_t i = 0; i < given.names().size(); ++i) {
      if (given.items()[i].kind() != JsonValue::Kind::text) {
        fail(".labels." + given.names()[i], "the value of a label is a text, in quotes", Refusal::label);
      }
      labels.push_back({given.names()[i], std::string(given.items()[i].text_or(""))});
    }
    Labels all(std::move(labels));
    check_labels(all, ".labels");
    return all;
  }

  void check_name(const std::string& name, std::string_view part) const {
    if (name.empty()) fail(part, "the metric has no name", Refusal::name);
    if (name.size() > max_name_bytes) fail(part, "the name is longer than 256 bytes", Refusal::name);
    if (is_legal_metric_name(name)) return;
    fail(part, "a name has letters, digits, '_' and ':', and no digit first; write " + mend_metric_name(name),
         Refusal::name);
  }

  void check_labels(const Labels& labels, std::string_view part) const {
    std::size_t bytes = 0;
    for (const auto& [name, value] : labels) {
      bytes += name.size() + value.size();
      if (!is_legal_label_name(name)) {
        fail(part, "a label's name has letters, digits and '_', and no digit first; write " + mend_label_name(name),
             Refusal::label);
      }
      if (name.starts_with("__")) fail(part, "labels that begin with __ are not for programs", Refusal::label);
    }
    if (bytes > max_label_bytes) {
      fail(part, "the labels of one series have at most 4096 bytes together", Refusal::label);
    }
  }

  double number(const JsonValue& json, std::string_view part) const {
    if (json.kind() == JsonValue::Kind::boolean) return json.boolean_or(false) ? 1 : 0;
    if (json.kind() != JsonValue::Kind::number) fail(part, "a number is needed here", Refusal::value);
    const double value = json.number_or(0);
    if (!std::isfinite(value)) fail(part, "the number is too large", Refusal::value);
    return value;
  }

  std::vector<double> observations(const JsonValue& json) const {
    if (json.kind() != JsonValue::Kind::array) return {number(json, ".observe")};
    if (json.items().size() > max_observations) {
      fail(".observe", "at most 1000 values are observed at once; send the others as another metric", Refusal::value);
    }
    std::vector<double> values;
    for (const auto& item : json.items()) values.push_back(number(item, ".observe"));
    return values;
  }

  const JsonValue& json_;
  const std::string at_;
};

template <class Read>
void read_one(PushBody& body, const Read& read) {
  try {
    body.samples.push_back(read());
  } catch (Wrong& wrong) {
    body.rejected.push_back(std::move(wrong.rejection));
  }
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::form: return "form";
    case Refusal::name: return "name";
    case Refusal::label: return "label";
    case Refusal::value: return "value";
    case Refusal::type: return "type";
    case Refusal::reserved: return "reserved";
    case Refusal::taken: return "taken";
    case Refusal::no_room: return "no_room";
  }
  return "";
}

Result<PushBody> read_push_body(std::string_view json, std::size_t max_metrics) {
  const auto parsed = JsonValue::parse(json, {json.size(), max_depth});
  if (!parsed) return parsed.error();
  if (parsed->kind() != JsonValue::Kind::object) {
    return Error{R"(send an object, as in {"orders_total": 3} or {"metrics": [{"name": "orders_total", "value": 3}]})",
                 ""};
  }
  const bool is_long = (*parsed)["metrics"].kind() == JsonValue::Kind::array;
  const JsonValue& list = is_long ? (*parsed)["metrics"] : *parsed;
  if (is_long && parsed->names().size() > 1) return Error{"beside \"metrics\" there is nothing in a push", ""};
  if (list.items().size() > max_metrics) {
    return Error{"more than " + std::to_string(max_metrics) + " metrics in one push (collectors.push.max_metrics)", ""};
  }
  PushBody body;
  for (std::size_t i = 0; i < list.items().size(); ++i) {
    const JsonValue& item = list.items()[i];
    const std::string at = is_long ? "metrics[" + std::to_string(i) + "]" : list.names()[i];
    read_one(body, [&] {
      MetricReader reader(item, at);
      PushedSample sample = is_long ? reader.read() : reader.read_named(at);
      sample.at = at;
      return sample;
    });
  }
  return body;
}

}  // namespace sidewatch::push
