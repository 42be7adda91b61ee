#include "collectors/pushgateway/saved_groups.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "metrics/sample_scanner.h"
#include "metrics/text.h"

namespace sidewatch::pushgateway {
namespace {

constexpr std::int64_t version = 1;
constexpr std::int64_t max_ms = std::int64_t{1} << 53;  // of what a file says: beyond any time that there is
constexpr std::array types{MetricType::gauge, MetricType::counter, MetricType::histogram, MetricType::summary};

MetricType type_of(std::string_view name) {
  const auto found = std::find_if(types.begin(), types.end(), [&](MetricType type) { return to_string(type) == name; });
  return found == types.end() ? MetricType::untyped : *found;
}

void write(JsonWriter& json, const Labels& labels) {
  json.begin_object();
  for (const auto& [name, value] : labels) json.key(name).text(value);
  json.end_object();
}

Labels read_labels(const JsonValue& json) {
  std::vector<Label> labels;
  for (std::size_t i = 0; i < json.names().size(); ++i) {
    labels.push_back({json.names()[i], std::string(json.items()[i].text_or(""))});
  }
  return Labels(std::move(labels));
}

// The number as a text: JSON knows no NaN.
void write(JsonWriter& json, const GroupSample& sample) {
  std::string value;
  append_value(value, sample.value);
  json.begin_array().text(sample.name).text(to_string(sample.type)).text(value);
  write(json, sample.labels);
  json.end_array();
}

std::optional<GroupSample> read_sample(const JsonValue& json) {
  if (json.items().size() != 4) return std::nullopt;
  const auto value = sample_number(json.items()[2].text_or(""));
  const std::string name(json.items()[0].text_or(""));
  if (!value || !is_legal_metric_name(name)) return std::nullopt;
  return GroupSample{name, type_of(json.items()[1].text_or("")), read_labels(json.items()[3]), *value};
}

Group read_group(const JsonValue& json, Time now, WallTime wall) {
  Group group;
  group.pushed_ms = std::clamp<std::int64_t>(json["pushed_ms"].integer_or(0), 0, max_ms);
  group.failed_ms = std::clamp<std::int64_t>(json["failed_ms"].integer_or(0), 0, max_ms);
  const std::int64_t age = wall.time_since_epoch().count() - std::max(group.pushed_ms, group.failed_ms);
  group.last = now - Duration(std::max<std::int64_t>(age, 0));
  for (const auto& saved : json["families"].items()) {
    GroupFamily family{std::string(saved["help"].text_or("")), std::string(saved["unit"].text_or("")), {}};
    for (const auto& each : saved["samples"].items()) {
      if (auto sample = read_sample(each)) family.samples.push_back(std::move(*sample));
    }
    group.families.emplace(saved["name"].text_or(""), std::move(family));
  }
  return group;
}

}  // namespace

std::string save_groups(const Groups& groups) {
  JsonWriter json;
  json.begin_object().key("version").integer(version).key("groups").begin_array();
  for (const auto& [key, group] : groups.all()) {
    json.begin_object().key("labels");
    write(json, key);
    json.key("pushed_ms")
        .integer(group.pushed_ms)
        .key("failed_ms")
        .integer(group.failed_ms)
        .key("families")
        .begin_array();
    for (const auto& [name, family] : group.families) {
      json.begin_object().key("name").text(name).key("help").text(family.help).key("unit").text(family.unit);
      json.key("samples").begin_array();
      for (const auto& sample : family.samples) write(json, sample);
      json.end_array().end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json.take();
}

Result<void> restore_groups(std::string_view text, Groups& groups, Time now, WallTime wall) {
  const auto saved = JsonValue::parse(text, {max_saved_bytes(groups.limits())});
  if (!saved) return saved.error();
  if ((*saved)["version"].integer_or(0) != version) return Error{"it was not written by this version of sidewatch", ""};
  for (const auto& group : (*saved)["groups"].items()) {
    const Labels key = read_labels(group["labels"]);
    if (!key.empty()) groups.restore(key, read_group(group, now, wall));
  }
  return {};
}

}  // namespace sidewatch::pushgateway
