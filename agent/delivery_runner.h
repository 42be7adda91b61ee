// One receiver on one thread of its own, given one delivery at a time.
//
// The thread makes the attempt and tells the loop how it went; what is sent next, and when, is decided there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/message.h"
#include "agent/patient_thread.h"
#include "alerting/receiver.h"

namespace sidewatch {

class DeliveryRunner {
 public:
  DeliveryRunner(std::uint64_t id, const ReceiverPlan& plan, std::shared_ptr<LoopMailbox> loop);
  ~DeliveryRunner();
  DeliveryRunner(const DeliveryRunner&) = delete;

  std::uint64_t id() const { return id_; }

  // Begins an attempt. False when the one before is not over. Where the machine has no thread for it, the attempt fails.
  bool send(Delivery delivery);

  // Asks the thread to end, and an attempt under way to give up soon.
  void request_stop();

  // Waits until the thread has ended, at most `patience`. False: it was left behind.
  bool join(Duration patience) { return thread_.join(patience); }

 private:
  struct Shared;
  std::string launch();  // why it failed; empty when it did not
  static void run(const std::shared_ptr<Shared>& shared);

  const std::uint64_t id_;
  std::shared_ptr<Shared> shared_;
  PatientThread thread_;
};

}  // namespace sidewatch
