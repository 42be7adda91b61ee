// Files give lines, the interpreter says what they mean, and what they mean is counted.
#include "collectors/log/log.h"

#include <array>
#include <string>
#include <utility>

#include "collectors/log/counted.h"
#include "collectors/log/files.h"
#include "collectors/log/interpreter.h"

namespace sidewatch {
namespace log {
namespace {

constexpr std::array kMetrics{
    Metric{"sidewatch_log_lines_total", MetricType::counter, "", "Lines that were read."},
    Metric{"sidewatch_log_bytes_total", MetricType::counter, "bytes", "Bytes that were read."},
    Metric{"sidewatch_log_unmatched_lines_total", MetricType::counter, "", "Lines that were for no metric."},
    Metric{"sidewatch_log_cut_lines_total", MetricType::counter, "",
           "Lines that were longer than 64 KiB; what was over is left out."},
    Metric{"sidewatch_log_backlog_bytes", MetricType::gauge, "bytes",
           "What stands in the files and was not read yet, because a pass may read only so much."},
    Metric{"sidewatch_log_files", MetricType::gauge, "", "Files that are being read, renamed ones included."},
    Metric{"sidewatch_log_files_left_out", MetricType::gauge, "", "Files that fit and are not read: more than max_files, or beyond the first 10000."},
    Metric{"sidewatch_log_rotations_total", MetricType::counter, "", "Files that were renamed or deleted."},
    Metric{"sidewatch_log_truncations_total", MetricType::counter, "",
           "Times that a file was emptied in its place, and read from its beginning again."},
    Metric{"sidewatch_log_series", MetricType::gauge, "", "Series that the lines have made."},
    Metric{"sidewatch_log_overflow_lines_total", MetricType::counter, "",
           "Lines whose labels were more than max_series; they are in the series with overflow=\"true\"."},
    Metric{"sidewatch_log_json_errors_total", MetricType::counter, "", "Lines that are not a JSON object (format: json)."},
    Metric{"sidewatch_log_value_errors_total", MetricType::counter, "",
           "Values that were not a number, or below 0 for a counter."},
};

class LogCollector final : public Collector {
 public:
  LogCollector(const LogConfig& config, Catalog& catalog)
      : interpreter_(config.format, config.metrics),
        counted_(catalog, interpreter_.metrics(), Labels{{"log", config.name.value}}, config.counted),
        files_(config.files) {
    for (std::size_t i = 0; i < kMetrics.size(); ++i) {
      own_[i] = catalog.series(kMetrics[i], Labels{{"log", config.name.value}});
    }
  }

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    files_.read(now, [this](std::string_view line) { take(line); }, outcome);
    counted_.write(batch, now);
    write_own(batch);
    return outcome;
  }

 private:
  void take(std::string_view line) {
    const auto found = interpreter_.read(line);
    if (found.empty()) ++unmatched_;
    for (const auto& one : found) counted_.add(one);
  }

  void write_own(Batch& batch) const {
    const auto& files = files_.counts();
    const auto& errors = interpreter_.errors();
    const std::array<std::uint64_t, kMetrics.size()> numbers{
        files.tails.lines,  files.tails.bytes, unmatched_,          files.tails.cut,  files.backlog_bytes,
        files.open,         files.left_out,    files.rotated,       files.tails.emptied, counted_.series(),
        counted_.overflowed(), errors.json,    errors.value};
    for (std::size_t i = 0; i < numbers.size(); ++i) batch.add(own_[i], static_cast<double>(numbers[i]));
  }

  Interpreter interpreter_;
  Counted counted_;
  Files files_;
  std::uint64_t unmatched_ = 0;
  std::array<SeriesHandle, kMetrics.size()> own_;
};

}  // namespace

std::unique_ptr<Collector> make_log_collector(const LogConfig& config, Catalog& catalog) {
  return std::make_unique<LogCollector>(config, catalog);
}

}  // namespace log

std::vector<MetricGroup> log_metric_groups() {
  return {{"log", "About the log files that are read. What is counted in them has the names that the configuration gives, "
                  "and the label log.",
           {log::kMetrics.begin(), log::kMetrics.end()}}};
}

}  // namespace sidewatch
