#include "collectors/probe/expectations.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/http_answer.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t shown_bytes = 60;  // of a value that is not as expected

std::optional<int> number_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 100 || number > 599) return std::nullopt;
  return number;
}

std::string shown(std::string_view text) {
  std::string copy(text.substr(0, shown_bytes));
  std::replace_if(copy.begin(), copy.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return "'" + copy + (text.size() > shown_bytes ? "...'" : "'");
}

std::string number_text(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string text_of(const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::text: return std::string(value.text_or(""));
    case JsonValue::Kind::boolean: return value.boolean_or(false) ? "true" : "false";
    case JsonValue::Kind::number: return number_text(value.number_or(0));
    case JsonValue::Kind::null: return "null";
    case JsonValue::Kind::array: return "a list";
    case JsonValue::Kind::object: return "an object";
  }
  return "";
}

bool is_equal(const JsonValue& value, const std::string& wanted) {
  if (text_of(value) == wanted) return true;
  double number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  return value.kind() == JsonValue::Kind::number && error == std::errc() && end == wanted.data() + wanted.size() &&
         value.number_or(0) == number;
}

void judge_json(const ExpectedJson& expected, const JsonValue& root, Verdict& verdict) {
  const std::string& pointer = expected.pointer.value;
  const auto fail = [&](std::string text) {
    verdict.fail(Reason::body, "the value at '" + pointer + "' " + std::move(text));
  };
  const JsonValue* value = value_at(root, pointer);
  if (value == nullptr) return fail("is not in the answer");
  if (expected.equals && !is_equal(*value, expected.equals->value)) {
    return fail("is " + shown(text_of(*value)) + ", not '" + expected.equals->value + "'");
  }
  if (!expected.above && !expected.below) return;
  const double number = value->number_or(std::nan(""));
  if (std::isnan(number)) return fail("is not a number");
  if (expected.above && number <= *expected.above) {
    fail("is " + number_text(number) + ", not above " + number_text(*expected.above));
  }
  if (expected.below && number >= *expected.below) {
    fail("is " + number_text(number) + ", not below " + number_text(*expected.below));
  }
}

void judge_body(const Expectations& expected, const std::string& body, Verdict& verdict) {
  for (const auto& text : expected.body_contains) {
    if (body.find(text) == std::string::npos) verdict.fail(Reason::body, "the answer does not contain '" + text + "'");
  }
  bool regex = false;
  for (const auto& pattern : expected.body_matches) {
    if (pattern.partial_match(body)) continue;
    regex = true;
    verdict.fail(Reason::body, "nothing in the answer matches '" + pattern.pattern() + "'");
  }
  for (const auto& pattern : expected.body_not_matches) {
    if (!pattern.partial_match(body)) continue;
    regex = true;
    verdict.fail(Reason::body, "something in the answer matches '" + pattern.pattern() + "'");
  }
  const bool has_regex = !expected.body_matches.empty() || !expected.body_not_matches.empty();
  verdict.add_where(has_regex, failed_due_to_regex_metric, regex ? 1 : 0);
  if (expected.json.empty()) return;
  const auto root = JsonValue::parse(body, {.max_bytes = body.size()});  // which max_body bounds
  if (!root) return verdict.fail(Reason::body, "the answer is not JSON: " + root.error().what);
  for (const auto& one : expected.json) judge_json(one, *root, verdict);
}

void judge_headers(const Expectations& expected, const OutgoingResponse& response, Verdict& verdict) {
  if (response.cut && response.headers.size() >= HttpAnswer::max_headers && !expected.headers.empty()) {
    return verdict.fail(Reason::too_large, "the answer has more than " + std::to_string(HttpAnswer::max_headers) +
                                               " header fields: the others are not looked at");
  }
  for (const auto& wanted : expected.headers) {
    bool there = false;
    bool matches = false;
    for (const auto& [name, value] : response.headers) {
      if (strcasecmp(name.c_str(), wanted.name.c_str()) != 0) continue;
      there = true;
      matches = matches || wanted.matches.partial_match(value);
    }
    if (matches || (!there && wanted.missing_is_well)) continue;
    verdict.fail(Reason::header, there
                                     ? "header '" + wanted.name + "' does not match '" + wanted.matches.pattern() + "'"
                                     : "the answer has no header '" + wanted.name + "'");
  }
}

}  // namespace

const JsonValue* value_at(const JsonValue& root, std::string_view pointer) {
  const JsonValue* value = &root;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const auto end = std::min(pointer.find('/'), pointer.size());
    std::string step(pointer.substr(0, end));
    pointer.remove_prefix(end);
    for (const auto& [written, meant] : {std::pair{"~1", '/'}, std::pair{"~0", '~'}}) {
      for (std::size_t at = 0; (at = step.find(written, at)) != std::string::npos; ++at) step.replace(at, 2, 1, meant);
    }
    if (value->kind() == JsonValue::Kind::object && value->has(step)) {
      value = &(*value)[step];
      continue;
    }
    std::size_t index = 0;
    const auto [stop, error] = std::from_chars(step.data(), step.data() + step.size(), index);
    const bool number = error == std::errc() && stop == step.data() + step.size();
    if (value->kind() != JsonValue::Kind::array || !number || index >= value->items().size()) return nullptr;
    value = &value->items()[index];
  }
  return value;
}

std::optional<StatusRange> parse_status(std::string_view text) {
  if (text.size() == 3 && text.substr(1) == "xx" && text[0] >= '1' && text[0] <= '5') {
    const int low = (text[0] - '0') * 100;
    return StatusRange{low, low + 99};
  }
  const auto dash = text.find('-');
  const auto low = number_of(text.substr(0, dash));
  const auto high = dash == std::string_view::npos ? low : number_of(text.substr(dash + 1));
  if (!low || !high || *high < *low) return std::nullopt;
  return StatusRange{*low, *high};
}

bool Expectations::look_at_body() const {
  return !body_contains.empty() || !body_matches.empty() || !body_not_matches.empty() || !json.empty();
}

void judge(const Expectations& expected, const OutgoingResponse& response, double seconds, Verdict& verdict) {
  const bool well = std::any_of(expected.ranges.begin(), expected.ranges.end(), [&](const StatusRange& range) {
    return response.status >= range.low && response.status <= range.high;
  });
  if (!well) verdict.fail(Reason::status, "the status is " + std::to_string(response.status));
  judge_headers(expected, response, verdict);
  judge_body(expected, response.body, verdict);
  if (expected.within && seconds > to_seconds(*expected.within)) {
    verdict.fail(Reason::too_slow, "the answer takes longer than " + std::to_string(expected.within->count()) + " ms");
  }
}

void declare(config::Section& section, ExpectedJson& expected) {
  section.required("pointer", expected.pointer, "where the value stands, as RFC 6901 writes it: /checks/0/status");
  section.optional("equals", expected.equals, "what it has to be: a text, a number, true, false or null");
  section.optional("above", expected.above, "a number that it has to be above");
  section.optional("below", expected.below, "a number that it has to be below");
  if (section.describing()) return;
  const auto& pointer = expected.pointer.value;
  if (section.has("pointer") && !pointer.empty() && pointer.front() != '/') {
    section.problem("pointer", "a JSON pointer begins with a slash: /" + pointer);
  }
}

void declare(config::Section& section, ExpectedHeader& expected) {
  section.required("name", expected.name, "of the header, such as Content-Type");
  section.required("matches", expected.matches, "a regular expression that its value has to match somewhere");
  section.optional("allow_missing", expected.missing_is_well, "an answer without this header is as good");
}

void declare(config::Section& section, Expectations& expected) {
  section.optional("status", expected.status, "statuses that are well: 200, 2xx, 200-204; 2xx when absent");
  section.optional("body_contains", expected.body_contains, "texts, all of which the answer's body has to contain");
  section.optional("body_matches", expected.body_matches,
                   "regular expressions, all of which have to match in the body");
  section.optional("body_not_matches", expected.body_not_matches, "regular expressions of which none may match in it");
  section.list("headers", expected.headers, "headers of the answer");
  section.list("json", expected.json, "values in an answer that is JSON");
  section.optional("within", expected.within, "the longest that the whole may take; timeout gives up, this one judges",
                   config::between(1ms, 5min));
  if (section.describing() || !section.has("status")) return;
  expected.ranges.clear();
  if (expected.status.empty()) section.problem("status", "without a status no answer is well");
  for (const auto& text : expected.status) {
    if (const auto range = parse_status(text.value)) {
      expected.ranges.push_back(*range);
    } else {
      section.problem(text.mark, "'" + text.value + "' is not a status: write 200, 2xx or 200-204");
    }
  }
}

std::string fingerprint_of(const Expectations& expected) {
  std::string text;
  for (const auto& range : expected.ranges) text += std::to_string(range.low) + '-' + std::to_string(range.high) + ',';
  for (const auto& one : expected.body_contains) text += "\nc" + one;
  for (const auto& one : expected.body_matches) text += "\nm" + one.pattern();
  for (const auto& one : expected.body_not_matches) text += "\nn" + one.pattern();
  for (const auto& one : expected.headers) {
    text += "\nh" + one.name + ':' + one.matches.pattern() + (one.missing_is_well ? "?" : "!");
  }
  for (const auto& one : expected.json) {
    text += "\nj" + one.pointer.value + (one.equals ? '=' + one.equals->value : "");
    text += (one.above ? '>' + number_text(*one.above) : "") + (one.below ? '<' + number_text(*one.below) : "");
  }
  return text + '\n' + (expected.within ? std::to_string(expected.within->count()) : "");
}

}  // namespace sidewatch::probe
