// Calls that may block for long (resolving a name, reading a file, asking systemd), on a thread of their own, for a
// function that waits for them without stopping anybody. What is late is left to its thread (base/errand.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/errand.h"
#include "collectors/probe/event_loop.h"
#include "collectors/probe/task.h"

namespace sidewatch::probe {

class Background final : public EventSource {
 public:
  static constexpr std::size_t most_threads = 64;

  Background();
  ~Background() override;

  // True when `work` is done, false when `until` came first. `work` owns all that it touches.
  Task<bool> run(EventLoop& loop, std::function<void()> work, TimePoint until);

  int descriptor() const override;
  std::optional<TimePoint> due() const override { return std::nullopt; }
  void step() override;

 private:
  struct Done;
  std::shared_ptr<Done> done_;
  ErrandRunner runner_{most_threads};
};

}  // namespace sidewatch::probe
