// What a Nagios plugin writes: a line for people and, behind a bar, performance data. Pure: text in, values out.
//
//     DISK WARNING - free space: / 3326 MiB (12%) | '/'=24000MiB;20000;25000;0;27500
//
// The format is that of the Monitoring Plugins Development Guidelines (monitoring-plugins.org, 2.4 to 2.6). Values become
// seconds and bytes; kB, MB, GB and TB count in steps of 1024, as the plugins mean them.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidewatch::exec {

// "10" is 0 to 10, "10:" from 10, "~:10" up to 10, "@10:20" is what lies within, where the others are what lies outside.
struct NagiosRange {
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
  bool inside = false;    // it is bad to be within
  bool low_said = false;  // whether `low` was written, or is the 0 that is meant without
};
std::optional<NagiosRange> parse_nagios_range(std::string_view text);

struct NagiosValue {
  std::string label;
  std::string unit;             // seconds, bytes, percent, counter; another as it is written; empty
  std::optional<double> value;  // absent: the plugin says U, that it does not know
  std::optional<NagiosRange> warn;
  std::optional<NagiosRange> crit;
  std::optional<double> min;
  std::optional<double> max;
};

struct NagiosOutput {
  std::string text;  // the first line, without performance data
  std::vector<NagiosValue> values;
  std::size_t not_understood = 0;  // pieces of performance data; they are left out
  std::size_t left_out = 0;        // those that are more than max_values
};
NagiosOutput parse_nagios(std::string_view output, std::size_t max_values);

}  // namespace sidewatch::exec
