// A small world around a real Engine: rules from YAML, samples into a real store, time by hand, rows kept as a disk
// would.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/engine.h"
#include "metrics/store.h"

namespace sidewatch {

// The rules of a YAML text, as a configuration has them; a problem in it fails the test.
std::vector<RuleGroup> rules_of(std::string_view yaml);
std::vector<Rule> alerting_rules_of(std::string_view yaml);
// Those of a text as it stands in a rule file.
std::vector<RuleGroup> file_rules_of(const std::string& yaml, const std::string& name = "rules.yml");

class World {
 public:
  explicit World(std::string_view rules_yaml, Engine::Limits given = {}) : World(rules_of(rules_yaml), given) {}
  explicit World(std::vector<RuleGroup> groups, Engine::Limits given = {});

  // The samples of one metric as its source delivers them now; labels that are left out go stale.
  using Values = std::vector<std::pair<Labels, double>>;
  void deliver(const std::string& metric, const Values& values);

  TickResult tick();  // its rows are written and its messages collected
  // `seconds` later: one metric delivers, and the engine ticks.
  TickResult after(int seconds, const std::string& metric, const Values& values);
  TickResult after(int seconds, const std::string& metric, double value) {
    return after(seconds, metric, {{{}, value}});
  }
  TickResult wait(int seconds);  // nothing delivers, the engine ticks

  // kill -9, then a new process `down_seconds` later that has the same store of samples.
  RestoreReport restart(std::string_view rules_yaml, int down_seconds) { return restart(rules_of(rules_yaml), down_seconds); }
  RestoreReport restart(std::vector<RuleGroup> groups, int down_seconds);

  std::optional<double> value_of(const std::string& metric, const Labels& labels = {}) const;  // absent: stale, or unknown

  std::vector<std::string> take_told();  // "reason level value" of each message since the last call

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  Engine::Limits limits;
  Engine engine;
  Time now = time_at_ms(1'772'366'400'000);
  Duration wall_step{0};
  Router router = Router({std::string("oncall")});
  std::map<std::string, std::string> rows;
  std::vector<Notification> messages;  // all since the beginning

 private:
  struct Source {
    SourceId id{};
    std::map<std::string, SeriesHandle> series;
  };
  std::map<std::string, Source> sources_;
  std::size_t told_ = 0;
};

}  // namespace sidewatch
