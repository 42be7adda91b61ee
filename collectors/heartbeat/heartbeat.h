// Takes pings of jobs at /ping/NAME, and makes samples of what is known about each: the collector `heartbeat`.
//
// The addresses are healthchecks.io's: /ping/NAME, /ping/NAME/start, /ping/NAME/fail, /ping/NAME/<exit status>. What is
// known is kept in `heartbeats.json` of the state directory before a ping is answered, for each job once a second at most
// of starts, of successes and of failures; what comes more often is kept by the next pass. So `kill -9` neither hides a
// missed run nor makes one up.
//
// The collector's thread alone waits for the disk: it is woken between passes. A ping waits for it a moment and no longer,
// so that a disk that hangs holds up no other request.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/heartbeat/beats.h"
#include "collectors/push_target.h"

namespace sidewatch::heartbeat {

class HeartbeatTarget final : public PushTarget {
 public:
  // `patience`: how long a ping waits until it is kept.
  explicit HeartbeatTarget(const std::vector<HeartbeatConfig>& configs,
                           std::function<BootPosition()> boot = read_boot_position,
                           Duration patience = std::chrono::seconds(2));

  void keep_in(const std::string& state_dir) override;
  PushAnswer take(const PushRequest& request) override;

  // All of these by the collector's thread alone.
  // What is known at `now`; keeps on the disk what is not there yet. `trouble`: what the disk objects to; else unchanged.
  Beats at(Time now, std::string& trouble);
  // Keeps what pings wait for, until `wake` (an eventfd) can be read.
  void keep_until(int wake);
  // Keeps what is not there yet; from now on no ping is taken.
  void end();

 private:
  struct EarlyPing {
    std::string name;
    Ping ping;
    Time now;
    WallTime wall;
  };

  void begin(Time now);
  void save();
  PushAnswer await_save(std::unique_lock<std::mutex>& lock, std::uint64_t change);

  const std::function<BootPosition()> boot_;
  const Duration patience_;
  const Descriptor bell_;  // an eventfd: a ping waits
  std::mutex mutex_;       // guards all below; never held while the disk is waited for
  std::condition_variable tried_to_save_;
  std::string path_;  // empty: nothing is kept
  Beats beats_;
  bool begun_ = false;  // what an earlier life saved was taken over
  bool ended_ = false;
  std::vector<EarlyPing> early_;  // that came before
  bool unsaved_ = false;
  std::uint64_t changes_ = 0;
  bool disk_hangs_ = false;  // a ping has waited in vain; the next ones need not
  std::uint64_t tried_ = 0;  // changes that there were when it was last saved, or could not be
  std::map<std::pair<std::string, Ping>, Time> saved_at_;  // because of such a ping of the job
  SaveClocks clocks_{};     // at the last ping or pass
  Duration wall_step_{0};   // as the last ping told it; pings come with both clocks
  std::string trouble_;     // of the disk, with the last attempt
  std::string loss_;        // what could not be taken over from an earlier life; told once
};

std::unique_ptr<Collector> make_heartbeat_collector(std::shared_ptr<HeartbeatTarget> target, Catalog& catalog);

}  // namespace sidewatch::heartbeat
