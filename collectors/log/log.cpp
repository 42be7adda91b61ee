// Files give lines, the interpreter says what they mean, and what they mean is counted. How far the lines were read is kept.
#include "collectors/log/log.h"

#include <array>
#include <string>
#include <utility>

#include "collectors/log/counted.h"
#include "collectors/log/files.h"
#include "collectors/log/interpreter.h"
#include "collectors/log/place_keeper.h"

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
    Metric{"sidewatch_log_skipped_bytes_total", MetricType::counter, "bytes",
           "What was written while the agent did not run and is left out: more than max_catch_up."},
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
  LogCollector(const LogConfig& config, Catalog& catalog, const Bequests* bequests)
      : keeper_(bequests == nullptr ? "" : bequests->state_dir(), config.name.value,
                bequests == nullptr ? Duration(0) : bequests->until_on_disk()),
        interpreter_(config.format, config.metrics),
        counted_(catalog, interpreter_.metrics(), Labels{{"log", config.name.value}}, config.counted),
        files_(config.files) {
    for (std::size_t i = 0; i < kMetrics.size(); ++i) {
      own_[i] = catalog.series(kMetrics[i], Labels{{"log", config.name.value}});
    }
  }

  ~LogCollector() override { keeper_.keep_last(); }
  LogCollector(const LogCollector&) = delete;

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    const bool first = !std::exchange(begun_, true);
    if (first) go_on(outcome);
    files_.read(now, [this](std::string_view line) { take(line); }, outcome);
    const auto begin = first && went_on_ ? Counted::Begin::with_zero : Counted::Begin::after_zero;
    held_back_ = counted_.write(batch, now, begin);
    write_own(batch, begin);
    complain(keeper_.trouble(), outcome);
    return outcome;
  }

  // What was held back is not known to anybody yet, so its lines do not count as read.
  void listen(int wake) override {
    const bool settled = keeper_.keeps() && !held_back_;
    const auto counted = files_.counts().tails.lines == 0 ? PlaceKeeper::Counted::nothing : PlaceKeeper::Counted::something;
    keeper_.keep_until(wake, settled ? std::optional(files_.places()) : std::nullopt, counted);
  }

 private:
  void go_on(PassOutcome& outcome) {
    auto places = keeper_.load();
    if (!places) complain(places.error().text(), outcome);
    went_on_ = places && *places;
    if (went_on_) files_.go_on_from(std::move(**places));
  }

  static void complain(const std::string& trouble, PassOutcome& outcome) {
    if (trouble.empty()) return;
    ++outcome.partial_errors;
    if (outcome.first_partial_error.empty()) outcome.first_partial_error = trouble;
  }

  void take(std::string_view line) {
    const auto found = interpreter_.read(line);
    if (found.empty()) ++unmatched_;
    for (const auto& one : found) counted_.add(one);
  }

  void write_own(Batch& batch, Counted::Begin begin) const {
    const auto& files = files_.counts();
    const auto& errors = interpreter_.errors();
    const std::array<std::uint64_t, kMetrics.size()> numbers{
        files.tails.lines,  files.tails.bytes, unmatched_,          files.tails.cut,  files.backlog_bytes,
        files.skipped_bytes, files.open,         files.left_out,    files.rotated,       files.tails.emptied, counted_.series(),
        counted_.overflowed(), errors.json,    errors.value};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const bool begins = begin == Counted::Begin::with_zero && kMetrics[i].type == MetricType::counter;
      batch.add(own_[i], begins ? 0 : static_cast<double>(numbers[i]));
    }
  }

  PlaceKeeper keeper_;
  Interpreter interpreter_;
  Counted counted_;
  Files files_;
  std::uint64_t unmatched_ = 0;
  bool begun_ = false;
  bool went_on_ = false;    // where an earlier life was
  bool held_back_ = false;  // of the last pass
  std::array<SeriesHandle, kMetrics.size()> own_;
};

}  // namespace

std::unique_ptr<Collector> make_log_collector(const LogConfig& config, Catalog& catalog, const Bequests* bequests) {
  return std::make_unique<LogCollector>(config, catalog, bequests);
}

}  // namespace log

std::vector<MetricGroup> log_metric_groups() {
  return {{"log", "About the log files that are read. What is counted in them has the names that the configuration gives, "
                  "and the label log.",
           {log::kMetrics.begin(), log::kMetrics.end()}}};
}

}  // namespace sidewatch
