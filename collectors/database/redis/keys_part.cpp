// Keys that the configuration asks about: which they are. What each is like stands in key_measures.h.
//
// The one idea: nothing takes longer for us than it may. SCAN looks at so many keys in a pass, the keys are asked about
// for so long, and the next pass goes on where this one stopped. What a pattern matched is told once it was seen to its
// end, and stands until it is seen to its end again; what a key was like stands until it has its turn again.
#include <algorithm>
#include <compare>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "collectors/database/redis/key_measures.h"
#include "collectors/database/redis/part.h"
#include "collectors/database/turns.h"

namespace sidewatch::database::redis {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t scan_step = 1000;         // keys that one SCAN looks at
constexpr Duration time_for_scanning = 200ms;    // of a pass
constexpr Duration time_for_keys = 200ms;        // of a pass
constexpr Duration pause_after_refusal = 5min;   // of SCAN, or of a key that we may not read

constexpr Metric keys_count{"redis_keys_count", MetricType::gauge, "",
                            "On request (check_keys with count): keys that match the pattern."};

struct Check {
  KeyCheck what;
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

// A key that is told of: once, however many checks are about it.
struct KeyName {
  std::int64_t db = 0;
  std::string key;
  auto operator<=>(const KeyName&) const = default;
};
struct Subject {
  std::string db_label;
  bool named = false;  // and not only matched
  bool streams = false;
  bool wanted = true;  // by a check, as they stand now
  KeyMeasures measures;
  std::optional<Failure> trouble;
  std::optional<Deadline> left_alone;
};

class KeysPart final : public Part {
 public:
  KeysPart(const RedisConfig& config, Catalog& catalog, const Labels& labels)
      : Part("check keys", Duration(0), catalog, labels),
        budget_(config.scan_budget),
        max_keys_(static_cast<std::size_t>(config.max_keys)) {
    for (const auto& check : config.keys) {
      checks_.push_back({.what = check, .label = "db" + std::to_string(check.db), .matching = {}, .matched = {}});
    }
    choose_subjects();
  }

 private:
  bool concerns(const ServerFacts& facts) const override { return !facts.sentinel; }

  void forget() override {
    selected_ = 0;
    refusal_.reset();
    for (auto& [name, subject] : subjects_) subject.left_alone.reset();
  }

  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    if (auto failure = scan_unless_refused(connection, output)) return failure;
    auto failure = take_turns(subjects_, last_, time_for_keys,
                              [&](auto& entry) { return ask_about(entry.first, entry.second, connection); });
    if (failure && failure->connection_lost) return failure;
    for (const auto& check : checks_) {
      if (!check.what.count || !check.scanned) continue;
      output.add(keys_count, check.counted, {{"db", check.label}, {"key", check.what.pattern}});
    }
    for (const auto& [name, subject] : subjects_) {
      subject.measures.add(subject.db_label, name.key, output);
      if (subject.trouble) output.note(*subject.trouble);
    }
    return failure;
  }

  // Who may not SCAN is told of the keys that are named all the same.
  std::optional<Failure> scan_unless_refused(Connection& connection, Output& output) {
    if (!refusal_ || refused_until_->left() == Duration(0)) {
      refusal_.reset();
      auto failure = scan(connection);
      if (failure && failure->kind != FailureKind::denied) return failure;
      refusal_ = std::move(failure);
      if (refusal_) refused_until_.emplace(pause_after_refusal);
    }
    if (refusal_) output.note(*refusal_);
    return std::nullopt;
  }

  // Goes on with the patterns, one after the other, for as long as the budget lasts.
  std::optional<Failure> scan(Connection& connection) {
    const Deadline deadline(time_for_scanning);
    std::int64_t left = budget_;
    bool anything_ended = false;
    std::optional<Failure> failure;
    for (std::size_t done = 0; done < checks_.size() && left > 0 && !failure; ++done) {
      Check& check = checks_[next_ % checks_.size()];
      const bool is_pattern = !check.what.pattern.empty();
      bool ended = !is_pattern;
      while (!ended && !failure && left > 0) {
        const std::int64_t step = std::min(left, scan_step);
        left = deadline.left() == Duration(0) ? 0 : left - step;  // at least one step
        failure = scan_step_of(check, step, connection, ended);
      }
      if (!ended) break;
      anything_ended = anything_ended || is_pattern;
      ++next_;
    }
    if (anything_ended) choose_subjects();
    return failure;
  }

  std::optional<Failure> scan_step_of(Check& check, std::int64_t step, Connection& connection, bool& ended) {
    if (auto failure = select(check.what.db, connection)) return failure;
    const Reply* reply = nullptr;
    const std::string count = std::to_string(step);
    if (auto failure = connection.ask({"SCAN", check.cursor, "MATCH", check.what.pattern, "COUNT", count}, reply)) {
      return failure;
    }
    if (reply->elements.size() != 2) return Failure{FailureKind::malformed, "SCAN is answered with nonsense", true};
    const std::size_t most_matching = max_keys_ + checks_.size();  // some of them may be named as well
    check.cursor = reply->elements[0].text;
    for (const auto& key : reply->elements[1].elements) {
      check.counting += 1;
      if (!check.what.count && check.matching.size() < most_matching) check.matching.insert(key.text);
    }
    ended = check.cursor == "0";
    if (ended) check.scan_ended();
    return std::nullopt;
  }

  // Named keys all, and of the matched ones so many that were not named.
  void choose_subjects() {
    for (auto& [name, subject] : subjects_) subject.wanted = subject.named = subject.streams = false;
    std::size_t matched = 0;
    for (const bool naming : {true, false}) {
      for (const auto& check : checks_) {
        if (naming && !check.what.key.empty()) choose(check, check.what.key, true);
        if (naming) continue;
        for (const auto& key : check.matched) {
          if (matched == max_keys_) break;
          if (choose(check, key, false)) ++matched;
        }
      }
    }
    std::erase_if(subjects_, [](const auto& entry) { return !entry.second.wanted; });
  }

  // Whether it was not chosen yet.
  bool choose(const Check& check, const std::string& key, bool named) {
    const auto [entry, is_new] = subjects_.try_emplace(KeyName{check.what.db, key});
    Subject& subject = entry->second;
    const bool first = is_new || !subject.wanted;
    subject.db_label = check.label;
    subject.wanted = true;
    subject.named = subject.named || named;
    subject.streams = subject.streams || check.what.groups;
    return first;
  }

  std::optional<Failure> ask_about(const KeyName& name, Subject& subject, Connection& connection) {
    if (subject.left_alone && subject.left_alone->left() > Duration(0)) return std::nullopt;
    subject.left_alone.reset();
    if (auto failure = select(name.db, connection)) return failure;
    const KeyQuestion question{name.key, subject.named, subject.streams};
    if (auto failure = subject.measures.ask(question, connection, subject.trouble)) return failure;
    if (subject.trouble) subject.left_alone.emplace(pause_after_refusal);
    return std::nullopt;
  }

  std::optional<Failure> select(std::int64_t db, Connection& connection) {
    if (selected_ == db) return std::nullopt;
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"SELECT", std::to_string(db)}, reply)) return failure;
    selected_ = db;
    return std::nullopt;
  }

  const std::int64_t budget_;
  const std::size_t max_keys_;
  std::vector<Check> checks_;
  std::size_t next_ = 0;  // the pattern that SCAN goes on with
  std::optional<Failure> refusal_;  // of SCAN
  std::optional<Deadline> refused_until_;
  std::map<KeyName, Subject> subjects_;
  KeyName last_;  // that was asked about
  std::int64_t selected_ = 0;
};

}  // namespace

std::unique_ptr<Part> make_keys_part(const RedisConfig& config, Catalog& catalog, const Labels& labels) {
  return std::make_unique<KeysPart>(config, catalog, labels);
}

std::vector<Metric> key_metrics() {
  auto metrics = key_measure_metrics();
  metrics.push_back(keys_count);
  return metrics;
}

}  // namespace sidewatch::database::redis
