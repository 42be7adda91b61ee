// Takes pings of jobs at /ping/NAME, and makes samples of what is known about each: the collector `heartbeat`.
//
// The addresses are healthchecks.io's: /ping/NAME, /ping/NAME/start, /ping/NAME/fail, /ping/NAME/<exit status>. What is
// known is kept in `heartbeats.json` of the state directory before a ping is answered, for each job once a second at most;
// what comes more often is kept by the next pass. So `kill -9` neither hides a missed run nor makes one up.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/heartbeat/beats.h"
#include "collectors/push_target.h"

namespace sidewatch::heartbeat {

class HeartbeatTarget final : public PushTarget {
 public:
  explicit HeartbeatTarget(const std::vector<HeartbeatConfig>& configs,
                           std::function<BootPosition()> boot = read_boot_position)
      : boot_(std::move(boot)), beats_(configs) {}

  void keep_in(const std::string& state_dir) override;
  PushAnswer take(const PushRequest& request) override;

  // What is known at `now`; keeps on the disk what is not there yet. `trouble`: what the disk objects to; else unchanged.
  Beats at(Time now, std::string& trouble);

 private:
  SaveClocks clocks(Time now) const { return {now, to_wall(now, wall_step_), boot_()}; }
  void begin(Time now);
  void save(Time now);

  const std::function<BootPosition()> boot_;
  std::mutex file_mutex_;  // held while the disk is waited for; taken before the other one
  std::mutex mutex_;       // guards all below
  std::string path_;       // empty: nothing is kept
  Beats beats_;
  bool begun_ = false;    // what an earlier life saved was taken over
  bool unsaved_ = false;
  std::map<std::string, Time, std::less<>> saved_at_;  // because of a ping, by the job's name
  Duration wall_step_{0};  // as the last ping told it; pings come with both clocks
  std::string trouble_;    // of the disk, with the last attempt
  std::string loss_;       // what could not be taken over from an earlier life; told once
};

std::unique_ptr<Collector> make_heartbeat_collector(std::shared_ptr<HeartbeatTarget> target, Catalog& catalog);

}  // namespace sidewatch::heartbeat
