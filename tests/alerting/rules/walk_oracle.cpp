// Everything from the history; see walk_oracle.h.

#include "tests/alerting/rules/walk_oracle.h"

#include <algorithm>
#include <cmath>

namespace sidewatch {

Oracle::Oracle(Policy policy, Duration cooldown, std::vector<Seen> history)
    : policy_(std::move(policy)), cooldown_(cooldown), history_(std::move(history)) {
  for (std::size_t step = 0; step < history_.size(); ++step) {
    judge_step(step);
    tell_step(step);
  }
}

Duration Oracle::unknown_for(std::size_t step) const {
  std::size_t first = step;
  while (first > 0 && std::isnan(history_[first - 1].value)) --first;
  return history_[step].at - history_[first].at;
}

Level Oracle::rank_of_value(std::size_t step) const {
  const double value = history_[step].value;
  const auto is_at = [&](const std::optional<LevelPolicy>& level, Level which) {
    if (!level) return false;
    Threshold threshold = level->threshold;
    if (held_before(step, which) && threshold.clear) threshold.bound = *threshold.clear;
    return threshold.comparison == Comparison::greater ? value > threshold.bound : value < threshold.bound;
  };
  if (is_at(policy_.critical, Level::critical)) return Level::critical;
  return is_at(policy_.warning, Level::warning) ? Level::warning : Level::ok;
}

Hold Oracle::hold(Level level) const {
  if (level == Level::critical) return policy_.critical ? policy_.critical->hold : Hold{};
  return policy_.warning ? policy_.warning->hold : policy_.critical->hold;
}

std::optional<std::size_t> Oracle::run_start(std::size_t step, Level level, bool at_level) const {
  std::optional<std::size_t> start;
  for (std::size_t i = step + 1; i-- > 0;) {
    if (forgets_[i]) break;
    if (kinds_[i] == Kind::unknown) continue;
    if ((ranks_[i] >= level) != at_level) break;
    // A run of entering begins after the level was last held, a run of leaving while it is.
    if (held_before(i, level) == at_level) break;
    start = i;
  }
  return start;
}

Duration Oracle::known_time(std::size_t from, std::size_t to) const {
  Duration sum{0};
  for (std::size_t i = from; i < to; ++i) {
    if (kinds_[i] != Kind::unknown) sum += history_[i + 1].at - history_[i].at;
  }
  return sum;
}

std::vector<bool> Oracle::window(std::size_t step, Level level) const {
  std::vector<bool> breaches;
  std::optional<Time> newest;
  for (std::size_t i = 0; i <= step; ++i) {
    const bool ended = i > 0 && levels_[i - 1] == Level::ok && before(i - 1) != Level::ok;
    const bool cleared_by_policy = i > 0 && kinds_[i - 1] == Kind::by_policy && ranks_[i - 1] < level;
    const bool just_left = i > 0 && levels_[i - 1] < level && before(i - 1) >= level;
    if (ended || cleared_by_policy || just_left || held_before(i, level) || forgets_[i]) breaches.clear();
    if (kinds_[i] != Kind::known) continue;
    const bool is_new = !newest || history_[i].sampled > *newest;
    if (is_new) newest = history_[i].sampled;
    if (is_new && !held_before(i, level)) breaches.push_back(ranks_[i] >= level);
  }
  const std::size_t of = hold(level).of;
  if (breaches.size() > of) breaches.erase(breaches.begin(), breaches.end() - static_cast<std::ptrdiff_t>(of));
  return breaches;
}

bool Oracle::enters(std::size_t step, Level level) const {
  if (held_before(step, level) || kinds_[step] == Kind::unknown || ranks_[step] < level) return false;
  if (kinds_[step] == Kind::by_policy) return true;
  const Hold wanted = hold(level);
  if (wanted.of == 0) return known_time(*run_start(step, level, true), step) >= wanted.duration;
  const auto breaches = window(step, level);
  return std::count(breaches.begin(), breaches.end(), true) >= static_cast<std::ptrdiff_t>(wanted.at_least);
}

bool Oracle::leaves(std::size_t step, Level level) const {
  if (!held_before(step, level) || kinds_[step] == Kind::unknown || ranks_[step] >= level) return false;
  return known_time(*run_start(step, level, false), step) >= policy_.keep_firing_for;
}

void Oracle::judge_step(std::size_t step) {
  const bool no_data = std::isnan(history_[step].value);
  const bool long_enough = no_data && unknown_for(step) >= policy_.no_data_after;
  if (!no_data) {
    kinds_.push_back(Kind::known);
    ranks_.push_back(rank_of_value(step));
  } else if (long_enough && policy_.no_data != NoData::keep) {
    kinds_.push_back(Kind::by_policy);
    const Level said = policy_.no_data == NoData::critical ? Level::critical : Level::warning;
    ranks_.push_back(policy_.no_data == NoData::ok ? Level::ok : std::max(said, before(step)));
  } else {
    kinds_.push_back(Kind::unknown);
    ranks_.push_back(Level::ok);
  }
  forgets_.push_back(long_enough && policy_.no_data == NoData::keep && before(step) == Level::ok);
  Level level = before(step);
  if (enters(step, Level::critical)) level = Level::critical;
  else if (enters(step, Level::warning)) level = Level::warning;
  else if (leaves(step, Level::warning)) level = Level::ok;
  else if (leaves(step, Level::critical)) level = Level::warning;
  levels_.push_back(level);

  const bool incident_ended = level == Level::ok && before(step) != Level::ok;
  const auto under_way = [&](Level which) {
    if (hold(which).of == 0) return run_start(step, which, true).has_value();
    if (kinds_[step] == Kind::by_policy && ranks_[step] < which) return false;
    const auto breaches = window(step, which);
    return std::count(breaches.begin(), breaches.end(), true) > 0;
  };
  pending_.push_back(level == Level::ok && !incident_ended && !forgets_[step] &&
                     (under_way(Level::warning) || under_way(Level::critical)));
}

void Oracle::tell_step(std::size_t step) {
  const Level now = levels_[step];
  const Level last = before(step);
  std::size_t incident_start = step;  // the step at which the present (or just ended) incident fired
  while (incident_start > 0 && before(incident_start) != Level::ok) --incident_start;
  Level told = Level::ok;
  std::optional<Said> last_problem;
  for (const Said& said : said_) {
    if (said.step >= incident_start && last != Level::ok) told = said.level;
    if (said.level != Level::ok) last_problem = said;
  }
  // Held back: changes of level, since the last message, that were not told for the cooldown's sake.
  const auto is_held_back = [&](std::size_t i) {
    const Level was = i == 0 ? Level::ok : levels_[i - 1];
    if (levels_[i] == was || levels_[i] == Level::ok) return false;
    Level known = Level::ok;
    for (const Said& said : said_) {
      if (said.step < i) known = said.level;
    }
    if (was == Level::ok) known = Level::ok;
    std::size_t start = i;
    while (start > 0 && levels_[start - 1] != Level::ok) --start;
    const bool incident_told =
        std::any_of(said_.begin(), said_.end(), [&](const Said& s) { return s.step >= start && s.step < i; });
    return !(incident_told && known == levels_[i]);
  };
  const auto say = [&](Reason reason) {
    const std::size_t since = said_.empty() ? 0 : said_.back().step + 1;
    std::int64_t held_back = 0;
    for (std::size_t i = since; i < step; ++i) held_back += is_held_back(i) ? 1 : 0;
    said_.push_back({step, reason, now, held_back});
  };
  if (now == Level::ok) {
    if (last != Level::ok && told != Level::ok) say(Reason::resolved);
    return;
  }
  if (told == now) return;
  const bool cooling = last_problem && history_[step].at - history_[last_problem->step].at < cooldown_;
  const bool news = !last_problem || now > last_problem->level || (told != Level::ok && now > told);
  if (cooling && !news) return;
  if (told > now) say(Reason::deescalated);
  else if (told != Level::ok || (last != Level::ok && now > last)) say(Reason::escalated);
  else say(last == Level::ok ? Reason::fired : Reason::repeated);
}

}  // namespace sidewatch
