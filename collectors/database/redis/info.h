// What INFO tells, as samples: a field each, commands, errors, databases, replicas, the primary, watched primaries.
//
// Beside redis_exporter's families there are a few that need no arithmetic to be alerted about: how much of a limit is
// used, how far replicas lag, whether everything is on disk.
#pragma once

#include <cstdint>
#include <optional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "collectors/database/redis/info_text.h"
#include "collectors/database/redis/part.h"
#include "metrics/metric.h"

namespace sidewatch::database::redis {

class InfoSamples {
 public:
  // Adds the samples of `text`, the answer to INFO, and says what it told of the server.
  ServerFacts add(std::string_view text, Time now, Output& output);

  // The next text may be of another server: what was remembered of the last one is forgotten.
  void start_over();

 private:
  struct Reading;
  void add_line(const InfoLine& line, Reading& reading, Output& output);
  void add_about_server(const Reading& reading, Time now, Output& output);
  void add_derived(const Reading& reading, Output& output);
  void add_databases(Output& output);
  void add_database(std::string_view name, std::string_view list, Output& output);

  // Those that were seen, and whether in this text: without keys they are not in it any more.
  std::map<std::string, bool, std::less<>> databases_;
  std::optional<double> start_time_;
  std::optional<double> hits_;  // of the last pass
  std::optional<double> misses_;
};

std::vector<Metric> info_metrics();     // redis_exporter's, but those of info_fields()
std::vector<Metric> derived_metrics();  // ours

}  // namespace sidewatch::database::redis
