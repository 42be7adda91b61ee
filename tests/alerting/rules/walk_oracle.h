// What alerts and messages must be, worked out from the whole history each time a question is asked.
//
// The machine in alerting/ keeps timers; this keeps none. It looks back over everything that was seen and asks what a
// person would ask: "for how long, without a break, has it been above?", "when was the last message?". Slow and plain.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alerting/policy/state.h"

namespace sidewatch {

struct Seen {
  Time at;
  double value = 0;  // NaN: no data
  Time sampled;
};

struct Said {
  std::size_t step = 0;
  Reason reason = Reason::fired;
  Level level = Level::ok;
  std::int64_t held_back = 0;
};

class Oracle {
 public:
  Oracle(Policy policy, Duration cooldown, std::vector<Seen> history);

  Level level(std::size_t step) const { return levels_[step]; }
  bool pending(std::size_t step) const { return pending_[step]; }
  const std::vector<Said>& said() const { return said_; }

 private:
  enum class Kind { known, by_policy, unknown };  // by_policy: the no_data policy speaks

  void judge_step(std::size_t step);
  void tell_step(std::size_t step);
  Level before(std::size_t step) const { return step == 0 ? Level::ok : levels_[step - 1]; }
  bool held_before(std::size_t step, Level level) const { return before(step) >= level; }
  Duration unknown_for(std::size_t step) const;
  Level rank_of_value(std::size_t step) const;
  // Since which step, up to `step`, the rank has been at (or below) the level; steps without data do not break it.
  std::optional<std::size_t> run_start(std::size_t step, Level level, bool at_level) const;
  Duration known_time(std::size_t from, std::size_t to) const;
  std::vector<bool> window(std::size_t step, Level level) const;  // breaches among the last counted samples
  Hold hold(Level level) const;
  bool enters(std::size_t step, Level level) const;
  bool leaves(std::size_t step, Level level) const;

  Policy policy_;
  Duration cooldown_;
  std::vector<Seen> history_;
  std::vector<Kind> kinds_;
  std::vector<Level> ranks_;
  std::vector<bool> forgets_;  // pending things are forgotten here
  std::vector<Level> levels_;
  std::vector<bool> pending_;
  std::vector<Said> said_;
};

}  // namespace sidewatch
