// What a collector leaves to the one that a reload puts in its place.
//
// A reload that changes what the configuration says for a collector ends it and makes another one. What the old one has
// counted and nobody can give back (how often a check succeeded over the last day) it leaves here when it ends, and the
// new one takes it. The old one may still be ending when the new one begins, so whoever takes tries again for a while.
//
// A bequest holds no SeriesHandle, for nobody is sure to take it: it stands until the next one of that name. What must be
// left to the agent's next life, also by a crash, goes into a file of the state directory.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/time.h"

namespace sidewatch {

struct Bequest {
  virtual ~Bequest() = default;
};

// Any thread may call.
class Bequests {
 public:
  // `state_dir`: empty when there is none. `until_on_disk`: after how long samples that the agent was given are kept.
  explicit Bequests(std::string state_dir = "", Duration until_on_disk = Duration(0))
      : state_dir_(std::move(state_dir)), until_on_disk_(until_on_disk) {}

  const std::string& state_dir() const { return state_dir_; }
  Duration until_on_disk() const { return until_on_disk_; }

  void leave(const std::string& collector, std::unique_ptr<Bequest> bequest) {
    const std::lock_guard lock(mutex_);
    left_[collector] = std::move(bequest);
  }

  // Null when there is none (yet).
  std::unique_ptr<Bequest> take(const std::string& collector) {
    const std::lock_guard lock(mutex_);
    const auto found = left_.find(collector);
    if (found == left_.end()) return nullptr;
    auto bequest = std::move(found->second);
    left_.erase(found);
    return bequest;
  }

 private:
  const std::string state_dir_;
  const Duration until_on_disk_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Bequest>> left_;
};

}  // namespace sidewatch
