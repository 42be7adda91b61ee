// Keeps on disk where a log was read to, so that the next life of the agent goes on there.
//
// The one idea: a place is saved only once what was counted up to it cannot be lost any more: its samples have been handed
// over and had time to get to the disk. So a crash loses no line for ever; those of the last moments, which had been
// counted but not saved as read, are counted once more. An agent that ends well saves the last place, and counts nothing
// twice.
//
// One file for each log, replaced as a whole. Damage to it means a start without it, which is told.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "collectors/log/places.h"

namespace sidewatch::log {

class PlaceKeeper {
 public:
  // Nothing is kept where `state_dir` is empty. `until_on_disk`: what samples need to get there.
  PlaceKeeper(const std::string& state_dir, std::string log, Duration until_on_disk);

  bool keeps() const { return !path_.empty(); }
  const std::string& path() const { return path_; }

  // What an earlier life kept; absent: nothing. Error in words for people.
  Result<std::optional<Places>> load() const;

  // Between two passes, on the collector's thread, when the samples of the last one have been handed over and `places` is
  // what they stand for: saves in time, until `wake` can be read. At once where nothing was counted in this life.
  enum class Counted { nothing, something };
  void keep_until(int wake, std::optional<Places> places, Counted counted);

  // At the end of the agent, or of the collector.
  void keep_last();

  const std::string& trouble() const { return trouble_; }  // with the last saving; empty: none

 private:
  using Moment = std::chrono::steady_clock::time_point;
  void save(const Places& places);

  const std::string log_;
  std::string path_;
  const Duration delay_;
  struct Waiting {
    Places places;
    Moment ripe;
  };
  std::optional<Waiting> waiting_;
  std::optional<Places> last_;   // that was handed over
  std::optional<Places> saved_;
  std::string trouble_;
};

}  // namespace sidewatch::log
