// Who is told: see plan.h for the idea.

#include "alerting/plan.h"

namespace sidewatch {
namespace {

bool changes_level(Transition transition) {
  return transition == Transition::fired || transition == Transition::escalated ||
         transition == Transition::deescalated;
}

bool cooling(const Contact& contact, Duration cooldown, Time now) {
  return contact.last_problem && now - *contact.last_problem < cooldown;
}

// Worse than what people heard last: that cannot wait.
bool is_news(const Contact& contact, Level level) { return level > contact.last_problem_level; }

Reason reason_of(const Contact& contact, const Situation& situation) {
  if (contact.told > situation.level) return Reason::deescalated;
  if (contact.told != Level::ok || situation.transition == Transition::escalated) return Reason::escalated;
  return situation.transition == Transition::fired ? Reason::fired : Reason::repeated;
}

Decision send(Contact& contact, Reason reason) {
  Decision decision{reason, {}, contact.suppressed};
  contact.waiting.reset();
  contact.suppressed = 0;
  ++contact.messages;
  return decision;
}

Decision suppress(Suppression why) { return {{}, why, 0}; }

Decision plan_resolved(Contact& contact, const Situation& situation) {
  const bool announced = contact.told != Level::ok;
  contact.told = Level::ok;
  contact.waiting.reset();
  if (!announced) return suppress(Suppression::never_announced);
  if (!situation.has_receiver) return suppress(Suppression::no_receiver);
  return send(contact, Reason::resolved);
}

Decision hold_back(Contact& contact, const Situation& situation, Suppression why) {
  const bool first_said = changes_level(situation.transition);
  if (first_said && why == Suppression::cooldown) ++contact.suppressed;
  contact.waiting = why;
  return first_said ? suppress(why) : Decision{};
}

Decision plan_problem(Contact& contact, const Situation& situation, Time now) {
  if (contact.told == situation.level) {
    contact.waiting.reset();
    return changes_level(situation.transition) ? suppress(Suppression::already_known) : Decision{};
  }
  if (cooling(contact, situation.cooldown, now) && !is_news(contact, situation.level)) {
    return hold_back(contact, situation, Suppression::cooldown);
  }
  if (!situation.has_receiver) return hold_back(contact, situation, Suppression::no_receiver);
  if (contact.messages == 0) {
    contact.level_before = contact.last_problem_level;
    contact.problem_before = contact.last_problem;
  }
  const Decision decision = send(contact, reason_of(contact, situation));
  contact.told = contact.last_problem_level = situation.level;
  contact.last_problem = now;
  return decision;
}

}  // namespace

Decision plan(Contact& contact, const Situation& situation, Time now) {
  if (situation.transition == Transition::resolved) return plan_resolved(contact, situation);
  if (situation.level == Level::ok) return {};
  if (situation.transition == Transition::fired) {
    contact.told = Level::ok;
    contact.waiting.reset();
    contact.messages = 0;
  }
  if (!changes_level(situation.transition) && !contact.waiting) return {};
  return plan_problem(contact, situation, now);
}

std::optional<Time> next_due(const Contact& contact, Duration cooldown) {
  if (contact.waiting != Suppression::cooldown || !contact.last_problem) return std::nullopt;
  return *contact.last_problem + cooldown;
}

bool idle(const Contact& contact, Duration cooldown, Time now) {
  if (contact.told != Level::ok || contact.waiting || cooling(contact, cooldown, now)) return false;
  return contact.suppressed == 0 || !cooling(contact, suppressed_memory, now);
}

void unheard(Contact& contact) {
  contact.last_problem_level = contact.level_before;
  contact.last_problem = contact.problem_before;
}

void shift(Contact& contact, Duration real) {
  if (contact.last_problem) *contact.last_problem += real;
  if (contact.problem_before) *contact.problem_before += real;
}

std::string_view to_string(Suppression suppression) {
  switch (suppression) {
    case Suppression::cooldown: return "cooldown";
    case Suppression::never_announced: return "never_announced";
    case Suppression::no_receiver: return "no_receiver";
    case Suppression::already_known: return "already_known";
  }
  return "cooldown";
}

}  // namespace sidewatch
