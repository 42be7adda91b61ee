// All receivers of the agent: a thread each, and the traffic between them and the dispatcher.
//
// Used by the loop alone. The dispatcher decides what is sent when; this hands it to the right thread and brings the
// answer back. A receiver that a reload changes or takes away may still have an attempt under way: its thread is asked
// to give up and kept until the answer is there, so that no answer is lost.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/delivery_runner.h"
#include "agent/message.h"
#include "alerting/dispatcher.h"
#include "alerting/receiver.h"
#include "alerting/tick.h"

namespace sidewatch {

class DeliverySet {
 public:
  DeliverySet(Dispatcher& dispatcher, std::shared_ptr<LoopMailbox> loop);
  ~DeliverySet();

  // Starts what is new or changed, retires what is gone, keeps what is the same.
  void configure(const std::vector<ReceiverPlan>& plans);

  // Gives every receiver that is free what is due for it.
  void hand_out(Time now);

  // Tells those that want it again what fires (agent/resend.h), where it is time and they are free: the next piece of
  // it. A piece that nobody takes ends the round; the next one begins behind it, so that no piece keeps the others from
  // being told.
  void resend(const std::vector<AlertView>& alerts, Time now, WallTime wall);

  // Takes an answer. An Error is the outbox's: the answer counts, but is not on disk yet.
  Result<void> take(const AttemptDone& done, Time now, WallTime wall);

  // Whether this is the first that the receiver has taken since an attempt failed. Asked once of each answer.
  bool recovered(const AttemptDone& done);

  bool stopping() const { return stopping_; }

  // Deliveries that are with a thread now.
  std::size_t in_flight() const { return in_flight_; }

  // Ends all threads; attempts under way are interrupted and still answer. False when one was left behind.
  void request_stop();
  bool join(Duration patience);

 private:
  struct Entry {
    ReceiverPlan plan;
    std::unique_ptr<DeliveryRunner> runner;
    bool busy = false;
    bool resending = false;  // busy with what no queue waits for
    bool failing = false;    // the last attempts failed
    Time resent_at = {};        // when the last round of telling again began
    bool in_round = false;      // pieces of it are left
    std::string resent_up_to = {};  // the key of the last alert of the last piece; empty: begin with the first
  };
  Delivery next_piece(Entry& entry, const std::vector<AlertView>& alerts, Time now, WallTime wall) const;
  Entry* find(std::uint64_t runner);
  void bury_retired();

  Dispatcher& dispatcher_;
  std::shared_ptr<LoopMailbox> loop_;
  std::uint64_t next_id_ = 1;
  std::vector<Entry> entries_;
  std::vector<Entry> retired_;
  std::size_t in_flight_ = 0;
  bool stopping_ = false;
  bool left_behind_ = false;
};

std::vector<std::string> receiver_names(const std::vector<ReceiverPlan>& plans);

// The receivers as the dispatcher sees them.
std::vector<DispatchTarget> dispatch_targets(const std::vector<ReceiverPlan>& plans);

}  // namespace sidewatch
