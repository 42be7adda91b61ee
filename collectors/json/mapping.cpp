#include "collectors/json/mapping.h"

#include <cmath>
#include <string_view>

#include "base/utf8.h"
#include "collectors/own_names.h"
#include "config/literals.h"
#include "metrics/sample_scanner.h"
#include "metrics/text.h"

namespace sidewatch::json {
namespace {

constexpr std::size_t most_wildcards = 4;
constexpr std::size_t shown_bytes = 60;

std::string shown(std::string_view text) {
  const auto cut = cut_at_character(text, shown_bytes);
  return "'" + std::string(cut) + (cut.size() < text.size() ? "..." : "") + "'";
}

std::string_view kind_word(JsonValue::Kind kind) {
  switch (kind) {
    case JsonValue::Kind::null: return "null";
    case JsonValue::Kind::boolean: return "true or false";
    case JsonValue::Kind::number: return "a number";
    case JsonValue::Kind::text: return "a text";
    case JsonValue::Kind::array: return "a list";
    case JsonValue::Kind::object: return "an object";
  }
  return "";
}

// What a value that may stand as a label is as a text; absent for lists, objects and null.
std::optional<std::string> as_label(const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::text: return std::string(value.text_or(""));
    case JsonValue::Kind::boolean: return value.boolean_or(false) ? "true" : "false";
    case JsonValue::Kind::number: {
      std::string text;
      append_value(text, value.number_or(0));
      return text;
    }
    case JsonValue::Kind::null:
    case JsonValue::Kind::array:
    case JsonValue::Kind::object: break;
  }
  return std::nullopt;
}

class Mapper {
 public:
  Mapper(const JsonValue& root, std::size_t max_samples) : root_(root), max_samples_(max_samples) {}

  void apply(const MetricMapping& mapping, std::size_t number) {
    bool anything = false;
    mapping.pointer.visit(root_, [&](const JsonValue& value, const std::vector<std::string>& keys) {
      anything = true;
      const auto sample = number_of(mapping, value);
      if (!sample) return true;
      if (mapped_.samples.size() >= max_samples_) {
        mapped_.full = true;
        return false;
      }
      mapped_.samples.push_back({number, labels_of(mapping, keys), *sample * mapping.scale});
      return true;
    });
    if (!anything && !mapping.optional) problem("there is nothing at " + mapping.path.value);
  }

  Mapped take() { return std::move(mapped_); }

 private:
  std::optional<double> number_of(const MetricMapping& mapping, const JsonValue& value) {
    switch (value.kind()) {
      case JsonValue::Kind::null: return std::nullopt;
      case JsonValue::Kind::boolean: return value.boolean_or(false) ? 1 : 0;
      case JsonValue::Kind::number: return value.number_or(0);
      case JsonValue::Kind::text: return text_number(mapping, value.text_or(""));
      case JsonValue::Kind::array:
      case JsonValue::Kind::object: break;
    }
    problem("at " + mapping.path.value + " stands " + std::string(kind_word(value.kind())) + ", not a number");
    return std::nullopt;
  }

  std::optional<double> text_number(const MetricMapping& mapping, std::string_view text) {
    auto found = mapping.numbers.find(text);
    if (found != mapping.numbers.end()) return found->second;
    if (mapping.numeric_strings) {
      if (const auto number = sample_number(text)) return number;
    }
    found = mapping.numbers.find("*");
    if (found != mapping.numbers.end()) return found->second;
    problem("at " + mapping.path.value + " stands the text " + shown(text) +
            (mapping.numbers.empty() ? ": say what it means with values:, or numeric_strings: true when it holds a number"
                                     : ", which values: does not know"));
    return std::nullopt;
  }

  Labels labels_of(const MetricMapping& mapping, const std::vector<std::string>& keys) {
    std::vector<Label> labels;
    for (const auto& [name, value] : mapping.labels) labels.push_back({name, value});
    for (std::size_t i = 0; i < mapping.keys.size() && i < keys.size(); ++i) labels.push_back({mapping.keys[i], keys[i]});
    for (const auto& [name, pointer] : mapping.label_pointers) {
      const JsonValue* const value = pointer.find(root_, keys, members_);
      if (auto text = value == nullptr ? std::nullopt : as_label(*value)) labels.push_back({name, std::move(*text)});
    }
    return Labels(std::move(labels));
  }

  void problem(std::string what) {
    if (mapped_.problems++ == 0) mapped_.first_problem = std::move(what);
  }

  const JsonValue& root_;
  const std::size_t max_samples_;
  JsonMembers members_;
  Mapped mapped_;
};

void read_pointers(config::Section& section, MetricMapping& mapping) {
  if (auto pointer = JsonPointer::parse(mapping.path.value)) {
    mapping.pointer = std::move(*pointer);
  } else {
    section.problem("path", pointer.error().what);
    return;
  }
  const std::size_t wildcards = mapping.pointer.wildcards();
  if (wildcards > most_wildcards) section.problem("path", "more than " + std::to_string(most_wildcards) + " wildcards");
  if (mapping.keys.size() > wildcards) {
    section.problem("keys", "there are more labels here than wildcards (*) in path");
  } else if (mapping.keys.empty() && mapping.labels_from.empty() && wildcards > 0) {
    section.problem("path", "what a wildcard (*) finds needs a label to be told apart by: give keys: [name], or labels_from");
  }
  for (const auto& [label, path] : mapping.labels_from) {
    auto pointer = JsonPointer::parse(path);
    if (!pointer) {
      section.problem("labels_from", pointer.error().what);
    } else if (pointer->wildcards() > wildcards) {
      section.problem("labels_from", "'" + path + "' has more wildcards (*) than path, whose they stand for");
    } else {
      mapping.label_pointers.emplace_back(label, std::move(*pointer));
    }
  }
}

void check_names(config::Section& section, const MetricMapping& mapping) {
  if (section.has("name") && !is_legal_metric_name(mapping.name.value)) {
    section.problem("name", "'" + mapping.name.value + "' is not the name of a metric: letters, digits and _");
  } else if (is_agents_own(mapping.name.value)) {
    section.problem("name", "in names that begin with sidewatch_ or ALERTS the agent speaks about itself");
  }
  const auto check = [&](std::string_view key, const std::string& label) {
    if (!is_legal_label_name(label)) section.problem(key, "'" + label + "' is not the name of a label");
    if (label == "instance") section.problem(key, "the label 'instance' is the name that stands behind name:");
  };
  for (const auto& [label, value] : mapping.labels) check("labels", label);
  for (const auto& [label, path] : mapping.labels_from) check("labels_from", label);
  for (const std::string& label : mapping.keys) check("keys", label);
}

}  // namespace

void declare(config::Section& section, MetricMapping& mapping) {
  section.required("path", mapping.path,
                   "where the value stands, a JSON pointer such as /mem/heap; * stands for every member or item");
  section.required("name", mapping.name, "the name of the metric, such as app_heap_bytes");
  section.choice("type", mapping.type,
                 {{"gauge", MetricType::gauge}, {"counter", MetricType::counter}, {"untyped", MetricType::untyped}},
                 "counter: it only grows, until the application begins anew");
  section.optional("help", mapping.help, "what it means, for /metrics");
  section.optional("labels", mapping.labels, "labels of its series, such as {area: heap}");
  section.optional("keys", mapping.keys, "the labels that get what the wildcards of path stand for, in their order");
  section.optional("labels_from", mapping.labels_from,
                   "labels whose values stand in the JSON as well: {pool: /pools/*/name}; its wildcards are those of path");
  section.optional("values", mapping.values,
                   "what texts mean, such as {UP: 1, DOWN: 0}; \"*\" is every other text");
  section.optional("numeric_strings", mapping.numeric_strings, "a text that holds a number (\"12.5\") is that number");
  section.optional("scale", mapping.scale, "the value is multiplied by it: 0.001 makes seconds of milliseconds");
  section.optional("optional", mapping.optional, "it is no mistake when nothing stands there");
  if (section.describing()) return;
  check_names(section, mapping);
  read_pointers(section, mapping);
  for (const auto& [text, number] : mapping.values) {
    if (const auto parsed = sample_number(number)) {
      mapping.numbers.emplace(text, *parsed);
    } else {
      section.problem("values", "'" + number + "' is not a number");
    }
  }
}

Mapped map_json(const JsonValue& root, const std::vector<MetricMapping>& mappings, std::size_t max_samples) {
  Mapper mapper(root, max_samples);
  for (std::size_t i = 0; i < mappings.size(); ++i) mapper.apply(mappings[i], i);
  return mapper.take();
}

}  // namespace sidewatch::json
