// Takes what batch jobs push as to a Prometheus Pushgateway, and makes samples of it: the collector `pushgateway`.
//
// PUT replaces a group, POST the metrics of the same names in it, DELETE removes it; pushes and paths are the
// Pushgateway's, so client libraries need only another host. Groups are kept in `pushgateway.json` of the state directory,
// a few seconds after a push at most.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/own_names.h"
#include "collectors/push_target.h"
#include "collectors/pushgateway/groups.h"
#include "collectors/series_budget.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace pushgateway {

struct PushgatewayConfig {
  std::optional<Duration> interval;
  GroupLimits limits;
};
void declare(config::Section& section, PushgatewayConfig& config);

// The series of a group in one of its versions: its two times, then its samples in their order.
struct GroupHandles {
  explicit GroupHandles(std::size_t max_series = SeriesBudget::unlimited) : budget(max_series) {}

  struct OfOne {
    std::vector<SeriesHandle> parts;  // some are empty where the budget is used up
    bool settled = false;             // else they are asked for again once there may be room
    std::uint64_t pass = 0;           // that it was last written in
  };
  SeriesBudget budget;
  std::size_t left_out = 0;  // in the last pass: series
  std::unordered_map<std::uint64_t, OfOne> by_version;
  std::uint64_t pass = 0;
};

class PushgatewayTarget final : public PushTarget {
 public:
  explicit PushgatewayTarget(const GroupLimits& limits) : max_series_(limits.max_series), groups_(limits) {}

  void keep_in(const std::string& state_dir) override;
  PushAnswer take(const PushRequest& request) override;

  // Adds the groups as they stand at `now` to `batch`, and keeps on the disk what is not there yet, every few seconds.
  // `trouble`: what the disk objects to, else unchanged.
  void write(Catalog& catalog, GroupHandles& handles, Batch& batch, Time now, std::string& trouble);

  // Keeps on the disk what is not there yet, at once.
  void save();
  // Likewise; from now on nothing is taken, since nobody would keep it.
  void end();

  std::pair<std::size_t, std::size_t> sizes();  // groups and series

 private:
  PushAnswer push(const PushRequest& request, const Labels& key);
  std::optional<PushRefusal> find_objection(const ReadPage& page) const;
  static PushAnswer ended();
  static PushAnswer answer_to(const PushRefusal& refusal);
  void begin(Time now, WallTime wall);
  bool is_time_to_save(Time now);

  const std::size_t max_series_;
  const OwnNames own_names_;
  std::mutex file_mutex_;  // held while the disk is waited for; taken before the other one
  std::mutex mutex_;       // guards all below
  std::string path_;       // empty: nothing is kept
  Groups groups_;
  std::atomic<bool> begun_ = false;  // what an earlier life saved was taken over
  bool ended_ = false;
  bool unsaved_ = false;
  std::optional<Time> saved_at_;
  std::string trouble_;  // of the disk, with the last attempt
  std::string loss_;     // what could not be taken over from an earlier life; told once
};

}  // namespace pushgateway

// Declares `pushgateway` and plans its collector.
void configure_pushgateway(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> pushgateway_metric_groups();

}  // namespace sidewatch
