// Keys that the configuration asks about: how long, how large, and (where it is a number) what value.
//
// The one idea: SCAN has a budget. Each pass lets it look at so many keys and goes on in the next where it stopped, so
// the server never works long for us, however large it is; what a pattern matched is told once it was seen to its end,
// and stands until it is seen to its end again.
#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "collectors/database/redis/info_text.h"
#include "collectors/database/redis/part.h"

namespace sidewatch::database::redis {
namespace {

constexpr std::int64_t scan_step = 1000;  // keys that one SCAN looks at
constexpr std::int64_t longest_number = 32;

constexpr Metric key_size{"redis_key_size", MetricType::gauge, "",
                          "On request (check_keys): elements of the key, or the length of a text; 0 when a key that is "
                          "named is not there, as an empty list never is."};
constexpr Metric key_memory{"redis_key_memory_usage_bytes", MetricType::gauge, "bytes",
                            "On request (check_keys): memory of the key."};
constexpr Metric key_value{"redis_key_value", MetricType::gauge, "",
                           "On request (check_keys): the key's value, where it is a number."};
constexpr Metric keys_count{"redis_keys_count", MetricType::gauge, "",
                            "On request (check_keys with count): keys that match the pattern."};

struct SizeCommand {
  std::string_view type;
  std::string_view command;
};
constexpr std::array kSizes{SizeCommand{"string", "STRLEN"}, SizeCommand{"list", "LLEN"},
                            SizeCommand{"set", "SCARD"},     SizeCommand{"zset", "ZCARD"},
                            SizeCommand{"hash", "HLEN"},     SizeCommand{"stream", "XLEN"}};

struct Check {
  KeyCheck what;
  std::string db;
  std::string label;  // "db0"
  std::string cursor = "0";
  bool scanned = false;            // to the end, once at least
  double counting = 0;             // in the scan that is under way
  double counted = 0;              // in the last whole one
  std::set<std::string> matching;  // the same, with names
  std::set<std::string> matched;

  void scan_ended() {
    scanned = true;
    counted = counting;
    counting = 0;
    matched = std::move(matching);
    matching.clear();
  }
};

class KeysPart final : public Part {
 public:
  KeysPart(const RedisConfig& config, Catalog& catalog, const Labels& labels)
      : Part("check keys", Duration(0), catalog, labels),
        budget_(config.scan_budget),
        max_keys_(static_cast<std::size_t>(config.max_keys)) {
    for (const auto& check : config.keys) {
      const auto db = std::to_string(check.db);
      checks_.push_back({.what = check, .db = db, .label = "db" + db, .matching = {}, .matched = {}});
    }
  }

 private:
  bool concerns(const ServerFacts& facts) const override { return !facts.sentinel; }

  void forget() override { selected_ = "0"; }

  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    if (auto failure = scan(connection)) return failure;
    std::size_t told = 0;
    for (const auto& check : checks_) {
      if (check.what.count && check.scanned) {
        output.add(keys_count, check.counted, {{"db", check.label}, {"key", check.what.pattern}});
      }
      if (!check.what.key.empty()) {
        if (auto failure = tell(check, check.what.key, connection, output)) return failure;
      }
      for (const auto& key : check.matched) {
        if (told++ == max_keys_) break;
        if (auto failure = tell(check, key, connection, output)) return failure;
      }
    }
    return std::nullopt;
  }

  // Goes on with the patterns, one after the other, for as long as the budget lasts.
  std::optional<Failure> scan(Connection& connection) {
    std::int64_t left = budget_;
    for (std::size_t done = 0; done < checks_.size() && left > 0; ++done) {
      Check& check = checks_[next_ % checks_.size()];
      bool ended = check.what.pattern.empty();
      while (!ended && left > 0) {
        const std::int64_t step = std::min(left, scan_step);
        left -= step;
        if (auto failure = scan_step_of(check, step, connection, ended)) return failure;
      }
      if (!ended) return std::nullopt;
      ++next_;
    }
    return std::nullopt;
  }

  std::optional<Failure> scan_step_of(Check& check, std::int64_t step, Connection& connection, bool& ended) {
    if (auto failure = select(check, connection)) return failure;
    const Reply* reply = nullptr;
    const std::string count = std::to_string(step);
    const std::vector<std::string_view> command{"SCAN", check.cursor, "MATCH", check.what.pattern, "COUNT", count};
    if (auto failure = connection.ask(command, reply)) return failure;
    if (reply->elements.size() != 2) return Failure{FailureKind::malformed, "SCAN is answered with nonsense", true};
    check.cursor = reply->elements[0].text;
    for (const auto& key : reply->elements[1].elements) {
      check.counting += 1;
      if (!check.what.count && check.matching.size() < max_keys_) check.matching.insert(key.text);
    }
    ended = check.cursor == "0";
    if (ended) check.scan_ended();
    return std::nullopt;
  }

  std::optional<Failure> select(const Check& check, Connection& connection) {
    if (selected_ == check.db) return std::nullopt;
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"SELECT", check.db}, reply)) return failure;
    selected_ = check.db;
    return std::nullopt;
  }

  std::optional<Failure> tell(const Check& check, const std::string& key, Connection& connection, Output& output) {
    if (auto failure = select(check, connection)) return failure;
    const SeriesCache::LabelList labels{{"db", check.label}, {"key", key}};
    const Reply* reply = nullptr;
    if (auto failure = connection.ask_for_any({"TYPE", key}, reply)) return failure;
    if (reply->kind == Reply::Kind::error) {
      if (reply->text.starts_with("MOVED")) return std::nullopt;  // another node of the cluster has it
      return failure_of(reply->text, {"TYPE", key}, connection.user());
    }
    const auto has_type = [&](const SizeCommand& one) { return one.type == reply->text; };
    const auto type = std::find_if(kSizes.begin(), kSizes.end(), has_type);
    if (reply->text == "none" && key == check.what.key) output.add(key_size, 0, labels);
    if (type == kSizes.end()) return std::nullopt;  // gone, or of a module's type
    if (auto failure = connection.ask({type->command, key}, reply)) return failure;
    const std::int64_t size = reply->number;
    output.add(key_size, static_cast<double>(size), labels);
    if (auto failure = connection.ask_for_any({"MEMORY", "USAGE", key}, reply)) return failure;
    if (reply->kind == Reply::Kind::number) output.add(key_memory, static_cast<double>(reply->number), labels);
    if (type->type != "string" || size == 0 || size > longest_number) return std::nullopt;
    if (auto failure = connection.ask_for_any({"GET", key}, reply)) return failure;
    const auto value = reply->text.find_first_not_of("+-.0123456789eE") == std::string::npos ? number_of(reply->text)
                                                                                           : std::nullopt;
    if (reply->kind == Reply::Kind::text && value) output.add(key_value, *value, labels);
    return std::nullopt;
  }

  const std::int64_t budget_;
  const std::size_t max_keys_;
  std::vector<Check> checks_;
  std::size_t next_ = 0;
  std::string selected_ = "0";
};

}  // namespace

std::unique_ptr<Part> make_keys_part(const RedisConfig& config, Catalog& catalog, const Labels& labels) {
  return std::make_unique<KeysPart>(config, catalog, labels);
}

std::vector<Metric> key_metrics() { return {key_size, key_memory, key_value, keys_count}; }

}  // namespace sidewatch::database::redis
