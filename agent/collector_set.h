// All collectors of the agent: when each is due, what became of its last pass, and what that says about it.
//
// Used by the loop alone. A collector that is still running when it is due again is skipped and counted as an overrun;
// once its last samples are older than its freshness limit, its series go stale. One that the machine has no thread for
// fails like one that cannot read anything, and is tried again. Nothing here waits for a collector.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/collector_runner.h"
#include "agent/message.h"
#include "agent/published.h"
#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/push_target.h"
#include "metrics/store.h"

namespace sidewatch {

// What the loop should log about a pass: only changes are worth a line.
struct CollectorNews {
  enum class Kind {
    failed,
    recovered,
    partial,
    whole,  // it can read everything again
    overdue,
    trouble,  // what it found, and tells as PassNews
    relief,
  };
  Kind kind = Kind::failed;
  std::string collector;
  std::string detail;
};

// How a collector is doing, for people to see.
struct CollectorView {
  std::string name;
  std::string watches;
  Duration interval{0};
  std::optional<Time> last_pass;  // the end of the last one; absent: none has ended
  double seconds = 0;             // what it took
  bool well = false;              // it succeeded, and the next is not overdue
  std::string trouble;            // why not, or what it could not read
};

// The metrics that tell how each collector is doing.
std::span<const Metric> collector_run_metrics();

class CollectorSet {
 public:
  // `state_dir`: where what is pushed may be kept over a restart; empty: nowhere.
  CollectorSet(CollectorContext context, Store& store, std::shared_ptr<LoopMailbox> loop, std::string state_dir = "");
  ~CollectorSet();

  // Starts what is new or changed, ends what is gone, keeps what is the same. New collectors are due at once, or
  // nearly so (agent/pass_grid.h).
  void configure(const std::vector<CollectorPlan>& plans, Duration interval, Time now);

  // Starts a pass of everything that is due, and makes the series of what is overdue stale. True when any was started.
  bool start_due(Time now, std::vector<CollectorNews>& news);

  // Takes a pass into the store. False when it is of a collector that is no more.
  bool take(PassDone& done, Time now, std::vector<CollectorNews>& news);

  // Whether every collector has ended its first pass, well or not.
  bool warmed_up() const;

  // Shows all of them as they are now; called by the loop once in a while, read by any thread.
  void publish();
  const Published<std::vector<CollectorView>>& views() const { return views_; }

  // Where what is pushed goes, of the collectors that there are now; read by any thread.
  const Published<PushTargets>& push_targets() const { return push_targets_; }

  std::optional<Time> next_due() const;
  std::size_t size() const { return entries_.size(); }

  // Ends all threads. False when one is blocked and was left behind.
  void request_stop();
  bool join(Duration patience);

 private:
  struct Entry;
  void fail(Entry& entry, Time at, const std::string& trouble, std::vector<CollectorNews>& news);
  void write_run_series(Entry& entry, Time now);

  CollectorContext context_;
  Store& store_;
  std::shared_ptr<LoopMailbox> loop_;
  const std::string state_dir_;
  std::uint64_t next_id_ = 1;
  std::vector<std::unique_ptr<Entry>> entries_;
  bool left_behind_ = false;
  Published<std::vector<CollectorView>> views_;
  Published<PushTargets> push_targets_;
};

}  // namespace sidewatch
