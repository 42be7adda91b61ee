// What a program wrote becomes samples, by the format that it writes. Pure: text in, samples out.
//
// prometheus and json give metrics of their own names; nagios gives exec_perfdata_*; value gives exec_value. The last two
// have the label `name`. Output that is not understood is an Error and gives nothing, except of Nagios plugins: there the
// exit code counts, and what is understood of the rest.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/labels.h"
#include "metrics/metric.h"

namespace sidewatch::exec {

extern const Metric value_metric;
extern const Metric perfdata_value_metric;
extern const Metric perfdata_warn_metric;
extern const Metric perfdata_crit_metric;
extern const Metric perfdata_min_metric;
extern const Metric perfdata_max_metric;

struct Measure {
  std::string name;
  MetricType type = MetricType::gauge;
  std::string unit;
  std::string help;
  Labels labels;
  double value = 0;
};

enum class Format { nagios, prometheus, json, value };

struct Reading {
  std::vector<Measure> measures;
  std::string text;     // of a Nagios plugin: its line for people
  std::string trouble;  // what of the output was not understood, beside the measures
};

struct ReadingOptions {
  Format format = Format::nagios;
  std::string name;                           // of the entry
  std::map<std::string, std::string> values;  // json: metric by the place of its number, /queue/depth
  std::size_t max_series = 1000;
};

Result<Reading> read_output(std::string_view output, const ReadingOptions& options);

}  // namespace sidewatch::exec
