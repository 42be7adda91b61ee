// Reads a page of samples, sample by sample: the Prometheus text format 0.0.4 or OpenMetrics 1.0, from an application, a
// file or a program's output. What the lines mean is told; which of them are wanted, and under what names, is for others.
//
// Who reads the same page again and again keeps a SeriesTexts from the text of a series (`up{job="a"}`, as it stands on
// the page) to what it knows of it, and asks for the labels of new texts only. Nothing is then allocated per sample.
//
// A mistake ends the reading, with its line and column: a page is taken as a whole, or not at all. Refuses what only
// OpenMetrics has (exemplars, fractions in timestamps) on a page that is not OpenMetrics, and an OpenMetrics page
// without its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "metrics/exposition.h"
#include "metrics/labels.h"
#include "metrics/metric.h"
#include "metrics/sample_scanner.h"

namespace sidewatch {

struct PageOptions {
  ExpositionFormat format = ExpositionFormat::prometheus_text;
  std::size_t max_samples = 100'000;
  std::size_t max_families = 100'000;  // that # TYPE, # HELP or # UNIT speak of
  SeriesBounds series = {};
  // What Prometheus takes from an answer, but nobody means to write into a file: a last line without its end (the file is
  // being written), a type that is given twice or behind the samples, times.
  bool refuse_unfinished = true;
  bool refuse_repeated_metadata = true;
  bool refuse_timestamps = true;
  // A file of samples that somebody keeps or has edited: empty lines and remarks also in OpenMetrics, and the types of either
  // format. What only OpenMetrics has says there that the file was cut off.
  bool is_file = false;
};

// What # TYPE, # HELP and # UNIT say of a name. The texts look into the page.
struct PageFamily {
  std::string_view name;
  std::string_view type = "unknown";  // as written; "unknown" when it is not given
  std::string_view unit;
  std::string_view escaped_help;
  std::string help() const;
  bool typed = false;
  bool sampled = false;
};

struct PageExemplar {
  std::string_view labels;  // {trace_id="x"}, as written
  double value = 0;
  std::optional<std::int64_t> timestamp_ms;
};

// The texts look into the page.
struct PageSample {
  std::string_view series;  // name and labels as written
  double value = 0;
  std::optional<std::int64_t> timestamp_ms;  // since 1970
  std::optional<PageExemplar> exemplar;
  std::string_view name() const { return series.substr(0, series.find_first_of("{ \t")); }
};

class PageReader {
 public:
  // `text` stays as it is while it is read.
  PageReader(std::string_view text, const PageOptions& options) { start(text, options); }
  PageReader() : PageReader({}, {}) {}
  void start(std::string_view text, const PageOptions& options);  // keeps its memory from page to page

  // Goes to the next sample; false at the end of the page, and at a mistake. `expected` is the series that stood there the
  // last time: when it does again, it is recognised without being looked through.
  bool next(std::string_view expected = {});
  const std::optional<Error>& error() const { return error_; }  // what: a sentence; where: "line:column", in characters

  const PageSample& sample() const { return sample_; }

  // The labels of the sample, without __name__, and of its exemplar; in the page's order. False at a mistake.
  bool labels(std::vector<Label>& labels);
  bool exemplar_labels(std::vector<Label>& labels);
  // Those of a series whose labels were asked for before: `series` is PageSample::series of the same page.
  bool labels_of(std::string_view series, std::vector<Label>& labels);

  // What the page said up to here of the sample's family: x for x_bucket when x is a histogram.
  const PageFamily& family();
  // The type that the sample's own name has among ours: x_bucket of a histogram is of type histogram, x_created a gauge.
  MetricType type();

  std::size_t samples() const { return samples_; }

 private:
  bool advance(std::string_view expected);
  [[noreturn]] void refuse_openmetrics(std::size_t at, const std::string& what) const;
  void comment();
  void end_of_page(std::size_t start);
  void metadata(std::string_view keyword);
  void take_type(PageFamily& family);
  void take_unit(PageFamily& family);
  void take_sample(std::string_view expected);
  std::optional<std::int64_t> take_timestamp();
  void take_exemplar();
  PageFamily& named(std::string_view name);
  PageFamily* find(std::string_view name);
  bool is_openmetrics() const { return options_.format == ExpositionFormat::openmetrics; }
  void stop_at(const Misread& misread);

  std::string_view text_;
  PageOptions options_;
  SampleScanner in_{{}};
  PageSample sample_;
  std::size_t sample_at_ = 0;
  std::size_t samples_ = 0;
  bool eof_seen_ = false;
  std::optional<Error> error_;

  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  std::vector<PageFamily> families_;
  std::size_t current_ = none;  // the family spoken of last
  std::size_t indexed_ = 0;     // so many of the families stand in by_name_, which is made when it is asked
  std::unordered_map<std::string_view, std::size_t> by_name_;
  PageFamily undescribed_;
};

// Which of the two a page is that comes without a Content-Type: an OpenMetrics page ends with # EOF.
ExpositionFormat format_by_end(std::string_view page);
// By a Content-Type header: whatever is not OpenMetrics is read as the text format.
ExpositionFormat format_by_content_type(std::string_view content_type);

// A page that is read once: everything copied out. A series that is given twice is a mistake.
struct ReadSample {
  std::string name;
  Labels labels;
  double value = 0;
  std::optional<std::int64_t> timestamp_ms;
  MetricType type = MetricType::untyped;
  std::size_t family = 0;  // among the page's
};
struct ReadFamily {
  std::string name;
  std::string unit;
  std::string help;
};
struct ReadPage {
  std::vector<ReadFamily> families;
  std::vector<ReadSample> samples;
  const std::string& help_of(const ReadSample& sample) const { return families[sample.family].help; }
  const std::string& unit_of(const ReadSample& sample) const { return families[sample.family].unit; }
};
Result<ReadPage> read_page(std::string_view text, const PageOptions& options);

}  // namespace sidewatch
