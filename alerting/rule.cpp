// Reading rules: what a person writes, checked until nothing about it can go wrong while it runs.

#include "alerting/rule.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <set>
#include <string_view>

#include "alerting/alert.h"
#include "config/literals.h"
#include "metrics/promql/ast.h"

namespace sidewatch {
namespace {

using config::Located;
using config::Section;
using std::chrono::hours;

constexpr Duration max_delay = hours(24 * 365);  // of every duration in a rule
constexpr std::size_t max_name_bytes = 200;
const config::Between<Duration> delay_range = config::between(Duration(0), Duration(max_delay));

// `for`, as written: a duration, or a mapping.
struct HoldText {
  Hold hold;
};

// One of `warning` and `critical`, as written.
struct LevelText {
  Threshold threshold;
  std::optional<HoldText> hold;
  config::Mark clear_mark;
  bool sound = true;  // false: its bound is a problem already, and nothing follows from it
};

// Everything of a rule that is checked once all of it is read.
struct RuleText {
  Located<std::string> expr;
  std::optional<LevelText> warning;
  std::optional<LevelText> critical;
  std::optional<double> clear;
  std::optional<HoldText> hold;
  std::map<std::string, Located<std::string>> labels;
  std::optional<Located<std::string>> summary;
  std::optional<Located<std::string>> description;
};

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// The place of an error inside a scalar: `where` is "line:column" in its text. What came out of ${...} has no place.
config::Mark inside(const Located<std::string>& text, std::string_view where) {
  int line = 0;
  int column = 0;
  const char* end = where.data() + where.size();
  const auto first = std::from_chars(where.data(), end, line);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return text.mark;
  if (std::from_chars(first.ptr + 1, end, column).ec != std::errc()) return text.mark;
  return config::place_in(text, line, column);
}

// "line:column" of a byte offset in `text`.
std::string place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::string_view line = lines == 0 ? before : before.substr(before.rfind('\n') + 1);
  const auto columns = std::count_if(line.begin(), line.end(),
                                     [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  return std::to_string(lines + 1) + ":" + std::to_string(columns + 1);
}

// --- for ---

void declare(Section& section, HoldText& text) {
  std::int64_t at_least = 0;
  std::int64_t of = 0;
  const auto range = config::between(std::int64_t{1}, std::int64_t{max_hold_samples});
  section.required("at_least", at_least, "how many of the last samples must be at the level", range);
  section.required("of", of, "how many of the last samples are looked at", range);
  if (at_least > of && of > 0) {
    section.problem("at_least", "at_least is " + std::to_string(at_least) + " of only " + std::to_string(of) +
                                    " samples; it can be at most that many");
  }
  text.hold.at_least = static_cast<unsigned>(at_least);
  text.hold.of = static_cast<unsigned>(of);
}

bool read_shorthand(const Located<std::string>& text, HoldText& hold, std::string& problem) {
  const auto duration = config::parse_duration(text.value);
  if (!duration) {
    problem = duration.error().what;
  } else if (*duration > max_delay) {
    problem = quoted(text.value) + " is too long; at most " + config::write_duration(max_delay);
  } else {
    hold.hold.duration = *duration;
  }
  return problem.empty();
}

// --- warning, critical ---

struct Bound {
  std::string_view key;
  Comparison comparison;
  std::string_view help;
};
constexpr Bound bounds[] = {
    {"above", Comparison::greater, "the level is entered above this value"},
    {"at_least", Comparison::greater_or_equal, "the level is entered at this value or above"},
    {"below", Comparison::less, "the level is entered below this value"},
    {"at_most", Comparison::less_or_equal, "the level is entered at this value or below"},
    {"equal", Comparison::equal, "the level is entered at exactly this value"},
    {"not_equal", Comparison::not_equal, "the level is entered at every other value"},
};

void declare(Section& section, LevelText& level) {
  std::size_t given = 0;
  bool read = false;
  for (const auto& [key, comparison, help] : bounds) {
    std::optional<double> bound;
    section.optional(key, bound, help);
    if (!section.has(key)) continue;
    if (++given > 1) section.problem(key, "a level has one bound; leave out all of above, below, ... but one");
    level.threshold.comparison = comparison;
    level.threshold.bound = bound.value_or(0);
    read = bound.has_value();
  }
  section.optional("clear", level.threshold.clear, "the level is left at this value; default: where it is entered");
  section.shorthand_or_section("for", level.hold,
                               "how long, or over how many samples, this level must be reached; default: the rule's "
                               "`for`");
  level.clear_mark = section.mark("clear");
  level.sound = given == 1 && read;
  if (given == 0 && !section.describing()) {
    section.problem(section.mark(), "the level has no bound; write for instance {above: 80}, or \"> 80\"");
  }
}

bool read_shorthand(const Located<std::string>& text, LevelText& level, std::string& problem) {
  const auto threshold = parse_threshold(text.value);
  if (threshold) {
    level.threshold = *threshold;
  } else {
    problem = threshold.error().what;
  }
  return static_cast<bool>(threshold);
}

std::string clear_problem(const Threshold& threshold) {
  const int up = direction(threshold.comparison);
  const std::string entered = "the level is entered at " + quoted(to_string(threshold));
  if (up == 0) return entered + ", which has no clear value: it is left at every value that is not that";
  const double clear = *threshold.clear;
  if ((up > 0 && clear <= threshold.bound) || (up < 0 && clear >= threshold.bound)) return "";
  return entered + " but left only at " + config::write_number(clear) + ": clear must be " +
         config::write_number(threshold.bound) + (up > 0 ? " or less" : " or more");
}

void check_order(Section& section, const Threshold& warning, const Threshold& critical) {
  const auto say = [&](const std::string& text) { section.problem("critical", text); };
  const int up = direction(warning.comparison);
  const std::string both = "critical " + quoted(to_string(critical)) + " and warning " + quoted(to_string(warning));
  if (warning.comparison == critical.comparison && warning.bound == critical.bound) {
    return say(both + " are the same; critical could never be told from warning");
  }
  if (up == 0 || direction(critical.comparison) == 0) return;
  if (up != direction(critical.comparison)) {
    return say(both + " look in opposite directions; write two rules for the two sides");
  }
  const double further = up > 0 ? critical.bound - warning.bound : warning.bound - critical.bound;
  if (further > 0) return;
  if (further == 0) {
    return say(both + " have the same bound; critical must be " + (up > 0 ? "above" : "below") + " warning");
  }
  say(both + " are the wrong way round: critical must be " + (up > 0 ? "above" : "below") + " warning");
}

void read_levels(Section& section, RuleText& text, Rule& rule) {
  if (!section.has("warning") && !section.has("critical")) {
    section.problem(section.mark(), "the rule has neither warning nor critical; write for instance warning: \"> 80\"");
  }
  auto& lowest = text.warning ? text.warning : text.critical;
  if (lowest && text.clear) {
    if (lowest->threshold.clear) {
      section.problem("clear", "the level has a clear value of its own; leave one of them out");
    }
    lowest->threshold.clear = text.clear;
    lowest->clear_mark = section.mark("clear");
  }
  const auto take = [&](const std::optional<LevelText>& level, std::optional<LevelPolicy>& out) {
    if (!level) return;
    out = LevelPolicy{level->threshold, level->hold.value_or(text.hold.value_or(HoldText{})).hold};
    if (!level->threshold.clear || !level->sound) return;
    if (auto problem = clear_problem(level->threshold); !problem.empty()) {
      section.problem(level->clear_mark, std::move(problem));
    }
  };
  take(text.warning, rule.policy.warning);
  take(text.critical, rule.policy.critical);
  if (text.warning && text.critical && text.warning->sound && text.critical->sound) {
    check_order(section, text.warning->threshold, text.critical->threshold);
  }
}

// --- expr ---

// A comparison at the top gives a value only while it holds: the alert would never see that the problem is over.
void check_not_filtering(Section& section, const Located<std::string>& text, const Rule& rule) {
  const auto& root = promql::without_parentheses(rule.expr->root());
  const auto* binary = std::get_if<promql::Binary>(&root.kind);
  if (binary == nullptr || !promql::is_comparison(binary->op) || binary->returns_bool) return;
  if (rule.policy.no_data == NoData::ok) return;
  section.problem(inside(text, place_of(text.value, binary->operator_offset)),
                  "the expression has a value only while the comparison holds, so its alert could not see that the "
                  "problem is over; leave the comparison out here and write it under warning or critical (or set "
                  "no_data: ok)");
}

void read_expression(Section& section, const Located<std::string>& text, Rule& rule) {
  if (text.value.empty()) {
    if (text.mark.line != 0) section.problem(text.mark, "expr is empty; it is the value to judge, as PromQL");
    return;  // missing: reported already
  }
  auto expression = promql::Expression::parse(text.value);
  if (!expression) {
    const std::string& what = expression.error().what;
    const bool lacks_range = what.starts_with("expected type range vector");
    section.problem(inside(text, expression.error().where),
                    "expr: " + what + (lacks_range ? "; say how far to look back, as in NAME[5m]" : ""));
    return;
  }
  rule.expr = std::move(*expression);
  const auto type = rule.expr->type();
  if (type == promql::ValueType::matrix || type == promql::ValueType::string) {
    section.problem(text.mark, "expr must give one value per entity, but this is a " +
                                   std::string(promql::to_string(type)));
    return;
  }
  check_not_filtering(section, text, rule);
}

// --- texts ---

Template read_template(Section& section, const Located<std::string>& text) {
  auto parsed = Template::parse(text.value);
  if (parsed) return std::move(*parsed);
  section.problem(inside(text, parsed.error().where), "template: " + parsed.error().what);
  return {};
}

bool legal_label_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void read_texts(Section& section, const RuleText& text, Rule& rule) {
  for (const auto& [name, value] : text.labels) {
    if (!legal_label_name(name)) {
      section.problem(value.mark, quoted(name) + " is not a label name; letters, digits and '_', no digit first");
    } else if (name == "alertname" || name.starts_with("__")) {
      section.problem(value.mark, "the label " + quoted(name) + " is set by sidewatch itself");
    }
    rule.labels.emplace_back(name, read_template(section, value));
  }
  if (text.summary) rule.summary = read_template(section, *text.summary);
  if (text.description) rule.description = read_template(section, *text.description);
}

void read_name(Section& section, const Located<std::string>& name, Rule& rule) {
  rule.name = name.value;
  rule.mark = section.mark("alert");
  if (section.has("alert") && name.value.empty()) section.problem("alert", "the name is empty");
  if (name.value.size() > max_name_bytes) section.problem("alert", "the name is longer than 200 bytes");
}

void declare_fields(Section& section, Located<std::string>& name, RuleText& text, Rule& rule) {
  Policy& policy = rule.policy;
  section.required("alert", name, "the rule's name, unique; it becomes the label `alertname`");
  section.required("expr", text.expr,
                   "the value that is judged, as PromQL over the agent's own samples, without a comparison");
  section.shorthand_or_section("warning", text.warning,
                               "when it is a warning: \"> 80\", \"<= 10GiB\", or {above: 80, clear: 75}");
  section.shorthand_or_section("critical", text.critical, "when it is critical, likewise");
  section.optional("clear", text.clear,
                   "the value at which the lowest level is left again, so that a value near the bound does not flap; "
                   "default: where it is entered");
  section.shorthand_or_section("for", text.hold,
                               "how long a level must be reached before the alert fires, as in 30s, or over how many "
                               "samples: {at_least: 3, of: 5}; default: at once");
  section.optional("keep_firing_for", policy.keep_firing_for,
                   "how long the value must be clear before the alert resolves", delay_range);
  section.optional("cooldown", rule.cooldown,
                   "least time between two problem messages of one alert, also when it resolves and fires again in "
                   "between", delay_range);
  section.choice(
      "no_data", policy.no_data,
      {{"keep", NoData::keep}, {"ok", NoData::ok}, {"warning", NoData::warning}, {"critical", NoData::critical}},
      "what a series counts as that has had no data for no_data_after: its last level (keep), ok, warning or "
      "critical");
  section.optional("no_data_after", policy.no_data_after,
                   "how long data must be missing before no_data applies", delay_range);
  section.optional("labels", text.labels, "labels added to the alert, as in {team: payments}; templates");
  section.optional("summary", text.summary, "one line about the alert; a template, such as \"{{ $labels.mountpoint "
                   "}} is {{ $value | humanize }} % full\"");
  section.optional("description", text.description, "more about the alert, such as what to do; a template");
}

std::string describe(const std::optional<LevelPolicy>& level) {
  if (!level) return "-";
  const auto& [threshold, hold] = *level;
  return to_string(threshold) + "/" + (threshold.clear ? config::write_number(*threshold.clear) : "-") + "/" +
         std::to_string(hold.duration.count()) + "/" + std::to_string(hold.at_least) + "/" + std::to_string(hold.of);
}

std::string place(const config::Mark& mark) {
  if (mark.line == 0) return mark.file;
  return mark.file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

}  // namespace

std::string Rule::fingerprint() const {
  const std::string meaning = (expr ? expr->text() : "") + "\n" + describe(policy.warning) + "\n" +
                              describe(policy.critical) + "\n" + std::to_string(policy.keep_firing_for.count()) + "\n" +
                              std::string(to_string(policy.no_data)) + "\n" +
                              std::to_string(policy.no_data_after.count());
  return to_hex(stable_hash(meaning));
}

void declare(Section& section, Rule& rule) {
  Located<std::string> name;
  RuleText text;
  declare_fields(section, name, text, rule);
  if (section.describing()) return;
  read_name(section, name, rule);
  read_expression(section, text.expr, rule);
  read_levels(section, text, rule);
  read_texts(section, text, rule);
}

void configure_rules(Section& top, std::vector<Rule>& rules) {
  std::map<std::string, config::Mark> places;
  for (const Rule& rule : rules) places.emplace(rule.name, rule.mark);
  std::vector<Rule> added;
  top.list("rules", added, "what is an alert, and when");
  for (Rule& rule : added) {
    const auto [first, is_new] = places.emplace(rule.name, rule.mark);
    if (!is_new && !rule.name.empty()) {
      top.problem(rule.mark, "the rule " + quoted(rule.name) + " is already defined at " + place(first->second));
    }
    rules.push_back(std::move(rule));
  }
}

void add_builtin_rules(std::vector<Rule>& rules) {
  std::set<std::string, std::less<>> taken;
  for (const Rule& rule : rules) taken.insert(rule.name);
  for (Rule& rule : builtin_rules()) {
    if (!taken.contains(rule.name)) rules.push_back(std::move(rule));
  }
}

}  // namespace sidewatch
