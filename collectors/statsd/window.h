// What was seen in the last while: slots that take turns, each cleared when it has grown too old.
//
// What comes in between two passes belongs to the turn of the later one. A turn is a sixth of the window, and what is
// seen goes back between five and seven of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sidewatch::statsd {

inline constexpr std::int64_t window_turns = 6;

template <class Content>
class Window {
 public:
  // Where to put what comes in.
  Content& now() { return slots_[at_].content; }

  // A pass in turn `turn` (they only rise): what came in since the last one, if anything did, is of this turn. Then
  // `visit` sees each slot that is not too old.
  template <class Visit>
  void end_pass(std::int64_t turn, bool anything, const Visit& visit) {
    if (anything) slots_[at_].turn = turn;
    for (auto& slot : slots_) {
      if (slot.turn + window_turns <= turn) {
        slot.content.clear();
      } else {
        visit(slot.content);
      }
    }
    if (opened_ == turn) return;  // this turn goes on
    at_ = (at_ + 1) % slots_.size();
    slots_[at_].content.clear();
    slots_[at_].turn = never;
    opened_ = turn;
  }

  template <class Visit>
  void each(const Visit& visit) const {
    for (const auto& slot : slots_) visit(slot.content);
  }

 private:
  static constexpr std::int64_t never = INT64_MIN / 2;
  struct Slot {
    Content content;
    std::int64_t turn = never;  // of the last pass that found something new in it
  };
  std::array<Slot, window_turns + 1> slots_;
  std::size_t at_ = 0;
  std::int64_t opened_ = never;
};

}  // namespace sidewatch::statsd
