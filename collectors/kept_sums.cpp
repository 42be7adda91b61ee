// See kept_sums.h.
#include "collectors/kept_sums.h"

#include <utility>

namespace sidewatch {

void KeptSums::keep(const Labels& counter, std::vector<double> sums) {
  constexpr std::size_t max_of_half = max_numbers / 2;
  (void)take(counter);
  if (sums.size() > max_of_half) return;
  if (numbers_in_younger_ + sums.size() > max_of_half) {
    elder_ = std::exchange(younger_, {});
    numbers_in_younger_ = 0;
  }
  numbers_in_younger_ += sums.size();
  younger_.emplace(counter.hash(), std::move(sums));
}

std::vector<double> KeptSums::take(const Labels& counter) {
  const std::size_t hash = counter.hash();
  if (const auto found = elder_.extract(hash)) return std::move(found.mapped());
  const auto found = younger_.extract(hash);
  if (!found) return {};
  numbers_in_younger_ -= found.mapped().size();
  return std::move(found.mapped());
}

}  // namespace sidewatch
