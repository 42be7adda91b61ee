// The levels of a rule as they are written: `warning`, `critical`, `clear` and `for`, and what they must agree about.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "alerting/policy/state.h"
#include "alerting/rule.h"
#include "config/section.h"

namespace sidewatch {

// `for`, as written: a duration, or a mapping.
struct HoldText {
  Hold hold;
};
void declare(config::Section& section, HoldText& text);
bool read_shorthand(const config::Located<std::string>& text, HoldText& hold, std::string& problem);

// One of `warning` and `critical`, as written.
struct LevelText {
  Threshold threshold;
  std::optional<HoldText> hold;
  config::Mark clear_mark;
  bool sound = true;  // false: its bound is a problem already, and nothing follows from it
};
void declare(config::Section& section, LevelText& level);
bool read_shorthand(const config::Located<std::string>& text, LevelText& level, std::string& problem);

struct LevelsText {
  std::optional<LevelText> warning;
  std::optional<LevelText> critical;
  std::optional<double> clear;
  std::optional<HoldText> hold;
};

// Declares the keys of all of them.
void declare_levels(config::Section& section, LevelsText& text);

// Checks a rule's levels and puts them into its policy; there is at least one.
void read_levels(config::Section& section, LevelsText& text, Policy& policy);

// The same for levels of which only some are given, to a policy that has its own: `for` then goes for both levels.
void change_levels(config::Section& section, LevelsText& text, Policy& policy);

inline constexpr Duration max_rule_delay = std::chrono::hours(24 * 365);  // of every duration in a rule

}  // namespace sidewatch
