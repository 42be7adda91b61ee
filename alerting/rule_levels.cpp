// Reading levels; see rule_levels.h.

#include "alerting/rule_levels.h"

#include <cstdint>
#include <utility>

#include "config/literals.h"

namespace sidewatch {
namespace {

using config::Located;
using config::Section;

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

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

std::string clear_problem(const Threshold& threshold) {
  const int up = direction(threshold.comparison);
  const std::string entered = "the level is entered at " + quoted(to_string(threshold));
  if (up == 0) return entered + ", which has no clear value: it is left at every value that is not that";
  const double clear = *threshold.clear;
  if ((up > 0 && clear <= threshold.bound) || (up < 0 && clear >= threshold.bound)) return "";
  return entered + " but left only at " + config::write_number(clear) + ": clear must be " +
         config::write_number(threshold.bound) + (up > 0 ? " or less" : " or more");
}

void check_order(Section& section, std::string_view key, const Threshold& warning, const Threshold& critical) {
  const auto say = [&](const std::string& text) { section.problem(key, text); };
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

// `clear` beside the levels is of the lowest one that is given.
void read_clear(Section& section, LevelsText& text) {
  auto& lowest = text.warning ? text.warning : text.critical;
  if (!lowest || !text.clear) return;
  if (lowest->threshold.clear) section.problem("clear", "the level has a clear value of its own; leave one of them out");
  lowest->threshold.clear = text.clear;
  lowest->clear_mark = section.mark("clear");
}

void check_clear(Section& section, const LevelText& level) {
  if (!level.threshold.clear || !level.sound) return;
  if (auto problem = clear_problem(level.threshold); !problem.empty()) {
    section.problem(level.clear_mark, std::move(problem));
  }
}

}  // namespace

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
  } else if (*duration > max_rule_delay) {
    problem = quoted(text.value) + " is too long; at most " + config::write_duration(max_rule_delay);
  } else {
    hold.hold.duration = *duration;
  }
  return problem.empty();
}

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

void declare_levels(Section& section, LevelsText& text) {
  section.shorthand_or_section("warning", text.warning,
                               "when it is a warning: \"> 80\", \"<= 10GiB\", or {above: 80, clear: 75}");
  section.shorthand_or_section("critical", text.critical, "when it is critical, likewise");
  section.optional("clear", text.clear,
                   "the value at which the lowest level is left again, so that a value near the bound does not flap; "
                   "default: where it is entered");
  section.shorthand_or_section("for", text.hold,
                               "how long a level must be reached before the alert fires, as in 30s, or over how many "
                               "samples: {at_least: 3, of: 5}; default: at once");
}

void read_levels(Section& section, LevelsText& text, Policy& policy) {
  read_clear(section, text);
  const auto take = [&](const std::optional<LevelText>& level, std::optional<LevelPolicy>& out) {
    if (!level) return;
    out = LevelPolicy{level->threshold, level->hold.value_or(text.hold.value_or(HoldText{})).hold};
    check_clear(section, *level);
  };
  take(text.warning, policy.warning);
  take(text.critical, policy.critical);
  if (text.warning && text.critical && text.warning->sound && text.critical->sound) {
    check_order(section, "critical", text.warning->threshold, text.critical->threshold);
  }
}

void change_levels(Section& section, LevelsText& text, Policy& policy) {
  if (text.clear && !text.warning && !text.critical) {
    section.problem("clear", "a clear value belongs to a level; write the level as well, as in warning: {above: 80, clear: 75}");
  }
  read_clear(section, text);
  const Hold present = policy.warning ? policy.warning->hold : policy.critical ? policy.critical->hold : Hold{};
  const auto take = [&](const std::optional<LevelText>& level, std::optional<LevelPolicy>& out) {
    if (text.hold && out) out->hold = text.hold->hold;
    if (!level) return;
    const Hold inherited = text.hold ? text.hold->hold : out ? out->hold : present;
    out = LevelPolicy{level->threshold, level->hold ? level->hold->hold : inherited};
    check_clear(section, *level);
  };
  take(text.warning, policy.warning);
  take(text.critical, policy.critical);
  const bool sound = (!text.warning || text.warning->sound) && (!text.critical || text.critical->sound);
  if ((text.warning || text.critical) && sound && policy.warning && policy.critical) {
    check_order(section, text.critical ? "critical" : "warning", policy.warning->threshold, policy.critical->threshold);
  }
}

}  // namespace sidewatch
