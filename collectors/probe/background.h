// Calls that may block for long (resolving a name, reading a file, asking systemd), on a thread of their own, for a
// function that waits for them without stopping anybody. What is late is left to its thread (base/errand.h).
//
// The one idea: what can hang for one reason shares threads with nothing that hangs for another. Each kind of work has
// its own few, so a mount whose server is dead keeps no name from being resolved. Where all of a kind hang, what comes
// then is not begun, and whoever wanted it is told so: that says nothing about what was to be checked.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/errand.h"
#include "collectors/probe/event_loop.h"
#include "collectors/probe/task.h"

namespace sidewatch::probe {

enum class Work {
  names,        // whose name server may be silent
  quick_names,  // that were found at once the last time
  local_names,  // localhost: nobody is asked for it
  files,        // that are checked: their mounts may hang
  systemd,
  keys,         // secrets, certificates of the agent's own, /etc/resolv.conf
  bodies,       // long ones that are looked at: that takes a processor for a while
};
inline constexpr std::size_t work_kinds = 7;
std::string_view to_string(Work work);

class Background final : public EventSource {
 public:
  using Room = std::array<std::size_t, work_kinds>;      // threads, in the order of Work
  static constexpr Room usual_room{48, 16, 2, 32, 8, 16, 2};

  explicit Background(Room room = usual_room);
  // Waits for what is about to end, a fifth of a second at most.
  ~Background() override;

  enum class Ended {
    done,
    late,         // it hangs still
    not_begun,    // all threads for this kind of work hang
    still_hangs,  // only of an OwnErrand: the one before has not ended yet
  };
  // Says how it went by `until`. `work` owns all that it touches.
  Task<Ended> run(EventLoop& loop, Work kind, std::function<void()> work, TimePoint until);

  // Begins `work` and calls `done` from step() when it has ended. False: there is no thread for it.
  bool send(Work kind, std::function<void()> work, std::function<void()> done);

  std::size_t under_way(Work kind) const { return runners_[static_cast<std::size_t>(kind)]->left_behind(); }

  int descriptor() const override;
  std::optional<TimePoint> due() const override { return std::nullopt; }
  void step() override;

 private:
  struct Done;
  std::shared_ptr<Done> done_;
  std::array<std::unique_ptr<ErrandRunner>, work_kinds> runners_;
};

// What one check has to have done again and again: never begun anew while the last one still hangs, so that a check
// keeps one thread at most.
class OwnErrand {
 public:
  Task<Background::Ended> run(Background& background, EventLoop& loop, Work kind, std::function<void()> work,
                              TimePoint until);

 private:
  std::shared_ptr<std::atomic<bool>> under_way_ = std::make_shared<std::atomic<bool>>(false);
};

// Tells work that goes on for long that nobody waits for it any more, however whoever waited has ended.
class GivenUp {
 public:
  explicit GivenUp(std::atomic<bool>& flag) : flag_(flag) {}
  GivenUp(const GivenUp&) = delete;
  GivenUp& operator=(const GivenUp&) = delete;
  ~GivenUp() { flag_ = true; }

 private:
  std::atomic<bool>& flag_;  // the work's own
};

// A thread that is not free by then is not waited for: what is left of the time is needed for the check itself.
TimePoint patience_for_a_thread(TimePoint until);
inline constexpr auto pause_without_thread = std::chrono::milliseconds(20);

// Why a check did not take place.
std::string no_thread_words(Work kind);

}  // namespace sidewatch::probe
