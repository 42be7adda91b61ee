// One collector on one thread of its own, asked for one pass at a time.
//
// A pass may block for ever (a dead NFS mount, a FIFO): that costs this one thread. It is never started twice; asking
// again while it runs is an overrun, which the caller counts. stop() waits for the thread only as long as it is told;
// a thread that is still blocked then is left behind, together with the little it needs, and ends with the process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "agent/message.h"
#include "agent/patient_thread.h"
#include "base/time.h"

namespace sidewatch {

class CollectorRunner {
 public:
  // The collector is made on the thread that will run it (libproc2's contexts must not change threads).
  // Its results go to `loop` as PassDone with this `id`.
  CollectorRunner(std::uint64_t id, const CollectorPlan& plan, const CollectorContext& context,
                  std::shared_ptr<LoopMailbox> loop);
  ~CollectorRunner();
  CollectorRunner(const CollectorRunner&) = delete;

  std::uint64_t id() const { return id_; }

  // Starts a pass whose samples bear `now`. False when one is still under way, or when the machine has no thread for it.
  bool start(Time now);

  // Why there is no thread; empty while there is one. The next start() tries again.
  const std::string& trouble() const { return trouble_; }

  // Gives a taken batch back for the next pass.
  void recycle(Batch batch);

  // Asks the thread to end after the pass under way.
  void request_stop();

  // Waits until the thread has ended, at most `patience`. False: it is still blocked and was left behind.
  bool join(Duration patience) { return thread_.join(patience); }

 private:
  struct Shared;
  static std::string listen(Collector& collector, Shared& shared, std::unique_lock<std::mutex>& lock);
  static void run(const std::shared_ptr<Shared>& shared, const CollectorPlan& plan, const CollectorContext& context);

  const std::uint64_t id_;
  std::shared_ptr<Shared> shared_;
  std::function<void()> main_;  // of the thread
  std::string trouble_;
  PatientThread thread_;
};

}  // namespace sidewatch
