#include "collectors/probe/windows.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sidewatch::probe {
namespace {

constexpr double smallest_seconds = 1e-5;
constexpr double growth = 1.1;
constexpr std::uint16_t last_bucket = 200;  // 1.9e3 seconds

std::uint16_t bucket_of(double seconds) {
  if (!(seconds > smallest_seconds)) return 0;
  const double number = std::log(seconds / smallest_seconds) / std::log(growth);
  return static_cast<std::uint16_t>(std::min<double>(number, last_bucket));
}

double middle_of(std::uint16_t bucket) { return smallest_seconds * std::pow(growth, bucket + 0.5); }

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void Window::add(Duration at, bool success, std::optional<double> seconds) {
  newest_ = at / slot_;
  Slot& slot = slots_[static_cast<std::size_t>(newest_) % slots_.size()];
  if (slot.number != newest_) slot = Slot{newest_, 0, 0, {}};
  slot.runs += 1;
  slot.successes += success ? 1 : 0;
  if (!seconds) return;
  const auto number = bucket_of(*seconds);
  const auto place =
      std::lower_bound(slot.buckets.begin(), slot.buckets.end(), number,
                       [](const Bucket& bucket, std::uint16_t wanted) { return bucket.number < wanted; });
  if (place != slot.buckets.end() && place->number == number) {
    place->count += 1;
  } else {
    slot.buckets.insert(place, {number, 1});
  }
}

double Window::success_ratio() const {
  double runs = 0;
  double successes = 0;
  for (const auto& slot : slots_) {
    if (slot.number < 0 || !is_inside(slot)) continue;
    runs += slot.runs;
    successes += slot.successes;
  }
  return runs > 0 ? successes / runs : nothing;
}

double Window::quantile(double q) const {
  std::array<std::uint64_t, last_bucket + 1> counts{};
  std::uint64_t total = 0;
  for (const auto& slot : slots_) {
    if (slot.number < 0 || !is_inside(slot)) continue;
    for (const auto& bucket : slot.buckets) {
      counts[bucket.number] += bucket.count;
      total += bucket.count;
    }
  }
  if (total == 0) return nothing;
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(total))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    if (seen >= rank) return middle_of(static_cast<std::uint16_t>(i));
  }
  return nothing;
}

}  // namespace sidewatch::probe
