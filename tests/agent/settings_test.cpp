#include "agent/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "base/json.h"
#include "tests/config/temporary_folder.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using config::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An environment variable as the test wants it (absent: unset), and afterwards as it was.
class Variable {
 public:
  Variable(const char* name, const std::optional<std::string>& value) : name_(name) {
    if (const char* old = std::getenv(name)) before_ = old;
    put(value);
  }
  ~Variable() { put(before_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void put(const std::optional<std::string>& value) {
    if (value) {
      ::setenv(name_, value->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

std::string read(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string in_repository(const std::string& path) { return std::string(SIDEWATCH_SOURCE_DIR) + "/" + path; }

struct Loading {
  Settings settings;
  std::string problems;
};

Loading load(const std::string& path) {
  config::Problems problems;
  Settings settings = load_settings(path, {}, problems);
  return {std::move(settings), problems.text()};
}

Settings load_text(const std::string& yaml) {
  const TemporaryFolder folder;
  auto loading = load(folder.write("sidewatch.yaml", yaml));
  EXPECT_EQ(loading.problems, "");
  return std::move(loading.settings);
}

TEST(Settings, HaveDefaultsForEverything) {
  const Settings settings = load_text("agent: {}\n");
  EXPECT_EQ(settings.agent.interval, 5s);
  EXPECT_EQ(settings.agent.state_dir, "");
  EXPECT_TRUE(settings.agent.labels.empty());
  ASSERT_EQ(settings.http.listen.size(), 1u);
  EXPECT_EQ(settings.http.listen[0].value, "127.0.0.1:9766");
  EXPECT_EQ(settings.limits.max_series, 20'000);
  EXPECT_EQ(settings.limits.max_series_per_metric, 5'000);
  EXPECT_EQ(settings.limits.max_alerts_per_rule, 1'000);
  EXPECT_EQ(settings.history.retention, 1h);
  EXPECT_EQ(settings.history.max_bytes.count, std::uint64_t{32} << 20);
  EXPECT_TRUE(settings.receivers.empty());
}

TEST(Settings, CallTheMachineByItsNameUnlessAnotherIsWritten) {
  char name[256] = {};
  ASSERT_EQ(gethostname(name, sizeof name - 1), 0);
  EXPECT_EQ(load_text("agent: {}\n").agent.host, name);
  EXPECT_EQ(load_text("agent: {host: \"\"}\n").agent.host, name);
  EXPECT_EQ(load_text("history: {}\n").agent.host, name);
  const Settings settings = load_text("agent: {host: web-1}\nreceivers: [{name: chat, log: {}}]\n");
  EXPECT_EQ(settings.agent.host, "web-1");
  EXPECT_EQ(settings.router.to_match(Labels{}).get("instance"), "web-1");
  const TemporaryFolder folder;
  EXPECT_THAT(load(folder.write("c.yaml", "agent: {host: \"a\\nb\"}\n")).problems, HasSubstr("c.yaml:1:16: agent.host is one line"));
  const Settings other = load_text("agent: {host: web-2}\nreceivers: [{name: chat, log: {}}]\n");
  EXPECT_NE(settings.receivers.at(0).fingerprint, other.receivers.at(0).fingerprint) << "a reload makes the receiver anew";
}

TEST(Settings, TakeWhatTheFileSays) {
  const Settings settings = load_text(R"(
agent: {interval: 1s, state_dir: /var/lib/x, labels: {service: checkout}}
http: {listen: [127.0.0.1:1234, "unix:/run/x.sock"]}
limits: {max_series: 500}
history: {retention: 2h, max_bytes: 64MiB}
receivers:
  - {name: oncall, log: {}}
)");
  EXPECT_EQ(settings.agent.interval, 1s);
  EXPECT_EQ(settings.agent.state_dir, "/var/lib/x");
  EXPECT_EQ(settings.agent.labels.at("service"), "checkout");
  EXPECT_EQ(settings.http.listen.size(), 2u);
  EXPECT_EQ(settings.limits.max_series, 500);
  EXPECT_EQ(settings.history.retention, 2h);
  EXPECT_EQ(settings.history.max_bytes.count, std::uint64_t{64} << 20);
  ASSERT_EQ(settings.receivers.size(), 1u);
  EXPECT_EQ(settings.receivers[0].name, "oncall");
}

TEST(Settings, AlwaysWatchTheAgentItself) {
  const Settings settings = load_text("agent: {}\n");
  ASSERT_FALSE(settings.collectors.empty());
  EXPECT_EQ(settings.collectors.back().name, "self");
  ASSERT_EQ(count_rules(settings.rule_groups), 3u);
  EXPECT_EQ(name_of(settings.rule_groups[0].rules[0]), "CollectorFailing");
}

TEST(Settings, TellEveryMistakeOfAFileAtOnce) {
  const TemporaryFolder folder;
  const auto path = folder.write("sidewatch.yaml", "agent: {intervall: 5s}\nlimits: {max_series: 1}\nhistry: {}\n");
  const auto loading = load(path);
  EXPECT_THAT(loading.problems, HasSubstr(path + ":1:9: unknown key 'intervall', did you mean 'interval'?"));
  EXPECT_THAT(loading.problems, HasSubstr(path + ":2:"));
  EXPECT_THAT(loading.problems, HasSubstr(path + ":3:1: unknown key 'histry', did you mean 'history'?"));
}

TEST(Settings, AreAProblemWhenTheFileIsNotThere) {
  const TemporaryFolder folder;
  const auto loading = load(folder.path() + "/absent.yaml");
  EXPECT_THAT(loading.problems, HasSubstr("absent.yaml"));
  EXPECT_THAT(loading.settings.files, IsEmpty());
}

TEST(Settings, AcceptTheQuickstartAndDescribeIt) {
  const Variable state("SIDEWATCH_STATE_DIR", std::nullopt);
  const Variable url("WEBHOOK_URL", std::nullopt);
  const auto loading = load(in_repository("config/examples/quickstart.yaml"));
  ASSERT_EQ(loading.problems, "");
  EXPECT_EQ(describe(loading.settings), R"(Watches
  host: CPU, memory, load, disks and network of this host, every 5s
  host:filesystem: local filesystems of this host, every 5s
  host:filesystem:remote: network filesystems mounted on this host, every 5s
  process: processes: sidewatch (pid self), every 5s
  self: the agent itself, every 5s
Judges 7 rules
  HostMemoryHigh: warning > 80, critical > 95
  HostCpuHigh: warning > 70, critical > 90
  HostDiskFull: warning > 85, critical > 95
  ProcessMemoryHigh: warning > 256MiB, critical > 512MiB
  CollectorFailing: warning == 0
  HistoryNotOnDisk: warning == 0
  SeriesLeftOut: warning > 0
Tells
  log: the log
  webhook is left out, because its only_if is empty here
Serves http://127.0.0.1:9766/metrics
Keeps its state in .sidewatch
)");
}

TEST(Settings, TakeTheQuickstartsAddressesFromTheEnvironment) {
  const Variable state("SIDEWATCH_STATE_DIR", "/var/lib/elsewhere");
  const Variable url("WEBHOOK_URL", "http://127.0.0.1:8080/secret-path");
  const auto loading = load(in_repository("config/examples/quickstart.yaml"));
  ASSERT_EQ(loading.problems, "");
  EXPECT_EQ(loading.settings.agent.state_dir, "/var/lib/elsewhere");
  ASSERT_EQ(loading.settings.receivers.size(), 2u);
  EXPECT_EQ(loading.settings.receivers[1].name, "webhook");
  EXPECT_THAT(describe(loading.settings), HasSubstr("  webhook: webhook http://127.0.0.1:8080/...\n"));
}

TEST(Settings, AcceptTheConfigurationThatTheReadmeShows) {
  const std::string readme = read(in_repository("README.md"));
  const std::string begin = "```yaml\n";
  const auto from = readme.find(begin);
  ASSERT_NE(from, std::string::npos);
  const auto to = readme.find("```", from + begin.size());
  ASSERT_NE(to, std::string::npos);
  const TemporaryFolder folder;
  const auto path = folder.write("readme.yaml", readme.substr(from + begin.size(), to - from - begin.size()));

  const Variable url("ONCALL_URL", "http://127.0.0.1:8080/alerts");
  const auto loading = load(path);
  ASSERT_EQ(loading.problems, "");
  EXPECT_EQ(name_of(loading.settings.rule_groups.at(0).rules.at(0)), "CheckoutMemory");
  EXPECT_EQ(loading.settings.receivers.at(0).name, "oncall");
}

TEST(Settings, NeedTheVariableThatTheReadmeNames) {
  const Variable url("ONCALL_URL", std::nullopt);
  const TemporaryFolder folder;
  const auto path = folder.write("sidewatch.yaml", "receivers:\n  - {name: oncall, webhook: {url: \"${ONCALL_URL}\"}}\n");
  EXPECT_THAT(load(path).problems, HasSubstr("ONCALL_URL"));
}

TEST(Describe, ShowsTheRoutesInTheirOrderAndWarnsOfWhatReachesNobody) {
  const std::string text = describe(load_text(R"(receivers:
  - {name: pager, log: {}}
  - {name: chat, log: {}}
routes:
  - {match: severity="critical", receivers: pager}
  - {match: team=~"pay.*", receivers: [], continue: true}
)"));
  EXPECT_THAT(text, HasSubstr("Routes\n  severity=\"critical\": pager\n  team=~\"pay.*\": nobody; then on to the next\n"));
  EXPECT_THAT(text, HasSubstr("Warning: alerts that no route takes are told to nobody; a last route without `match` would "
                              "take them\n"
                              "Warning: receiver chat is told nothing: no route names it, and it is nobody's fallback\n"));
}

TEST(Describe, WarnsOfMuteTimesThatNoRouteNames) {
  const std::string text = describe(load_text(R"(receivers: [{name: chat, log: {}}]
mute_times:
  - {name: nights, times: [{from: "22:00", to: "07:00"}]}
  - {name: weekends, times: [{days: [sat, sun]}]}
routes: [{receivers: chat, mute: weekends}]
)"));
  EXPECT_THAT(text, HasSubstr("Warning: mute time nights mutes nothing: no route names it\n"));
  EXPECT_EQ(text.find("mute time weekends"), std::string::npos);
}

TEST(Describe, SaysThatNobodyIsToldAndNothingSurvives) {
  const std::string text = describe(load_text("agent: {}\n"));
  EXPECT_THAT(text, HasSubstr("Judges 3 rules\n"));
  EXPECT_THAT(text, HasSubstr("Tells nobody: there is no receiver\n"));
  EXPECT_THAT(text, HasSubstr("Keeps its state in memory only: alerts, unsent messages and samples do not survive a restart"));
}

TEST(Describe, NamesEveryAddress) {
  EXPECT_THAT(describe(load_text("http: {listen: [127.0.0.1:1234, \"[::1]:1234\"]}\n")),
              HasSubstr("Serves http://127.0.0.1:1234/metrics\nServes http://[::1]:1234/metrics\n"));
}

TEST(Describe, WritesWhatCannotBeOpenedAsItIs) {
  EXPECT_THAT(describe(load_text("http: {listen: [\":1234\", \"unix:/run/x.sock\"]}\n")),
              HasSubstr("Serves http://localhost:1234/metrics\nServes /metrics on unix:/run/x.sock\n"));
}

TEST(Describe, WarnsOnceOfStatsdAddressesThatOthersReach) {
  const std::string text = describe(load_text("collectors:\n  statsd: {listen: [\"udp://127.0.0.1:8125\", \"udp://:8126\", "
                                              "\"tcp://0.0.0.0:8126\", \"unix:///run/s.sock\"]}\n"));
  EXPECT_THAT(text, HasSubstr("\nWarning: statsd: whoever reaches udp://:8126 and tcp://0.0.0.0:8126 can write metrics"));
  EXPECT_THAT(describe(load_text("collectors: {statsd: {}}\n")), testing::Not(HasSubstr("Warning")));
}

TEST(Describe, WarnsOfAReceiverThatTrustsAnybody) {
  const std::string receivers = "receivers: [{name: oncall, webhook: {url: \"https://h/\"";
  EXPECT_THAT(describe(load_text(receivers + ", tls: {insecure_skip_verify: true}}}]\n")),
              HasSubstr("\nWarning: receiver oncall: tls.insecure_skip_verify is true"));
  EXPECT_THAT(describe(load_text(receivers + "}}]\n")), testing::Not(HasSubstr("Warning")));
}

TEST(NeedsRestart, IsEmptyWhenOnlyWhatAReloadCanChangeDiffers) {
  const Settings running = load_text("agent: {interval: 5s}\n");
  EXPECT_THAT(needs_restart(running, running), IsEmpty());
  EXPECT_THAT(needs_restart(running, load_text(R"(
agent: {interval: 1s}
collectors: {host: {}}
rules: [{alert: A, expr: up, warning: "> 1"}]
receivers: [{name: oncall, log: {}}]
)")),
              IsEmpty());
}

TEST(NeedsRestart, NamesEachKeyThatOnlyARestartCanChange) {
  const Settings running = load_text("agent: {}\n");
  const auto changed = [&](const std::string& yaml) { return needs_restart(running, load_text(yaml)); };
  EXPECT_THAT(changed("agent: {state_dir: /var/lib/x}\n"), ElementsAre("agent.state_dir"));
  EXPECT_THAT(changed("agent: {labels: {service: x}}\n"), ElementsAre("agent.labels"));
  EXPECT_THAT(changed("http: {listen: 127.0.0.1:1}\n"), ElementsAre("http.listen"));
  EXPECT_THAT(changed("limits: {max_series: 500}\n"), ElementsAre("limits"));
  EXPECT_THAT(changed("limits: {max_alerts_per_rule: 5}\n"), ElementsAre("limits"));
  EXPECT_THAT(changed("history: {retention: 2h}\n"), ElementsAre("history"));
  EXPECT_THAT(changed("history: {max_bytes: 64MiB}\n"), ElementsAre("history"));
  EXPECT_THAT(changed("agent: {state_dir: /x}\nhistory: {retention: 2h}\n"), ElementsAre("agent.state_dir", "history"));
}

TEST(NeedsRestart, NamesWhatElseOfTheServerIsReadOnlyOnce) {
  const Settings running = load_text("agent: {}\n");
  const auto changed = [&](const std::string& yaml) { return needs_restart(running, load_text(yaml)); };
  EXPECT_THAT(changed("http: {hosts: [metrics.example]}\n"), ElementsAre("http.hosts"));
  EXPECT_THAT(changed("http: {allow_remote_reload: true}\n"), ElementsAre("http.allow_remote_reload"));
  EXPECT_THAT(changed("http: {max_connections: 64}\n"), ElementsAre("http"));
}

TEST(Reference, NamesEveryTopLevelKeyInBothForms) {
  const std::string markdown = reference_as_markdown();
  const auto schema = JsonValue::parse(reference_as_json_schema());
  ASSERT_TRUE(schema) << schema.error().text();
  for (const auto* key : {"agent", "http", "collectors", "history", "rules", "receivers", "limits"}) {
    EXPECT_THAT(markdown, HasSubstr(key));
    EXPECT_TRUE((*schema)["properties"].has(key)) << key;
  }
}

}  // namespace
}  // namespace sidewatch
