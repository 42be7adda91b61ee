// What a Prometheus (or an agent that speaks like one) sends with remote write 1.0: POST /api/v1/write, protocol buffers
// packed with snappy, as the collector `remote_write`.
//
// 204: taken, also where samples were left out (they are counted, and sending them again would not help). 400: the request
// breaks the protocol's rules, with a sentence, and nothing of it was taken. 413: it unpacks to too much. 415: it is
// something else, also remote write 2.0, at which a sender falls back to 1.0. 503: libsnappy is not installed.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/board_collector.h"
#include "collectors/collector.h"
#include "collectors/remote_write/table.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {
namespace remote_write {

inline constexpr std::size_t max_unpacked_bytes = std::size_t{8} << 20;  // of a request

struct RemoteWriteConfig {
  std::optional<Duration> interval;
  TableLimits limits;
};
void declare(config::Section& section, RemoteWriteConfig& config);
std::string fingerprint_of(const RemoteWriteConfig& config);

class RemoteWriteTarget final : public BoardTarget {
 public:
  explicit RemoteWriteTarget(const RemoteWriteConfig& config) : table_(config.limits) {}
  PushAnswer take(const PushRequest& request) override;

  std::size_t write(BoardWriter& writer, Catalog& catalog, Batch& batch, Time now, Exemplars* exemplars = nullptr) override;

 private:
  std::mutex mutex_;  // guards the table
  Table table_;
};

}  // namespace remote_write

// Declares `remote_write` and plans its collector.
void configure_remote_write(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> remote_write_metric_groups();

}  // namespace sidewatch
