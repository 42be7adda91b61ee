// What services are made of, on machines that a test makes up; the ordinary ones stand in tests/cases/init.
#include "agent/init/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>

#include "agent/init/write_config.h"
#include "agent/settings.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::discovery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Listener listener(std::uint16_t port) { return {"127.0.0.1", port, port, "app", true}; }

Process process(pid_t pid, pid_t ppid, const std::string& comm, std::vector<Listener> listeners = {}) {
  Process made;
  made.pid = pid;
  made.ppid = ppid;
  made.comm = comm;
  made.exe = "/opt/" + comm;
  made.args = {made.exe};
  made.listeners = std::move(listeners);
  return made;
}

std::string problems_of(const std::string& config) {
  const TempDir directory;
  std::ofstream(directory / "sidewatch.yaml", std::ios::binary) << config;
  config::Problems problems;
  (void)load_settings(directory / "sidewatch.yaml", {}, problems);
  return problems.text();
}

TEST(Services, AreAsManyAsAPersonCanReadAndTheRestIsCounted) {
  Machine machine;
  for (int i = 0; i < 200; ++i) {
    const auto port = static_cast<std::uint16_t>(1000 + i);
    machine.processes.push_back(process(100 + i, 1, "service" + std::to_string(i), {listener(port)}));
  }
  const auto services = find_services(machine);
  EXPECT_EQ(services.watched.size(), 32u);
  EXPECT_EQ(services.more, 168u);
}

TEST(Services, HoldAServerAndItsWorkersInOne) {
  Machine machine;
  machine.processes = {process(10, 1, "web", {listener(80), listener(443)}), process(11, 10, "web", {listener(80)}),
                       process(12, 10, "web"), process(13, 12, "helper")};
  const auto services = find_services(machine);
  ASSERT_EQ(services.watched.size(), 1u);
  EXPECT_EQ(services.watched[0].processes, 3u);
  EXPECT_EQ(services.watched[0].listeners.size(), 2u);
  EXPECT_THAT(services.watched[0].match, ElementsAre(Condition{"comm", "web"}));
  EXPECT_EQ(services.watched[0].others, 0u);
}

TEST(Services, AreRecognisedByPortWhenAnotherProcessHasTheirName) {
  Machine machine;
  machine.processes = {process(10, 1, "web", {listener(80)}), process(20, 1, "web")};
  machine.processes[1].exe = "/home/app/web";
  machine.processes[0].exe = "/opt/server";
  const auto services = find_services(machine);
  ASSERT_EQ(services.watched.size(), 1u);
  EXPECT_THAT(services.watched[0].match, ElementsAre(Condition{"port", "80"}));
}

TEST(Services, SayHowManyOthersMatchWhenNothingTellsThemApart) {
  Machine machine;
  machine.processes = {process(10, 1, "web", {listener(80)}), process(20, 1, "web")};
  machine.processes[0].other_network = true;  // so that its port is not to be seen from here
  machine.processes[0].exe = "/opt/server";
  const auto services = find_services(machine);
  ASSERT_EQ(services.watched.size(), 1u);
  EXPECT_THAT(services.watched[0].match, ElementsAre(Condition{"comm", "web"}));
  EXPECT_EQ(services.watched[0].others, 1u);
}

TEST(Services, AreLeftOutWhenNothingCanBeSaidOfThem) {
  Machine machine;
  machine.processes = {process(10, 1, "\xff", {listener(80)})};
  machine.processes[0].other_network = true;
  machine.processes[0].exe = "/opt/\xff";
  EXPECT_THAT(find_services(machine).watched, IsEmpty());
}

TEST(Services, AreFoundAmongProcessesThatAreTheirOwnAncestors) {
  Machine machine;
  machine.processes = {process(10, 11, "web", {listener(80)}), process(11, 10, "web")};
  EXPECT_EQ(find_services(machine).watched.size(), 1u);
}

TEST(Services, HaveNamesOfTheirOwn) {
  Machine machine;
  for (const pid_t pid : {10, 11, 12}) {
    auto made = process(pid, 1, "node", {listener(static_cast<std::uint16_t>(3000 + pid))});
    made.exe = "/usr/bin/node";
    machine.processes.push_back(made);
  }
  machine.processes[2].listeners = {};
  std::vector<std::string> names;
  for (const auto& service : find_services(machine).watched) names.push_back(service.name);
  EXPECT_THAT(names, ElementsAre("node", "node-3011"));
}

// Any machine, however strange its texts, gives a configuration that is accepted, and the same one every time.
class AnyMachine : public testing::TestWithParam<unsigned> {};

class MachineMaker {
 public:
  explicit MachineMaker(unsigned seed) : random_(seed) {}

  Machine machine() {
    Machine made;
    made.place = static_cast<Place>(number(3));
    const auto count = static_cast<pid_t>(number(12));
    for (pid_t pid = 1; pid <= count; ++pid) made.processes.push_back(any_process(pid));
    for (std::size_t i = number(4); i > 0; --i) made.unclaimed.push_back(any_listener());
    for (std::size_t i = number(3); i > 0; --i) made.peers.push_back({text(), 5432});
    for (std::size_t i = number(3); i > 0; --i) made.sockets.push_back("/run/redis" + text() + ".sock");
    for (std::size_t i = number(3); i > 0; --i) made.disks.push_back({text(), number(1'000'000)});
    for (std::size_t i = number(3); i > 0; --i) made.filesystems.push_back({text(), text(), text()});
    for (std::size_t i = number(2); i > 0; --i) made.skipped.push_back(text());
    made.memory_bytes = number(1u << 30);
    made.cores = number(9);
    if (number(2) == 0) made.memory_limit = number(1u << 30);
    if (number(2) == 0) made.cpu_limit = 0.01 * static_cast<double>(number(1000));
    return made;
  }

  // Half of it pieces that mean something in YAML, in regular expressions or in templates, half of it any bytes.
  std::string text() {
    static const std::vector<std::string> pieces{
        "a", "node", "'", "\"", "\n", "\r\n", ": ", "#", " #", "{", "}", "[", "]", "${", "${HOME}", "$$", "{{", "}}", "\\",
        "%", "&", "*", "!", "|", ">", "- ", "---", "...", "\t", "\x01", "ü", "日", "\xff", "\xc2", "\xe2\x80\xa8", "true",
        "null", "~", "1", "0x1", " ", "/", ".js", "(", ")", "+", "?", "^", "@", "`", ",", "=", "\xef\xbb\xbf", "\xf0\x9f\x98\x80"};
    std::string made;
    for (std::size_t i = number(6); i > 0; --i) {
      made += number(8) == 0 ? std::string(1, static_cast<char>(1 + number(255))) : pieces[number(pieces.size())];
    }
    return made;
  }

  std::size_t number(std::size_t below) { return random_() % below; }

 private:
  Listener any_listener() {
    const auto port = static_cast<std::uint16_t>(1 + number(65'535));
    return {number(2) == 0 ? "127.0.0.1" : "[::]", port, number(1000), text(), number(2) == 0};
  }

  Process any_process(pid_t pid) {
    static const std::vector<std::string> programs{"node", "python3", "java", "nginx", "postgres", "sshd", "php8", "dotnet"};
    Process made;
    made.pid = pid;
    made.ppid = static_cast<pid_t>(number(13));
    made.comm = number(3) == 0 ? programs[number(programs.size())] : text();
    if (number(3) > 0) made.exe = "/usr/bin/" + (number(2) == 0 ? programs[number(programs.size())] : text());
    for (std::size_t i = number(4); i > 0; --i) made.args.push_back(number(2) == 0 ? programs[number(programs.size())] : text());
    made.directory = text();
    made.user = text();
    if (number(2) == 0) made.unit = text();
    if (number(4) == 0) made.container = "0123456789ab";
    for (std::size_t i = number(3); i > 0; --i) made.listeners.push_back(any_listener());
    made.other_network = number(4) == 0;
    return made;
  }

  std::mt19937 random_;
};

Findings any_findings(unsigned seed) {
  MachineMaker maker(seed);
  Findings findings;
  findings.machine = maker.machine();
  findings.services = find_services(findings.machine);
  for (const auto& service : findings.services.watched) {
    if (!service.listeners.empty()) findings.metrics_ports.push_back(service.listeners.front().port);
  }
  findings.state_dir = "/var/lib/sidewatch";
  return findings;
}

TEST_P(AnyMachine, GivesAConfigurationThatIsAccepted) {
  constexpr unsigned machines = 30;
  for (unsigned i = 0; i < machines; ++i) {
    const unsigned seed = GetParam() * machines + i;
    const std::string config = write_config(any_findings(seed));
    ASSERT_EQ(problems_of(config), "") << "seed " << seed << "\n" << config;
    ASSERT_EQ(config, write_config(any_findings(seed)));
    (void)summary(any_findings(seed));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyMachine, testing::Range(0u, 5u));

}  // namespace
}  // namespace sidewatch::discovery
