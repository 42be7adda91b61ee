// The self collector. What every Prometheus client library says about its process, read from /proc/self, and what the
// parts of the agent count, copied from their instruments: both are then exposed and judged like any other series.
//
// Refuses to fail for one unreadable file: its fields are left out and counted. Without /proc the instruments are still
// copied; only the process's own fields are missing.
#include "collectors/self/self.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/proc_file.h"
#include "collectors/process/process_text.h"
#include "collectors/process/watched_process.h"
#include "collectors/process_metrics.h"
#include "metrics/instruments.h"

namespace sidewatch {
namespace {

using namespace process_metrics;

enum OwnIndex : std::size_t { build_info = index_count, series_now, series_overflowed, history_bytes, metric_count };

constexpr std::array<Metric, metric_count> metrics = [] {
  std::array<Metric, metric_count> all{};
  std::copy(table.begin(), table.end(), all.begin());
  using enum MetricType;
  all[build_info] = {"sidewatch_build_info", gauge, "", "Always 1; the label says the version of the agent."};
  all[series_now] = {"sidewatch_series", gauge, "", "Series that the agent holds, stale ones within retention included."};
  all[series_overflowed] = {"sidewatch_series_overflowed_total", counter, "",
                            "New series that a limit put into an overflow series."};
  all[history_bytes] = {"sidewatch_history_bytes", gauge, "bytes", "Memory of the samples that the agent remembers."};
  return all;
}();

constexpr unsigned limits_every_passes = 16;  // the agent's own limits hardly ever change

class SelfCollector final : public Collector {
 public:
  SelfCollector(const CollectorContext& context, std::string procfs)
      : catalog_(context.catalog),
        instruments_(context.instruments),
        store_(context.store),
        procfs_(std::move(procfs)),
        open_files_by_(find_open_files_by(procfs_)),
        fd_path_(procfs_.path() + "/self/fd"),
        stat_(procfs_, "self/stat") {
    for (std::size_t i = 0; i < metric_count; ++i) {
      const Labels labels = i == build_info ? Labels{{"version", context.version}} : Labels{};
      if (i == history_bytes && store_ == nullptr) continue;  // an empty handle: nothing is ever added to it
      series_[i] = catalog_.series(metrics[i], labels);
    }
  }

  Result<PassOutcome> collect(Batch& batch, Time) override {
    PassOutcome outcome;
    collect_process(batch, outcome);
    batch.add(series_[build_info], 1);
    batch.add(series_[series_now], static_cast<double>(catalog_.size()));
    batch.add(series_[series_overflowed], static_cast<double>(catalog_.overflowed()));
    if (store_ != nullptr) batch.add(series_[history_bytes], static_cast<double>(store_->history_bytes()));
    if (instruments_ != nullptr) collect_instruments(batch);
    return outcome;
  }

 private:
  void collect_process(Batch& batch, PassOutcome& outcome);
  void collect_open_files(Batch& batch, PassOutcome& outcome);
  void collect_limits(Batch& batch, PassOutcome& outcome);
  void collect_instruments(Batch& batch);
  std::optional<double> start_time_seconds(std::uint64_t start_ticks);
  static void missing(PassOutcome& outcome, const Error& error) {
    if (outcome.partial_errors++ == 0) outcome.first_partial_error = error.text();
  }

  // Of an instrument: which it is, and its series.
  struct Copied {
    std::string name;
    Labels labels;
    SeriesHandle series;
  };

  Catalog& catalog_;
  const Instruments* const instruments_;
  const Store* const store_;
  const ProcDir procfs_;
  const OpenFilesBy open_files_by_;
  const std::string fd_path_;
  ProcFile stat_;
  unsigned passes_to_limits_ = 0;
  std::optional<std::uint64_t> max_open_files_;
  std::optional<std::uint64_t> max_address_space_;
  ReadBuffer buffer_;
  std::array<SeriesHandle, metric_count> series_;
  std::optional<double> start_time_;
  std::vector<Copied> copied_;
};

void SelfCollector::collect_process(Batch& batch, PassOutcome& outcome) {
  static const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  static const double page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  const auto text = stat_.read(buffer_);
  const auto stat = text ? parse_stat(text.text) : std::nullopt;
  if (stat) {
    batch.add(series_[cpu_seconds], static_cast<double>(stat->user_ticks + stat->system_ticks) / ticks_per_second);
    batch.add(series_[resident_memory], static_cast<double>(stat->resident_pages) * page_bytes);
    batch.add(series_[virtual_memory], static_cast<double>(stat->virtual_bytes));
    batch.add(series_[threads], static_cast<double>(stat->threads));
    if (!start_time_) start_time_ = start_time_seconds(stat->start_ticks);  // `stat` is not used after this
    if (start_time_) batch.add(series_[start_time], *start_time_);
  } else {
    missing(outcome, text ? Error{"is not what the kernel writes there", procfs_.path() + "/self/stat"}
                          : stat_.error(text));
  }
  collect_limits(batch, outcome);

  collect_open_files(batch, outcome);
}

void SelfCollector::collect_open_files(Batch& batch, PassOutcome& outcome) {
  if (open_files_by_ == OpenFilesBy::size) {
    struct stat directory {};
    const int error_number = stat(fd_path_.c_str(), &directory) == 0 ? 0 : errno;
    if (error_number != 0) return missing(outcome, procfs_.error("self/fd", error_number));
    batch.add(series_[open_fds], static_cast<double>(directory.st_size));
    return;
  }
  std::uint64_t open = 0;
  const int error_number = procfs_.list("self/fd", buffer_, [&open](std::string_view) { ++open; });
  if (error_number != 0) return missing(outcome, procfs_.error("self/fd", error_number));
  // One of them is the descriptor that lists them, which is gone again.
  batch.add(series_[open_fds], static_cast<double>(open > 0 ? open - 1 : 0));
}

void SelfCollector::collect_limits(Batch& batch, PassOutcome& outcome) {
  if (passes_to_limits_-- == 0) {
    passes_to_limits_ = 0;  // again in the next pass when it cannot be read
    const auto text = procfs_.read("self/limits", buffer_);
    if (!text) return missing(outcome, procfs_.error("self/limits", text.error_number));
    passes_to_limits_ = limits_every_passes - 1;
    max_open_files_ = parse_max_open_files(text.text);
    max_address_space_ = parse_max_address_space(text.text);
  }
  const auto add = [&](process_metrics::Index metric, std::optional<std::uint64_t> limit) {
    if (limit) batch.add(series_[metric], static_cast<double>(*limit));
  };
  add(max_fds, max_open_files_);
  add(virtual_memory_max, max_address_space_);
}

std::optional<double> SelfCollector::start_time_seconds(std::uint64_t start_ticks) {
  const auto text = procfs_.read("stat", buffer_);
  const auto boot = text ? parse_boot_time(text.text) : std::nullopt;
  if (!boot) return std::nullopt;
  return static_cast<double>(*boot) + static_cast<double>(start_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Instruments are visited in an order that changes only when one is made, so each is compared with the one that was at
// its place in the pass before; a different one gets its series anew.
void SelfCollector::collect_instruments(Batch& batch) {
  std::size_t place = 0;
  instruments_->visit([&](const Metric& metric, const Labels& labels, double value) {
    if (place == copied_.size()) copied_.emplace_back();
    Copied& copied = copied_[place++];
    if (copied.name != metric.name || copied.labels != labels || !copied.series) {
      copied = Copied{std::string(metric.name), labels, catalog_.series(metric, labels)};
    }
    batch.add(copied.series, value);
  });
}

}  // namespace

std::unique_ptr<Collector> make_self_collector(const CollectorContext& context, std::string procfs) {
  return std::make_unique<SelfCollector>(context, std::move(procfs));
}

std::span<const Metric> self_metrics() { return metrics; }

std::vector<MetricGroup> self_metric_groups() {
  return {{"self", "the agent's own process", {metrics.begin(), metrics.end()}}};
}

namespace {

struct SelfConfig {
  std::optional<Duration> interval;
};

void declare(config::Section& section, SelfConfig& self) {
  section.optional("interval", self.interval, "how often the agent looks at itself; agent.interval when absent",
                   config::between(std::chrono::milliseconds(100), std::chrono::hours(1)));
}

}  // namespace

void configure_self(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  SelfConfig self;
  collectors.section("self", self, "the agent's own process and counters; always collected");
  if (collectors.describing()) return;
  CollectorPlan plan;
  plan.name = "self";
  plan.interval = self.interval;
  plan.watches = "the agent itself";
  plan.fingerprint = "self";
  plan.make = [](const CollectorContext& context) { return make_self_collector(context); };
  plans.push_back(std::move(plan));
}

}  // namespace sidewatch
