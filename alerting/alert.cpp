// The identity of alerts and their text form.

#include "alerting/alert.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace sidewatch {
namespace {

constexpr std::string_view version = "1";

// '%', '=' and what would break a line, as %XX.
std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    if (c != '%' && c != '=' && c != '\n' && c != '\r' && c != '\0') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    const std::string_view hex = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), byte, 16);
    if (hex.size() != 2 || error != std::errc() || end != hex.data() + 2) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

template <class Number>
std::string digits_of(Number number) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end.ptr};
}

// Visits every field by name; writing and reading are the two visitors, so they cannot disagree.
template <class AlertType, class Visitor>
void visit_fields(AlertType& alert, Visitor& visit) {
  auto& state = alert.state;
  auto& contact = alert.contact;
  visit("key", alert.key);
  visit("rule", alert.rule);
  visit("name", alert.name);
  visit("entity.", alert.entity);
  visit("sample.", alert.sample);
  visit("fingerprint", alert.fingerprint);
  visit("rule_changed", alert.rule_changed);
  visit("level", state.level);
  visit("worst", state.worst);
  visit("warning.reached", state.warning.reached);
  visit("warning.left", state.warning.left);
  visit("warning.breaches", state.warning.breaches);
  visit("critical.reached", state.critical.reached);
  visit("critical.left", state.critical.left);
  visit("critical.breaches", state.critical.breaches);
  visit("unknown_since", state.unknown_since);
  visit("no_data", state.no_data);
  visit("active_since", state.active_since);
  visit("fired_at", state.fired_at);
  visit("sampled", state.sampled);
  visit("value", state.value);
  visit("peak", state.peak);
  visit("told", contact.told);
  visit("last_problem_level", contact.last_problem_level);
  visit("last_problem", contact.last_problem);
  visit("level_before", contact.level_before);
  visit("problem_before", contact.problem_before);
  visit("waiting", contact.waiting);
  visit("suppressed", contact.suppressed);
  visit("messages", contact.messages);
  visit("told_label.", alert.told_labels);
  visit("started_wall_ms", alert.started_wall_ms);
}

class Writer {
 public:
  std::string text = "version=" + std::string(version) + "\n";

  void operator()(std::string_view name, const std::string& value) { if (!value.empty()) line(name, escaped(value)); }
  void operator()(std::string_view name, bool value) { if (value) line(name, "1"); }
  void operator()(std::string_view name, double value) { line(name, digits_of(value)); }
  void operator()(std::string_view name, std::int64_t value) { if (value != 0) line(name, digits_of(value)); }
  void operator()(std::string_view name, std::uint64_t value) { if (value != 0) line(name, digits_of(value)); }
  void operator()(std::string_view name, const std::optional<Time>& time) {
    if (time) line(name, digits_of(to_ms(*time)));
  }
  void operator()(std::string_view name, Level level) { if (level != Level::ok) line(name, to_string(level)); }
  void operator()(std::string_view name, const std::optional<Suppression>& why) {
    if (why) line(name, to_string(*why));
  }
  void operator()(std::string_view prefix, const Labels& labels) {
    for (const auto& label : labels) line(std::string(prefix) + escaped(label.name), escaped(label.value));
  }

 private:
  void line(std::string_view name, std::string_view value) {
    text.append(name).append("=").append(value).append("\n");
  }
};

class Reader {
 public:
  explicit Reader(std::map<std::string, std::string> fields) : fields_(std::move(fields)) {}

  std::string bad_field;  // the first that could not be read; empty: none

  void operator()(std::string_view name, std::string& value) {
    if (const auto* text = find(name)) value = *text;
  }
  void operator()(std::string_view name, bool& value) {
    const auto* text = find(name);
    if (text == nullptr) return;
    if (*text != "1") return bad(name);
    value = true;
  }
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void operator()(std::string_view name, Number& value) {
    const auto* text = find(name);
    if (text == nullptr) return;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || end != text->data() + text->size()) bad(name);
  }
  void operator()(std::string_view name, std::optional<Time>& time) {
    if (find(name) == nullptr) return;
    std::int64_t ms = 0;
    (*this)(name, ms);
    constexpr std::int64_t most = std::int64_t{1} << 52;  // far beyond any date, and no sum of two overflows
    if (ms < -most || ms > most) return bad(name);
    time = time_at_ms(ms);
  }
  void operator()(std::string_view name, Level& level) {
    word(name, level, {Level::ok, Level::warning, Level::critical});
  }
  void operator()(std::string_view name, std::optional<Suppression>& why) {
    if (find(name) == nullptr) return;
    Suppression value{};
    word(name, value, {Suppression::cooldown, Suppression::no_receiver});
    why = value;
  }
  void operator()(std::string_view prefix, Labels& labels) {
    std::vector<Label> found;
    for (auto it = fields_.lower_bound(std::string(prefix)); it != fields_.end() && it->first.starts_with(prefix);
         ++it) {
      found.push_back({it->first.substr(prefix.size()), it->second});
    }
    labels = Labels(std::move(found));
  }

 private:
  const std::string* find(std::string_view name) const {
    const auto found = fields_.find(std::string(name));
    return found == fields_.end() ? nullptr : &found->second;
  }
  void bad(std::string_view name) {
    if (bad_field.empty()) bad_field = name;
  }
  template <class E>
  void word(std::string_view name, E& value, std::initializer_list<E> known) {
    const auto* text = find(name);
    if (text == nullptr) return;
    for (const E candidate : known) {
      if (to_string(candidate) == *text) return void(value = candidate);
    }
    bad(name);
  }

  std::map<std::string, std::string> fields_;
};

Result<std::map<std::string, std::string>> fields_of(std::string_view text) {
  std::map<std::string, std::string> fields;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return Error{"the saved alert is cut off", ""};
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return Error{"the saved alert has a line without '='", ""};
    auto name = unescaped(line.substr(0, equals));
    auto value = unescaped(line.substr(equals + 1));
    if (!name || !value) return Error{"the saved alert has a broken %XX", ""};
    fields.emplace(std::move(*name), std::move(*value));
  }
  return fields;
}

bool same_number(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

std::uint64_t stable_hash(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t prime = 0x100000001b3U;
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * prime;
  return seed;
}

std::string to_hex(std::uint64_t number) {
  std::string hex(16, '0');
  for (std::size_t i = 16; i-- > 0; number >>= 4U) hex[i] = "0123456789abcdef"[number & 15U];
  return hex;
}

std::string alert_key(std::string_view rule, const Labels& entity) {
  constexpr std::string_view separator("\xff", 1);  // in no UTF-8 text
  std::uint64_t hash = stable_hash(rule);
  for (const auto& label : entity) {
    for (const std::string_view part :
         {separator, std::string_view(label.name), separator, std::string_view(label.value)}) {
      hash = stable_hash(part, hash);
    }
  }
  return to_hex(hash);
}

std::string Alert::incident() const {
  return !state.fired_at ? "" : key + "-" + to_hex(static_cast<std::uint64_t>(started_wall_ms)).substr(4);
}

std::string encode(const Alert& alert) {
  Writer writer;
  visit_fields(alert, writer);
  return std::move(writer.text);
}

Result<Alert> decode_alert(std::string_view text) {
  auto fields = fields_of(text);
  if (!fields) return fields.error();
  const auto written = fields->find("version");
  if (written == fields->end()) return Error{"this is not a saved alert", ""};
  if (written->second != version) {
    return Error{"the saved alert is of the unknown version '" + written->second + "'", ""};
  }
  Reader reader(std::move(*fields));
  Alert alert;
  visit_fields(alert, reader);
  if (!reader.bad_field.empty()) {
    return Error{"the saved alert has a '" + reader.bad_field + "' that cannot be read", ""};
  }
  if (alert.rule.empty()) return Error{"the saved alert names no rule", ""};
  if (alert.key != alert_key(alert.rule, alert.entity)) return Error{"the saved alert's key and labels disagree", ""};
  return alert;
}

std::optional<Time> newest_time(const Alert& alert) {
  const AlertState& s = alert.state;
  return std::max({s.warning.reached, s.warning.left, s.critical.reached, s.critical.left, s.unknown_since,
                   s.active_since, s.fired_at, s.sampled, alert.contact.last_problem});
}

bool differs_durably(const AlertState& a, const AlertState& b) {
  const auto durable = [](const AlertState& s) {
    return std::tie(s.level, s.worst, s.warning, s.critical, s.unknown_since, s.no_data, s.active_since, s.fired_at);
  };
  const bool counting = (b.warning.breaches | b.critical.breaches) != 0;
  return durable(a) != durable(b) || !same_number(a.peak, b.peak) || (counting && a.sampled != b.sampled);
}

}  // namespace sidewatch
