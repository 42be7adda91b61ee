// Series by what a server calls them at run time: commands, databases, slabs, replicas. For the engines whose answers
// are texts and not rows.
//
// The one idea: in a steady state a sample costs one search by its name and labels' values and allocates nothing; what
// was not written between two calls of end_round() is let go.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "metrics/catalog.h"
#include "metrics/labels.h"
#include "metrics/store.h"

namespace sidewatch::database {

class SeriesCache {
 public:
  using LabelList = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // `labels` are those of the instance.
  SeriesCache(Catalog& catalog, const Labels& labels) : catalog_(catalog), labels_(labels) {}

  // A metric's labels always come in the same order. An empty value is no label.
  void add(Batch& batch, const Metric& metric, double value, LabelList labels = {});

  void end_round();

 private:
  struct Known {
    SeriesHandle series;
    std::uint64_t round = 0;
  };
  Catalog& catalog_;
  const Labels labels_;
  std::unordered_map<std::string, Known> known_;
  std::string key_;
  std::uint64_t round_ = 0;
};

}  // namespace sidewatch::database
