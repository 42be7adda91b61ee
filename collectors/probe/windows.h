// How often a check succeeded, and how long it took, over the last hour, day and week.
//
// A window is a ring of slots (an hour: twelve of five minutes), so it looks back between eleven and twelve twelfths of
// what its name says, and its memory does not grow with the number of runs. A slot counts durations in buckets whose
// bounds grow by 10 %: a quantile is within 5 % of a duration that was seen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace sidewatch::probe {

class Window {
 public:
  Window(Duration slot, std::size_t slots) : slot_(slot), slots_(slots) {}

  // `at` counts from anywhere and never goes back.
  void add(Duration at, bool success, std::optional<double> seconds);

  double success_ratio() const;            // of what was added; NaN when nothing was
  double quantile(double q) const;         // of the durations, by the nearest rank; NaN when there are none

 private:
  struct Bucket {
    std::uint16_t number = 0;
    std::uint32_t count = 0;
  };
  struct Slot {
    std::int64_t number = -1;
    std::uint32_t runs = 0;
    std::uint32_t successes = 0;
    std::vector<Bucket> buckets;  // in order; only those that count something
  };
  bool is_inside(const Slot& slot) const { return slot.number > newest_ - static_cast<std::int64_t>(slots_.size()); }

  Duration slot_;
  std::vector<Slot> slots_;
  std::int64_t newest_ = 0;
};

struct WindowKind {
  std::string_view name;  // of the label `window`
  Duration slot;
  std::size_t slots;
  bool tells_quantiles;
};
// All that there are; a check has those that its key `windows` names.
inline constexpr std::array window_kinds{
    WindowKind{"1h", std::chrono::minutes(5), 12, true},
    WindowKind{"24h", std::chrono::hours(1), 24, true},
    WindowKind{"7d", std::chrono::hours(6), 28, false},
};

// Which of them a check has, by their place in window_kinds.
struct WindowSet {
  std::array<bool, window_kinds.size()> has{false, true, false};
};

}  // namespace sidewatch::probe
