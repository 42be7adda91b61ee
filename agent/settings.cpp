#include "agent/settings.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <variant>

#include "agent/http/listener.h"
#include "alerting/mute_times_config.h"
#include "alerting/receivers/host_name.h"
#include "alerting/routes/route_config.h"
#include "alerting/rule_sources.h"
#include "config/document.h"
#include "config/literals.h"
#include "config/reference.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using config::between;
using config::Section;

constexpr std::size_t max_host_bytes = 255;  // of a host name, and of HOSTNAME in a system log

// `collectors:` is declared by the table of collectors.
struct CollectorList {
  std::vector<CollectorPlan> plans;
};

void declare(Section& section, CollectorList& list) {
  for (const auto& kind : collector_kinds()) kind.configure(section, list.plans);
}

// The agent watches itself, also where the configuration has no `collectors:`.
void plan_without_key(CollectorList& list) {
  config::Problems none;
  config::Document::parse("", "collectors: {}", {}, none).visit([&](Section& top) {
    top.section("collectors", list, "");
  });
}

// Of collectors that run at agent.interval, which they do not know.
void check_timeouts(Section& top, const Settings& settings) {
  for (const auto& plan : settings.collectors) {
    if (plan.interval || !plan.timeout || plan.timeout->value <= settings.agent.interval) continue;
    top.problem(plan.timeout->mark, "this timeout is longer than agent.interval (" +
                                        config::write_duration(settings.agent.interval) +
                                        "), at which it runs: make it shorter, or give it an interval of its own");
  }
}

void declare_all(Section& top, Settings& settings, const ReceiverContext& context, RuleSources& rules) {
  top.section("agent", settings.agent, "the agent as a whole");
  if (settings.agent.host.empty() && !top.describing()) settings.agent.host = host_name();
  top.section("http", settings.http, "its own HTTP server: /metrics and the API");
  CollectorList list;
  top.section("collectors", list, "where samples come from");
  if (!top.has("collectors") && !top.describing()) plan_without_key(list);
  settings.collectors = std::move(list.plans);
  check_timeouts(top, settings);
  top.section("history", settings.history, "the recent past that rules and queries look back on");
  declare(top, rules);
  ReceiverContext with_links = context;
  with_links.external_url = settings.http.external_url.value;
  with_links.host = settings.agent.host;
  const ReceiverNames names = configure_receivers(top, with_links, settings.receivers);
  configure_mute_times(top, settings.mute_times);
  std::vector<std::string> mute_names;
  for (const auto& mute : settings.mute_times) mute_names.push_back(mute.name);
  settings.router = configure_routes(top, names, mute_names);
  settings.left_out = names.left_out;
  settings.router.name_host(settings.agent.host);
  top.section("limits", settings.limits, "how much of everything there may be");
}

std::string count(std::size_t n, std::string_view one, std::string_view many) {
  return std::to_string(n) + " " + std::string(n == 1 ? one : many);
}

// A threshold of whole mebibytes was most likely written as a size, and reads better as one.
std::string describe_threshold(const Threshold& threshold) {
  constexpr double mebibyte = 1 << 20;
  const bool is_size = threshold.bound >= mebibyte && threshold.bound < 1e18 && std::fmod(threshold.bound, mebibyte) == 0;
  if (!is_size) return to_string(threshold);
  const config::Bytes size{static_cast<std::uint64_t>(threshold.bound)};
  return std::string(to_string(threshold.comparison)) + " " + config::write_size(size);
}

// In Prometheus's form the level is in the severity label, which may be a template.
std::string describe_presence(const Rule& rule) {
  std::string text = "whatever its expression gives";
  const auto severity = std::find_if(rule.labels.begin(), rule.labels.end(),
                                     [](const auto& label) { return label.first == "severity"; });
  if (severity != rule.labels.end()) text += ", severity " + severity->second.text();
  const Hold& hold = rule.policy.warning->hold;
  if (hold.duration > Duration(0)) text += ", for " + config::write_duration(hold.duration);
  return text;
}

std::string describe_levels(const Rule& rule) {
  if (rule.by_presence) return describe_presence(rule);
  std::string text;
  const auto add = [&text](std::string_view level, const std::optional<LevelPolicy>& policy) {
    if (!policy) return;
    text += text.empty() ? "" : ", ";
    text += std::string(level) + " " + describe_threshold(policy->threshold);
  };
  add("warning", rule.policy.warning);
  add("critical", rule.policy.critical);
  return text;
}

// What a person can open or copy.
std::string metrics_url(const std::string& listen) {
  const auto address = parse_http_address(listen);
  if (!address || address->kind == HttpAddress::Kind::unix_path) return "/metrics on " + listen;
  return "http://" + (address->kind == HttpAddress::Kind::any ? "localhost:" + std::to_string(address->port) : listen) +
         "/metrics";
}

std::string describe_rule(const AnyRule& any) {
  if (const auto* rule = std::get_if<Rule>(&any)) return rule->name + ": " + describe_levels(*rule);
  const auto& recording = std::get<RecordingRule>(any);
  return recording.name + ": recorded";
}

// A group of a file is named with its file; `rules:` and what is built in need no heading.
std::string describe_groups(const std::vector<RuleGroup>& groups) {
  std::string text = "Judges " + count(count_rules(groups), "rule", "rules") + "\n";
  for (const RuleGroup& group : groups) {
    const bool of_file = group.from_file;
    if (of_file) {
      text += "  " + group.name + " in " + group.file;
      if (group.interval > Duration(0)) text += ", every " + config::write_duration(group.interval);
      text += "\n";
    }
    for (const AnyRule& any : group.rules) text += (of_file ? "    " : "  ") + describe_rule(any) + "\n";
  }
  return text;
}

// The first that takes an alert decides, so they are shown in their order.
// When each is in force, in its own time zone.
std::string describe_mute_times(const std::vector<MuteTime>& mutes) {
  if (mutes.empty()) return "";
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  std::string text = "Mutes\n";
  for (const MuteTime& mute : mutes) text += "  " + describe(mute, now) + "\n";
  return text;
}

std::string describe_routes(const Router& router) {
  if (!router.has_routes()) return "";
  std::string text = "Routes\n";
  for (const Route& route : router.routes()) text += "  " + describe(route) + "\n";
  return text;
}

bool is_host(const std::string& name) {
  const bool blank = name.starts_with(' ') || name.ends_with(' ');
  return name.size() <= max_host_bytes && !blank &&
         std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::vector<std::string> listen_addresses(const HttpConfig& http) {
  std::vector<std::string> addresses;
  for (const auto& listen : http.listen) addresses.push_back(listen.value);
  return addresses;
}

}  // namespace

void declare(Section& section, AgentSettings& agent) {
  section.optional("interval", agent.interval,
                   "how often everything is sampled, and its rules judged", between(100ms, 1h));
  section.optional("state_dir", agent.state_dir,
                   "a directory, such as /var/lib/sidewatch, where alerts, unsent messages and samples survive a crash "
                   "and a restart; without it they end with the process");
  std::map<std::string, config::Located<std::string>> labels;
  section.optional("labels", labels, "labels that every series and every alert gets, as in {service: checkout}");
  for (const auto& [name, value] : labels) {
    if (!is_legal_label_name(name)) {
      section.problem(value.mark, "'" + name + "' is not a label name; letters, digits and '_', no digit first");
    } else if (name == "alertname" || name.starts_with("__")) {
      section.problem(value.mark, "the label '" + name + "' is set by sidewatch itself");
    }
    agent.labels[name] = value.value;
  }
  config::Located<std::string> host;
  section.optional("host", host,
                   "what messages call this machine, and the `instance` by which silences and routes know an alert that has "
                   "none (default: its host name; in a container the container's, in Kubernetes the pod's)");
  if (is_host(host.value)) {
    agent.host = host.value;
  } else {
    section.problem(host.mark, "agent.host is one line of at most 255 bytes, such as web-1");
  }
}

void declare(Section& section, LimitSettings& limits) {
  using Integers = config::Between<std::int64_t>;
  section.optional("max_series", limits.max_series,
                   "series in all, a tenth of them kept for what the agent measures itself; of a metric that has no room "
                   "left, further ones share one series with the label overflow", Integers{100, 1'000'000});
  section.optional("max_series_per_metric", limits.max_series_per_metric,
                   "series of one metric name; further ones share one series, likewise", Integers{10, 1'000'000});
  section.optional("max_labels", limits.max_labels,
                   "labels of one series, common ones included; one with more goes to the series with the label overflow",
                   Integers{4, 128});
  section.optional("max_label_value_bytes", limits.max_label_value_bytes,
                   "size of a label's value; longer ones are cut", Integers{16, 65'536});
  section.optional("max_alerts_per_rule", limits.max_alerts_per_rule,
                   "alerts of one rule at a time; beyond, further ones are counted and not raised",
                   Integers{1, 100'000});
  section.optional("query_timeout", limits.query_timeout,
                   "how long a query over HTTP may take, its wait for a thread included", between(100ms, 5min));
  section.optional("max_query_samples", limits.max_query_samples,
                   "samples that one query over HTTP may hold in memory (16 bytes each)", Integers{1'000, 100'000'000});
  section.optional("max_query_response_bytes", limits.max_query_response_bytes, "size of the answer to a query over HTTP",
                   config::Between<config::Bytes>{{std::uint64_t{64} << 10}, {std::uint64_t{1} << 30}});
}

void declare(Section& section, HistorySettings& history) {
  section.optional("retention", history.retention,
                   "how long samples are remembered: as far as a rule or a query can look back", between(1min, 24h));
  section.optional("max_bytes", history.max_bytes,
                   "memory for samples; the oldest go first. On disk they take two and a half times as much at most",
                   config::Between<config::Bytes>{{std::uint64_t{1} << 20}, {std::uint64_t{1} << 30}});
  section.optional("on_disk", history.on_disk,
                   "keep samples in agent.state_dir too, so that they are there again after a restart; without a "
                   "state_dir they are in memory only");
  section.optional("flush_interval", history.flush_interval,
                   "how often samples are written to the disk: a crash costs at most this much of them",
                   between(100ms, 10min));
}

Settings load_settings(const std::string& path, const ReceiverContext& context, config::Problems& problems) {
  Settings settings;
  auto document = config::Document::load(path, config::process_environment(), problems);
  settings.files = document.files();
  if (settings.files.empty()) return settings;  // not even the file could be read
  RuleSources rules;
  ReceiverContext with_document = context;
  with_document.outside = document.outside_texts();
  document.visit([&](Section& top) { declare_all(top, settings, with_document, rules); });
  settings.rule_groups = load_rules(rules, settings.files, problems);
  add_unless_named(settings.rule_groups, {std::move(rules.builtin)});
  settings.text = document.masked_yaml();
  return settings;
}

std::vector<std::string> needs_restart(const Settings& running, const Settings& loaded) {
  std::vector<std::string> keys;
  const auto compare = [&keys](bool same, const char* key) {
    if (!same) keys.emplace_back(key);
  };
  compare(running.agent.state_dir == loaded.agent.state_dir, "agent.state_dir");
  compare(running.agent.labels == loaded.agent.labels, "agent.labels");
  compare(listen_addresses(running.http) == listen_addresses(loaded.http), "http.listen");
  compare(running.http.hosts == loaded.http.hosts, "http.hosts");
  compare(running.http.allow_remote_reload == loaded.http.allow_remote_reload, "http.allow_remote_reload");
  compare(running.http.allow_remote_push == loaded.http.allow_remote_push, "http.allow_remote_push");
  compare(running.http.allow_remote_silences == loaded.http.allow_remote_silences, "http.allow_remote_silences");
  compare(running.http.limits == loaded.http.limits, "http");
  compare(running.limits.max_series == loaded.limits.max_series &&
              running.limits.max_series_per_metric == loaded.limits.max_series_per_metric &&
              running.limits.max_labels == loaded.limits.max_labels &&
              running.limits.max_label_value_bytes == loaded.limits.max_label_value_bytes &&
              running.limits.max_alerts_per_rule == loaded.limits.max_alerts_per_rule &&
              running.limits.query_timeout == loaded.limits.query_timeout &&
              running.limits.max_query_samples == loaded.limits.max_query_samples &&
              running.limits.max_query_response_bytes == loaded.limits.max_query_response_bytes,
          "limits");
  compare(running.history.retention == loaded.history.retention &&
              running.history.max_bytes == loaded.history.max_bytes &&
              running.history.on_disk == loaded.history.on_disk &&
              running.history.flush_interval == loaded.history.flush_interval,
          "history");
  return keys;
}

std::vector<std::string> doubts_about(const Settings& settings) {
  auto doubts = doubts_about(settings.router, settings.receivers);
  for (const MuteTime& mute : settings.mute_times) {
    const auto& routes = settings.router.routes();
    const bool used = std::any_of(routes.begin(), routes.end(), [&](const Route& route) {
      return std::find(route.mute.begin(), route.mute.end(), mute.name) != route.mute.end();
    });
    if (!used) doubts.push_back("mute time " + mute.name + " mutes nothing: no route names it");
  }
  return doubts;
}

std::string describe(const Settings& settings) {
  std::string text = "Watches\n";
  for (const auto& plan : settings.collectors) {
    text += "  " + plan.name + ": " + plan.watches + ", every " +
            config::write_duration(plan.interval.value_or(settings.agent.interval)) + "\n";
  }
  text += describe_groups(settings.rule_groups);
  text += !settings.receivers.empty()  ? "Tells\n"
          : settings.left_out.empty() ? "Tells nobody: there is no receiver\n"
                                      : "Tells nobody: no receiver is in use\n";
  for (const auto& receiver : settings.receivers) text += "  " + receiver.name + ": " + receiver.description + "\n";
  for (const auto& name : settings.left_out) text += "  " + name + " is left out, because its only_if is empty here\n";
  text += describe_routes(settings.router);
  text += describe_mute_times(settings.mute_times);
  for (const auto& address : listen_addresses(settings.http)) text += "Serves " + metrics_url(address) + "\n";
  text += settings.agent.state_dir.empty()
              ? "Keeps its state in memory only: alerts, unsent messages and samples do not survive a restart "
                "(set agent.state_dir)\n"
              : "Keeps its state in " + settings.agent.state_dir + "\n";
  for (const auto& plan : settings.collectors) {
    if (!plan.warning.empty()) text += "Warning: " + plan.name + ": " + plan.warning + "\n";
  }
  for (const auto& receiver : settings.receivers) {
    if (!receiver.warning.empty()) text += "Warning: receiver " + receiver.name + ": " + receiver.warning + "\n";
  }
  for (const auto& warning : doubts_about(settings)) text += "Warning: " + warning + "\n";
  return text;
}

std::string reference_as_markdown() {
  return config::Reference::of([](Section& top) {
           Settings settings;
           RuleSources rules;
           declare_all(top, settings, {}, rules);
         }).markdown();
}

std::string reference_as_json_schema() {
  return config::Reference::of([](Section& top) {
           Settings settings;
           RuleSources rules;
           declare_all(top, settings, {}, rules);
         }).json_schema();
}

}  // namespace sidewatch
