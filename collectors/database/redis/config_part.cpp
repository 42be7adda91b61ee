// CONFIG GET: the few settings that samples are held against. Never all of them: passwords are among them.
#include <array>

#include "collectors/database/redis/info_text.h"
#include "collectors/database/redis/part.h"

namespace sidewatch::database::redis {
namespace {

constexpr Duration how_often = std::chrono::minutes(1);

struct Setting {
  std::string_view name;
  Metric metric;
};
constexpr std::array kSettings{
    Setting{"maxmemory", {"redis_config_maxmemory", MetricType::gauge, "", "The setting maxmemory, in bytes."}},
    Setting{"maxclients", {"redis_config_maxclients", MetricType::gauge, "", "The setting maxclients."}},
    Setting{"io-threads", {"redis_config_io_threads", MetricType::gauge, "", "The setting io-threads."}},
    Setting{"repl-backlog-size",
            {"redis_config_repl_backlog_size", MetricType::gauge, "", "The setting repl-backlog-size, in bytes."}},
};
constexpr Metric buffer_limit{"redis_config_client_output_buffer_limit_bytes", MetricType::gauge, "bytes",
                              "Bytes at which a client of the class is cut off (limit=\"hard\"), or after some time "
                              "above it (soft); 0 is never."};
constexpr Metric buffer_limit_time{"redis_config_client_output_buffer_limit_overcome_seconds", MetricType::gauge,
                                   "seconds", "How long a client of the class may be above the soft limit."};

std::string_view next_word(std::string_view& rest) {
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const auto word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

// "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
void add_buffer_limits(std::string_view text, Output& output) {
  while (true) {
    const auto name = next_word(text);
    const auto hard = number_of(next_word(text));
    const auto soft = number_of(next_word(text));
    const auto seconds = number_of(next_word(text));
    if (name.empty() || !hard || !soft || !seconds) return;
    output.add(buffer_limit, *hard, {{"class", name}, {"limit", "hard"}});
    output.add(buffer_limit, *soft, {{"class", name}, {"limit", "soft"}});
    output.add(buffer_limit_time, *seconds, {{"class", name}, {"limit", "soft"}});
  }
}

class ConfigPart final : public Part {
 public:
  ConfigPart(Catalog& catalog, const Labels& labels) : Part("config get", how_often, catalog, labels) {}

 private:
  bool concerns(const ServerFacts& facts) const override { return !facts.sentinel; }

  // One by one: only Redis 7 takes several names, and one that is not there answers nothing.
  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    const Reply* reply = nullptr;
    for (const auto& setting : kSettings) {
      if (auto failure = connection.ask({"CONFIG", "GET", setting.name}, reply)) return failure;
      if (const auto number = number_of(reply->value_of(setting.name))) output.add(setting.metric, *number);
    }
    if (auto failure = connection.ask({"CONFIG", "GET", "client-output-buffer-limit"}, reply)) return failure;
    add_buffer_limits(reply->value_of("client-output-buffer-limit"), output);
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<Part> make_config_part(Catalog& catalog, const Labels& labels) {
  return std::make_unique<ConfigPart>(catalog, labels);
}

std::vector<Metric> config_metrics() {
  std::vector<Metric> metrics{buffer_limit, buffer_limit_time};
  for (const auto& setting : kSettings) metrics.push_back(setting.metric);
  return metrics;
}

}  // namespace sidewatch::database::redis
