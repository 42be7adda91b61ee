// A thread whose owner waits for its end only so long: one that is blocked for ever is left behind.
//
// What runs on it must own, or share, everything that it touches: nobody knows when it ends.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/time.h"

namespace sidewatch {

class PatientThread {
 public:
  PatientThread() = default;
  ~PatientThread();  // join(0)
  PatientThread(const PatientThread&) = delete;
  PatientThread& operator=(const PatientThread&) = delete;

  // Runs `body`; only while there is no thread. Says why the machine has none for it; empty when it has.
  std::string start(std::function<void()> body);

  // Whether a thread was started that has been neither joined nor left behind.
  bool started() const { return thread_.joinable(); }

  // Waits until the thread has ended, at most `patience`. False: it is still blocked and was left behind.
  bool join(Duration patience);

 private:
  struct End;
  std::shared_ptr<End> end_;
  std::thread thread_;
};

}  // namespace sidewatch
