// SLOWLOG: how many slow commands the server remembers, how slow the newest was, and on request which the newest were.
//
// Of a command its name and first argument (mostly the key) are told, never the rest: that is the service's data.
#include <algorithm>

#include "collectors/database/redis/part.h"

namespace sidewatch::database::redis {
namespace {

constexpr Metric length{"redis_slowlog_length", MetricType::gauge, "", "Entries of the slow log."};
constexpr Metric last_id{"redis_slowlog_last_id", MetricType::gauge, "", "Number of the newest entry of the slow log."};
constexpr Metric last_duration{"redis_last_slow_execution_duration_seconds", MetricType::gauge, "seconds",
                               "How long the newest entry of the slow log took."};
constexpr Metric entry_duration{"sidewatch_redis_slowlog_entry_duration_seconds", MetricType::gauge, "seconds",
                                "On request (slowlog_entries), for each of the newest entries of the slow log: how "
                                "long it took; command is its name and first argument."};

constexpr std::size_t longest_command = 80;

std::string command_of(const Reply& words) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(words.elements.size(), 2); ++i) {
    if (i > 0) text += ' ';
    text += words.elements[i].text;
  }
  if (words.elements.size() > 2) text += " ...";
  if (text.size() > longest_command) text.resize(longest_command);  // a cut character is mended by the catalog
  return text;
}

class SlowlogPart final : public Part {
 public:
  SlowlogPart(std::int64_t entries, Catalog& catalog, const Labels& labels)
      : Part("slowlog", Duration(0), catalog, labels), entries_(entries),
        wanted_(std::to_string(std::max<std::int64_t>(entries, 1))) {}

 private:
  bool concerns(const ServerFacts& facts) const override { return !facts.sentinel; }

  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"SLOWLOG", "LEN"}, reply)) return failure;
    output.add(length, static_cast<double>(reply->number));
    if (auto failure = connection.ask({"SLOWLOG", "GET", wanted_}, reply)) return failure;
    double id = 0;
    double seconds = 0;
    for (std::size_t i = 0; i < reply->elements.size(); ++i) {
      const auto& entry = reply->elements[i].elements;  // id, time, microseconds, words, address, name
      if (entry.size() < 4) continue;
      const double took = static_cast<double>(entry[2].number) * 1e-6;
      if (i == 0) id = static_cast<double>(entry[0].number);
      if (i == 0) seconds = took;
      if (entries_ > 0) {
        output.add(entry_duration, took, {{"id", std::to_string(entry[0].number)}, {"command", command_of(entry[3])}});
      }
    }
    output.add(last_id, id);
    output.add(last_duration, seconds);
    return std::nullopt;
  }

  const std::int64_t entries_;
  const std::string wanted_;
};

}  // namespace

std::unique_ptr<Part> make_slowlog_part(std::int64_t entries, Catalog& catalog, const Labels& labels) {
  return std::make_unique<SlowlogPart>(entries, catalog, labels);
}

std::vector<Metric> slowlog_metrics() { return {length, last_id, last_duration, entry_duration}; }

}  // namespace sidewatch::database::redis
