#include "collectors/statsd/line.h"

#include <charconv>
#include <cmath>

namespace sidewatch::statsd {
namespace {

constexpr double lowest_rate = 1e-9;  // one line for a thousand million

// Takes what stands before the next `separator` (or all) off the front of `text`.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

template <class Number>
std::optional<Number> whole(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> number_in(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto number = whole<double>(text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  return number;
}

// One section behind the type. False when it is wrong.
bool read_section(std::string_view section, Line& line) {
  if (section.starts_with('#')) {
    line.tags = section.substr(1);
  } else if (section.starts_with('@')) {
    const auto rate = number_in(section.substr(1));
    if (!rate || *rate < lowest_rate || *rate > 1) return false;
    line.rate = *rate;
  } else if (section.starts_with('T')) {
    line.unix_seconds = whole<std::int64_t>(section.substr(1));
    if (!line.unix_seconds) ++line.unknown_sections;
  } else if (!section.starts_with("c:") && !section.starts_with("e:") && !section.starts_with("card:")) {
    ++line.unknown_sections;  // container, external data and cardinality are known, and of no use here
  }
  return true;
}

}  // namespace

std::string_view to_string(LineError error) {
  switch (error) {
    case LineError::no_value: return "no_value";
    case LineError::no_type: return "no_type";
    case LineError::unknown_type: return "unknown_type";
    case LineError::bad_rate: return "bad_rate";
    case LineError::bad_number: return "bad_number";
    case LineError::bad_event: return "bad_event";
    case LineError::bad_check: return "bad_check";
    case LineError::negative_counter: return "negative_counter";
    case LineError::type_conflict: return "type_conflict";
    case LineError::reserved_name: return "reserved_name";
    case LineError::mixed_tags: return "mixed_tags";
    case LineError::count: break;
  }
  return "";
}

std::optional<LineError> parse_line(std::string_view text, Line& line) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end && *at != ':' && *at != '|') ++at;
  if (at == end || *at == '|' || at == text.data()) return LineError::no_value;
  line.name = {text.data(), static_cast<std::size_t>(at - text.data())};
  const char* const values = ++at;
  while (at != end && *at != '|') ++at;
  if (at == end) return LineError::no_type;
  if (at == values) return LineError::no_value;
  line.values = {values, static_cast<std::size_t>(at - values)};
  if (++at == end) return LineError::unknown_type;
  switch (*at++) {
    case 'c': line.kind = Kind::counter; break;
    case 'g': line.kind = Kind::gauge; break;
    case 'h': line.kind = Kind::histogram; break;
    case 'd': line.kind = Kind::distribution; break;
    case 's': line.kind = Kind::set; break;
    case 'm':
      line.kind = Kind::timer;
      if (at != end && *at++ == 's') break;
      return LineError::unknown_type;
    default: return LineError::unknown_type;
  }
  if (at != end && *at++ != '|') return LineError::unknown_type;
  line.rate = 1;
  line.tags = {};
  line.unix_seconds.reset();
  line.unknown_sections = 0;
  for (std::string_view rest(at, static_cast<std::size_t>(end - at)); !rest.empty();) {
    if (!read_section(take_until(rest, '|'), line)) return LineError::bad_rate;
  }
  return std::nullopt;
}

std::optional<double> take_number(std::string_view& values) {
  const auto text = take_until(values, ':');
  constexpr std::size_t few = 9;  // digits that cannot overflow
  if (!text.empty() && text.size() <= few) {
    std::uint32_t number = 0;
    std::size_t i = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
      number = number * 10 + static_cast<std::uint32_t>(text[i] - '0');
    }
    if (i == text.size()) return number;
  }
  return number_in(text);
}

std::variant<Event, LineError> parse_event(std::string_view text) {
  text.remove_prefix(3);
  const auto lengths = text.substr(0, text.find('}'));
  const auto comma = lengths.find(',');
  if (lengths.size() == text.size() || comma == std::string_view::npos) return LineError::bad_event;
  const auto title = whole<std::size_t>(lengths.substr(0, comma));
  const auto body = whole<std::size_t>(lengths.substr(comma + 1));
  text.remove_prefix(lengths.size() + 1);
  if (!title || !body || *title == 0 || !text.starts_with(':')) return LineError::bad_event;
  text.remove_prefix(1);
  if (*title >= text.size() || text[*title] != '|' || *body > text.size() - *title - 1) return LineError::bad_event;
  Event event;
  event.title = text.substr(0, *title);
  event.text = text.substr(*title + 1, *body);
  text.remove_prefix(*title + 1 + *body);
  if (!text.empty() && text.front() != '|') return LineError::bad_event;
  if (!text.empty()) text.remove_prefix(1);
  while (!text.empty()) {
    const auto field = take_until(text, '|');
    if (field.starts_with("p:")) event.priority = field.substr(2);
    if (field.starts_with("t:")) event.type = field.substr(2);
    if (field.starts_with("k:")) event.key = field.substr(2);
    if (field.starts_with("s:")) event.source = field.substr(2);
    if (field.starts_with('#')) event.tags = field.substr(1);
  }
  return event;
}

std::string_view known_type(std::string_view type) {
  for (const std::string_view known : {"error", "warning", "info", "success"}) {
    if (type == known) return known;
  }
  return "other";
}

std::string_view known_priority(std::string_view priority) { return priority == "low" ? "low" : "normal"; }

std::variant<ServiceCheck, LineError> parse_service_check(std::string_view text) {
  text.remove_prefix(4);
  ServiceCheck check;
  check.name = take_until(text, '|');
  const auto status = whole<int>(take_until(text, '|'));
  if (check.name.empty() || !status || *status < 0 || *status > 3) return LineError::bad_check;
  check.status = *status;
  while (!text.empty()) {
    if (text.starts_with("m:")) {  // the last: it may have bars of its own
      check.message = text.substr(2);
      break;
    }
    const auto field = take_until(text, '|');
    if (field.starts_with('#')) check.tags = field.substr(1);
  }
  return check;
}

bool TagReader::next(std::string_view& name, std::string_view& value) {
  while (!rest_.empty()) {
    const auto tag = take_until(rest_, ',');
    const auto colon = tag.find(':');
    name = tag.substr(0, colon);
    value = colon == std::string_view::npos ? std::string_view() : tag.substr(colon + 1);
    if (!name.empty()) return true;
  }
  return false;
}

}  // namespace sidewatch::statsd
