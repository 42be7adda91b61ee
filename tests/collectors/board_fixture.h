// What tests of targets with a SeriesBoard have in common: one target, made as `config` says when it is first needed, and
// the passes that write down what stands in it.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collectors/series_board.h"

namespace sidewatch {

template <class Target, class Config>
class BoardFixture : public testing::Test {
 protected:
  // Series as they are written, and their values.
  std::map<std::string, double> pass() {
    Batch batch;
    standing = target().write(writer, catalog, batch, now);
    began = by_name(batch.beginnings());
    return by_name(batch.samples());
  }
  std::map<std::string, double> by_name(const std::vector<Sample>& samples) {
    std::map<std::string, double> found;
    for (const auto& sample : samples) {
      const auto info = catalog.info(sample.series);
      found[info->family->name + (info->labels.empty() ? "" : info->labels.to_string())] = sample.value;
    }
    return found;
  }

  // "counter: Orders taken."; "none" where there is no such family.
  std::string family(const std::string& name) {
    for (const auto& entry : catalog.find({})) {
      const auto& found = *entry.info->family;
      if (found.name == name) return std::string(to_string(found.type)) + ": " + found.help;
    }
    return "none";
  }

  Target& target() {
    if (!target_) target_ = std::make_unique<Target>(config);
    return *target_;
  }

  Config config;
  Catalog catalog{{}, {}};
  BoardWriter writer;
  Time now = time_at_ms(10'000'000);
  std::size_t standing = 0;  // as the last pass said
  std::map<std::string, double> began;  // what the series that the last pass began with stood at before

 private:
  std::unique_ptr<Target> target_;
};

}  // namespace sidewatch
