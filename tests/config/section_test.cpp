#include "config/section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/config/sample.h"
#include "tests/config/temporary_folder.h"

namespace sidewatch::config {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Section, ReadsEveryKindOfField) {
  const auto outcome = read_sample(R"(
agent: {interval: 250ms, state_dir: "", labels: {service: checkout, version: 1.10, answer: no}}
store: {path: /var/lib/x.db}
servers:
  - name: front
    listen: "localhost:80"
    port: 8080
    ratio: 90%
    body_limit: 512MiB
    tls: true
    level: high
    match: ^/api/
    token: abc
    headers: {X-Key: def}
    paths: [/a, "/b", 3]
    checks: [one, two]
    limit: {above: 80, clear: 75%, for: 1m30s}
    workers: 4
    note: |
      several
      lines
  - {name: back, ratio: 12.5, limit: "> 5", paths: /only}
)");
  EXPECT_EQ(outcome.problems.text(), "");
  const auto& sample = outcome.sample;
  EXPECT_EQ(sample.agent.interval, 250ms);
  EXPECT_EQ(sample.agent.state_dir, "");
  EXPECT_THAT(sample.agent.labels,
              ElementsAre(Pair("answer", "no"), Pair("service", "checkout"), Pair("version", "1.10")));
  ASSERT_TRUE(sample.store);
  EXPECT_EQ(sample.store->path, "/var/lib/x.db");
  ASSERT_EQ(sample.servers.size(), 2u);
  const auto& front = sample.servers[0];
  EXPECT_EQ(front.name, "front");
  EXPECT_EQ(front.listen.value, "localhost:80");
  EXPECT_EQ(front.port, 8080);
  EXPECT_EQ(front.ratio, 90);
  EXPECT_EQ(front.body_limit.count, 512u << 20);
  EXPECT_TRUE(front.tls);
  EXPECT_EQ(front.level, Level::high);
  EXPECT_TRUE(front.match.partial_match("/api/x"));
  EXPECT_EQ(front.token.reveal(), "abc");
  EXPECT_EQ(front.headers.at("X-Key").reveal(), "def");
  EXPECT_THAT(front.paths, ElementsAre("/a", "/b", "3"));
  ASSERT_EQ(front.checks.size(), 2u);
  EXPECT_EQ(front.checks[1].value, "two");
  ASSERT_TRUE(front.limit);
  EXPECT_EQ(front.limit->above, 80);
  EXPECT_EQ(front.limit->clear, 75);
  EXPECT_EQ(front.limit->hold, 90s);
  EXPECT_EQ(front.workers, 4);
  ASSERT_TRUE(front.note);
  EXPECT_EQ(front.note->value, "several\nlines\n");
  const auto& back = sample.servers[1];
  EXPECT_EQ(back.ratio, 12.5);
  EXPECT_EQ(back.limit->above, 5);
  EXPECT_THAT(back.paths, ElementsAre("/only"));
}

TEST(Section, LeavesWhatIsNotWrittenAsItWas) {
  const auto outcome = read_sample("servers: [{name: a}]\n");
  EXPECT_EQ(outcome.problems.text(), "");
  EXPECT_EQ(outcome.sample.agent.interval, 5s);
  EXPECT_FALSE(outcome.sample.store);
  const auto& server = outcome.sample.servers.at(0);
  EXPECT_EQ(server.port, 80);
  EXPECT_EQ(server.level, Level::low);
  EXPECT_FALSE(server.limit);
  EXPECT_FALSE(server.workers);
  EXPECT_TRUE(server.token.empty());
}

TEST(Section, LeavesTheDefaultWhereAValueIsWrong) {
  const auto outcome = read_sample("agent: {interval: soon}\nservers: [{name: a, port: 0, level: x, tls: yes}]\n");
  EXPECT_EQ(outcome.problems.size(), 4u);
  EXPECT_EQ(outcome.sample.agent.interval, 5s);
  EXPECT_EQ(outcome.sample.servers.at(0).port, 80);
  EXPECT_EQ(outcome.sample.servers.at(0).level, Level::low);
  EXPECT_FALSE(outcome.sample.servers.at(0).tls);
}

// Where the text of the first server's note begins, as "line:column".
std::string note_place(std::string_view note) {
  const auto outcome = read_sample("servers:\n- name: a\n  note: " + std::string(note) + "\n");
  if (!outcome.problems.empty() || !outcome.sample.servers.at(0).note) return outcome.problems.text();
  const auto& mark = outcome.sample.servers.at(0).note->mark;
  return std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

TEST(Section, LocatesTheFirstCharacterOfAText) {
  EXPECT_EQ(note_place("text"), "3:9");
  EXPECT_EQ(note_place("   text"), "3:12");
  EXPECT_EQ(note_place("\"text\""), "3:10");
  EXPECT_EQ(note_place("'text'"), "3:10");
  EXPECT_EQ(note_place("|\n    text"), "4:5");
  EXPECT_EQ(note_place(">-\n\n\n     text"), "6:6");
  EXPECT_EQ(note_place("&anchor text"), "3:17");
  EXPECT_EQ(note_place("&anchor 'text'"), "3:18");
  EXPECT_EQ(note_place("\n    text"), "4:5");
}

TEST(Section, SaysWhetherATextWasExpanded) {
  const auto outcome = read_sample("servers: [{name: a, listen: \"${NAME}:80\", note: \"$NAME\"}]\n");
  EXPECT_EQ(outcome.problems.text(), "");
  EXPECT_EQ(outcome.sample.servers.at(0).listen.value, "checkout:80");
  EXPECT_TRUE(outcome.sample.servers.at(0).listen.expanded);
  EXPECT_EQ(outcome.sample.servers.at(0).note->value, "$NAME");
  EXPECT_FALSE(outcome.sample.servers.at(0).note->expanded);
}

TEST(Section, TypesAnExpandedValueAsIfItWereWrittenThere) {
  const auto outcome = read_sample(R"(
agent: {interval: "${NO_SUCH:-30s}", state_dir: "${YAML}"}
servers:
  - name: ${NAME}
    port: "${PORT}"
    tls: ${NO_SUCH:-true}
    ratio: "${NO_SUCH:-90}%"
    token: ${TOKEN}
)");
  EXPECT_EQ(outcome.problems.text(), "");
  EXPECT_EQ(outcome.sample.agent.interval, 30s);
  EXPECT_EQ(outcome.sample.agent.state_dir, "{a: 1}");
  EXPECT_EQ(outcome.sample.servers.at(0).name, "checkout");
  EXPECT_EQ(outcome.sample.servers.at(0).port, 8080);
  EXPECT_TRUE(outcome.sample.servers.at(0).tls);
  EXPECT_EQ(outcome.sample.servers.at(0).ratio, 90);
  EXPECT_EQ(outcome.sample.servers.at(0).token.reveal(), "canary-token");
}

TEST(Section, AnAliasStandsForAWholeValue) {
  const auto outcome = read_sample(
      "servers:\n- &base {name: a, paths: &p [/x], limit: {above: 1}}\n- *base\n- {name: c, paths: *p}\n");
  EXPECT_EQ(outcome.problems.text(), "");
  ASSERT_EQ(outcome.sample.servers.size(), 3u);
  EXPECT_EQ(outcome.sample.servers[1].name, "a");
  EXPECT_EQ(outcome.sample.servers[1].limit->above, 1);
  EXPECT_THAT(outcome.sample.servers[2].paths, ElementsAre("/x"));
}

TEST(Section, VisitsSectionsAndListsWithoutAStruct) {
  Problems problems;
  auto document = Document::parse("x.yaml", "kinds: {a: {n: 1}, b: {}}\nitems: [{n: 2}, {n: 3, m: 4}]\n",
                                  sample_environment(), problems);
  std::vector<std::int64_t> seen;
  const auto number = [&](Section& s) {
    std::int64_t n = 0;
    s.optional("n", n, "a number");
    seen.push_back(n);
  };
  document.visit([&](Section& top) {
    top.within("kinds", "a table", [&](Section& kinds) {
      for (const auto* kind : {"a", "b", "c"}) kinds.within(kind, "one kind", number);
    });
    top.each("items", "a list", number);
  });
  EXPECT_THAT(seen, ElementsAre(1, 0, 2, 3));
  EXPECT_EQ(problems.text(), "x.yaml:2:24: unknown key 'm' in items, known are: n\n");
}

TEST(Section, DoesNotCallKeysMissingThatMayStandInWhatCouldNotBeRead) {
  const auto outcome = read_sample("servers:\n  - {port: 1, workers: 3}\n  \"open\n");
  EXPECT_EQ(outcome.problems.size(), 1u);
  TemporaryFolder folder;
  const auto main = folder.write("main.yaml", "include: [broken.yaml]\nstore: {}\n");
  folder.write("broken.yaml", "store: {path: \"x}\n");
  Problems problems;
  Sample sample;
  Document::load(main, sample_environment(), problems).read(sample);
  EXPECT_EQ(problems.text(), folder.path() + "/broken.yaml:1:15: this quote is never closed\n");
}

TEST(Secret, FromAFileIsReadAgainAtEachUse) {
  TemporaryFolder folder;
  const auto path = folder.write("token", "first\n");
  const std::string file = "\"${file:" + path + "}\"";
  const auto outcome = read_sample("servers: [{name: a, token: " + file + ", note: " + file + "}]\n");
  ASSERT_EQ(outcome.problems.text(), "");
  const auto& server = outcome.sample.servers.at(0);
  EXPECT_EQ(server.token.reveal(), "first");
  EXPECT_EQ(server.note->value, "first");
  folder.write("token", "second\r\n");
  EXPECT_EQ(server.token.reveal(), "second");
  std::filesystem::remove(path);
  EXPECT_EQ(server.token.reveal(), "");
  EXPECT_FALSE(server.token.empty());
}

TEST(Secret, InsideALongerTextIsReadOnce) {
  TemporaryFolder folder;
  const auto path = folder.write("token", "first\n");
  const auto outcome = read_sample("servers: [{name: a, headers: {Authorization: \"Bearer ${file:" + path + "}\"}}]\n");
  ASSERT_EQ(outcome.problems.text(), "");
  folder.write("token", "second");
  EXPECT_EQ(outcome.sample.servers.at(0).headers.at("Authorization").reveal(), "Bearer first");
}

TEST(Secret, IsRefusedAtLoadWhenItsFileIsMissingEmptyOrTooLarge) {
  TemporaryFolder folder;
  const auto problem = [&](const std::string& path) {
    return read_sample("servers: [{name: a, token: \"${file:" + path + "}\"}]\n").problems.text();
  };
  EXPECT_EQ(problem(folder.path() + "/none"),
            "sample.yaml:1:29: ${file:" + folder.path() + "/none}: there is no such file\n");
  EXPECT_THAT(problem(folder.write("empty", "\n")), testing::HasSubstr("the file is empty"));
  EXPECT_THAT(problem(folder.write("large", std::string(64 * 1024 + 1, 'x'))),
              testing::HasSubstr("is larger than 64KiB, the limit for this file"));
  EXPECT_EQ(problem(folder.write("full", std::string(64 * 1024, 'x'))), "");
}

}  // namespace
}  // namespace sidewatch::config
