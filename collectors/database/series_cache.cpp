#include "collectors/database/series_cache.h"

namespace sidewatch::database {

void SeriesCache::add(Batch& batch, const Metric& metric, double value, LabelList labels) {
  key_ = metric.name;
  for (const auto& [name, text] : labels) {
    key_ += '\xff';  // stands in no UTF-8; should two rows read alike all the same, they are one
    key_ += text;
  }
  auto found = known_.find(key_);
  if (found == known_.end()) {
    Labels all = labels_;
    for (const auto& [name, text] : labels) all = all.with(name, text);
    found = known_.emplace(key_, Known{catalog_.series(metric, all), round_}).first;
  }
  found->second.round = round_;
  batch.add(found->second.series, value);
}

void SeriesCache::end_round() {
  std::erase_if(known_, [&](const auto& entry) { return entry.second.round != round_; });
  ++round_;
}

}  // namespace sidewatch::database
