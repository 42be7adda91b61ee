// What one key is like, on request: how long, how large, of what value where it is a number, and of a stream who reads
// from it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/database/redis/connection.h"
#include "collectors/database/redis/part.h"

namespace sidewatch::database::redis {

struct KeyQuestion {
  std::string_view key;
  bool must_exist = false;  // when it is not there, it is as long as an empty list: 0
  bool streams = false;     // a stream is asked for its consumer groups
};

class KeyMeasures {
 public:
  // Asks in the selected database. What is wrong with this key alone is `trouble`; a Failure is about all of them.
  std::optional<Failure> ask(const KeyQuestion& question, Connection& connection, std::optional<Failure>& trouble);

  // `db`: as a label, "db0".
  void add(std::string_view db, std::string_view key, Output& output) const;

 private:
  struct Measure {
    const Metric* metric;
    double value;
    std::string group;
    std::string consumer;
  };
  std::optional<Failure> ask_value(std::string_view key, Connection& connection);
  std::optional<Failure> ask_stream(std::string_view key, Connection& connection);
  std::optional<Failure> ask_consumers(std::string_view key, std::string_view group, Connection& connection,
                                       std::size_t& left);
  void note(const Metric& metric, double value, std::string_view group = {}, std::string_view consumer = {});

  std::vector<Measure> measures_;  // of the last time
};

std::vector<Metric> key_measure_metrics();
std::vector<Metric> stream_metrics();

}  // namespace sidewatch::database::redis
