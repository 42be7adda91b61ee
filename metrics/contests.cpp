#include "metrics/contests.h"

namespace sidewatch {

void Contests::add(const std::string& metric, std::string_view first, std::string_view second) {
  ++samples_;
  if (told_.size() >= max_told || !told_.insert(metric).second) return;
  fresh_.push_back({metric, std::string(first), std::string(second)});
}

}  // namespace sidewatch
