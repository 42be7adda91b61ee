#include "collectors/otlp/names.h"

#include <algorithm>
#include <utility>

#include "metrics/text.h"

namespace sidewatch::otlp {
namespace {

using Words = std::vector<std::string>;

struct UnitWord {
  std::string_view unit;
  std::string_view word;
};

// UCUM's codes, with the words that Prometheus's names use for them.
constexpr UnitWord of_units[] = {
    {"d", "days"},       {"h", "hours"},       {"min", "minutes"},    {"s", "seconds"},     {"ms", "milliseconds"},
    {"us", "microseconds"}, {"ns", "nanoseconds"}, {"By", "bytes"},    {"KiBy", "kibibytes"}, {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"}, {"TiBy", "tibibytes"}, {"KBy", "kilobytes"}, {"MBy", "megabytes"}, {"GBy", "gigabytes"},
    {"TBy", "terabytes"}, {"m", "meters"},      {"V", "volts"},        {"A", "amperes"},     {"J", "joules"},
    {"W", "watts"},      {"g", "grams"},       {"Cel", "celsius"},    {"Hz", "hertz"},      {"%", "percent"},
    {"1", ""},
};
constexpr UnitWord of_denominators[] = {
    {"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"}, {"w", "week"}, {"mo", "month"}, {"y", "year"},
};

template <std::size_t size>
std::string_view word_of(std::string_view unit, const UnitWord (&words)[size]) {
  for (const auto& each : words) {
    if (each.unit == unit) return each.word;
  }
  return unit;
}

bool may_stand_in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':';
}

Words words_of(std::string_view text) {
  Words words;
  bool in_word = false;
  for (const char c : text) {
    if (!may_stand_in_name(c)) {
      in_word = false;
      continue;
    }
    if (!std::exchange(in_word, true)) words.emplace_back();
    words.back() += c;
  }
  return words;
}

std::string joined(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : "_") + word;
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// A part of a unit as a word; none of an annotation in braces.
template <std::size_t size>
std::string unit_word(std::string_view part, const UnitWord (&words)[size]) {
  part = trimmed(part);
  if (part.find_first_of("{}") != std::string_view::npos) return "";
  return joined(words_of(word_of(part, words)));
}

struct UnitWords {
  std::string main;
  std::string per;
};

UnitWords both_words(std::string_view unit) {
  const auto slash = unit.find('/');
  UnitWords words;
  words.main = unit_word(unit.substr(0, slash), of_units);
  if (slash != std::string_view::npos) words.per = unit_word(unit.substr(slash + 1), of_denominators);
  return words;
}

bool has(const Words& words, std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); }

void move_to_end(Words& words, const std::string& word) {
  std::erase(words, word);
  words.push_back(word);
}

std::string with_suffixes(std::string_view name, std::string_view unit, Shows shows) {
  Words words = words_of(name);
  if (words.empty()) return "";
  const auto [main, per] = both_words(unit);
  if (!main.empty() && !has(words, main)) words.push_back(main);
  if (!per.empty() && !(has(words, "per") && has(words, per))) {
    words.push_back("per");
    words.push_back(per);
  }
  if (shows == Shows::counter) move_to_end(words, "total");
  if (shows == Shows::gauge && unit == "1") move_to_end(words, "ratio");
  return joined(words);
}

}  // namespace

std::string metric_name(std::string_view name, std::string_view unit, Shows shows, NameStyle style) {
  if (name.empty()) return "";
  const std::string words = style == NameStyle::prometheus ? with_suffixes(name, trimmed(unit), shows) : std::string(name);
  return mend_metric_name(words.empty() ? name : words);
}

std::string label_name(std::string_view attribute) {
  if (attribute.empty()) return "";
  std::string name;
  for (const char c : attribute) name += may_stand_in_name(c) && c != ':' ? c : '_';
  if (name.front() >= '0' && name.front() <= '9') return "key_" + name;
  // Names that begin with two are Prometheus's own.
  if (name.front() == '_') return "key" + name;
  return name;
}

std::string unit_words(std::string_view unit) {
  const auto [main, per] = both_words(trimmed(unit));
  if (per.empty()) return main;
  return main + (main.empty() ? "per_" : "_per_") + per;
}

Labels labels_of(std::vector<Label> attributes) {
  std::sort(attributes.begin(), attributes.end(), [](const Label& a, const Label& b) { return a.name < b.name; });
  std::vector<Label> labels;
  for (auto& [name, value] : attributes) {
    auto mended = label_name(name);
    if (mended.empty() || value.empty()) continue;
    const auto same = std::find_if(labels.begin(), labels.end(), [&](const Label& label) { return label.name == mended; });
    if (same == labels.end()) {
      labels.push_back({std::move(mended), std::move(value)});
    } else {
      same->value += ";" + value;
    }
  }
  return Labels(std::move(labels));
}

}  // namespace sidewatch::otlp
