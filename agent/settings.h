// The whole configuration, read and checked: everything the agent needs to start, or to go on with after a reload.
//
// Reading has no side effects: nothing is opened, bound or started, so that `sidewatch check` and a reload can read
// beside a running agent. What is started comes as plans.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/http/config.h"
#include "alerting/mute_times.h"
#include "alerting/receivers/table.h"
#include "alerting/routes/route.h"
#include "alerting/rule_group.h"
#include "collectors/table.h"
#include "config/problem.h"
#include "config/section.h"
#include "metrics/catalog.h"
#include "metrics/labels.h"
#include "metrics/store.h"

namespace sidewatch {

struct AgentSettings {
  Duration interval = std::chrono::seconds(5);
  std::string state_dir;  // empty: nothing survives the process
  std::map<std::string, std::string> labels;
  std::string host;  // what messages call this machine; never empty once it is read
};

struct LimitSettings {
  std::int64_t max_series = 20'000;
  std::int64_t max_series_per_metric = 5'000;
  std::int64_t max_labels = 32;
  std::int64_t max_label_value_bytes = 256;
  std::int64_t max_alerts_per_rule = 1'000;
  Duration query_timeout = std::chrono::seconds(10);
  std::int64_t max_query_samples = 5'000'000;
  config::Bytes max_query_response_bytes{16u << 20};
};

struct HistorySettings {
  Duration retention = std::chrono::hours(1);
  config::Bytes max_bytes{32u << 20};
  bool on_disk = true;  // where there is a state_dir
  Duration flush_interval = std::chrono::seconds(5);
};

struct Settings {
  AgentSettings agent;
  HttpConfig http;
  LimitSettings limits;
  HistorySettings history;
  std::vector<CollectorPlan> collectors;
  std::vector<RuleGroup> rule_groups;  // of `rules:`, of the rule files, and those that come with the agent
  std::vector<ReceiverPlan> receivers;
  std::vector<std::string> left_out;   // receivers whose only_if is empty
  Router router;  // to them
  std::vector<MuteTime> mute_times;
  std::vector<std::string> files;  // that were read
  std::string text;                // what they say together, as YAML, secrets replaced
};

void declare(config::Section& section, AgentSettings& agent);
void declare(config::Section& section, LimitSettings& limits);
void declare(config::Section& section, HistorySettings& history);

// Reads `path` and what it includes. When `problems` is not empty afterwards, the settings must not be used.
// `context` is what the receivers will be made with.
Settings load_settings(const std::string& path, const ReceiverContext& context, config::Problems& problems);

// What differs between two settings although only a restart can change it: "http.listen", "agent.state_dir".
std::vector<std::string> needs_restart(const Settings& running, const Settings& loaded);

// What can hardly be meant, though nothing is wrong with it: of the routes, and mute times that no route names.
std::vector<std::string> doubts_about(const Settings& settings);

// What a configuration watches, in words, for `sidewatch check` and the start of `sidewatch run`.
std::string describe(const Settings& settings);

// Every key with its type, default and meaning: Markdown, or a JSON Schema.
std::string reference_as_markdown();
std::string reference_as_json_schema();

}  // namespace sidewatch
