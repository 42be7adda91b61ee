// The seam between the agent and everything that yields samples.
//
// A collector owns its connections and its state, runs on one thread of its own, and is asked for one pass at a time.
// It starts no thread and does not log: it says what happened through its PassOutcome.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/problem.h"
#include "metrics/store.h"

namespace sidewatch {

// Something that people should read in the log once: a result that turned, not a failure of the collector.
struct PassNews {
  bool trouble = true;
  std::string text;  // a sentence
};

struct PassOutcome {
  // Fields that could not be read (a permission, a file this kernel lacks although it should be there). What vanished
  // between two reads (a process, a device) is not an error and not counted.
  std::size_t partial_errors = 0;
  std::string first_partial_error;  // one of them in words, for the log; empty when none

  std::vector<PassNews> news = {};  // since the last pass
};

class Collector {
 public:
  virtual ~Collector() = default;

  // One pass at `now`: adds samples to `batch`. An Error means that the whole source failed; its series then go stale
  // whatever was added.
  virtual Result<PassOutcome> collect(Batch& batch, Time now) = 0;

  // Between passes, on the same thread, for a source that is sent its samples: takes them in until `wake` (an eventfd)
  // can be read. Called where CollectorPlan::listens, after the first pass.
  virtual void listen([[maybe_unused]] int wake) {}
};

class Bequests;
class Exemplars;
class Instruments;
class PushTarget;

// The long-lived parts of the agent that a collector may lean on.
struct CollectorContext {
  Catalog& catalog;
  const Store* store = nullptr;              // whose size the `self` collector reports; may be absent
  const Instruments* instruments = nullptr;  // what the `self` collector copies; may be absent
  std::string version;                       // of the agent, as sidewatch_build_info says it
  Exemplars* exemplars = nullptr;           // where the examples that come with samples go; may be absent
  Bequests* bequests = nullptr;             // what an ended collector left to the one in its place; may be absent
  Duration interval{};                       // between two of its passes; 0: not known
};

// One collector that the configuration asks for: how it is named, how often it runs, what it watches, how it is made.
struct CollectorPlan {
  std::string name;                  // unique: "host", "process:checkout"
  std::optional<Duration> interval;  // its own, or agent.interval
  struct Timeout {
    Duration value;
    config::Mark mark;
  };
  std::optional<Timeout> timeout;    // of its own words, where `interval` is absent: no longer than agent.interval
  std::string watches;               // for people: "CPU, memory, disks, filesystems and network of this host"
  std::string warning;               // what people should know before they run it so; empty: nothing
  bool listens = false;              // it has something to do between passes
  std::shared_ptr<PushTarget> receives;  // takes in what is sent to the agent's HTTP port for it; null: nothing is
  std::string fingerprint;           // equal when a reload may keep the running collector as it is
  std::function<std::unique_ptr<Collector>(const CollectorContext&)> make;
};

}  // namespace sidewatch
