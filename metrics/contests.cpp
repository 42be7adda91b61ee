#include "metrics/contests.h"

namespace sidewatch {

void Contests::begin_pass(std::string_view source) {
  if (lost_.empty()) return;
  if (const auto found = lost_.find(source); found != lost_.end()) found->second.clear();
}

void Contests::add(SeriesId series, const std::string& metric, const std::string& first, const std::string& second) {
  ++samples_;
  lost_[second].push_back({series, first});
  if (told_.size() >= max_told || !told_.insert(metric).second) return;
  fresh_.push_back({metric, first, second});
}

std::vector<LostSeries> Contests::lost(std::string_view source) const {
  const auto found = lost_.find(source);
  return found == lost_.end() ? std::vector<LostSeries>{} : found->second;
}

}  // namespace sidewatch
