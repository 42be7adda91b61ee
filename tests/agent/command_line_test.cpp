#include "agent/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "agent/version.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::Not;

Command parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "/usr/bin/sidewatch");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

ExitCommand ends(const std::vector<const char*>& arguments) {
  const Command command = parse(arguments);
  const auto* exit = std::get_if<ExitCommand>(&command);
  EXPECT_NE(exit, nullptr) << "it would do something";
  return exit ? *exit : ExitCommand{-1, ""};
}

TEST(CommandLine, RunsWithAConfiguration) {
  for (const auto& arguments : {std::vector<const char*>{"run", "--config", "a.yaml"}, {"run", "-c", "a.yaml"},
                                {"run", "--config=a.yaml"}}) {
    const Command command = parse(arguments);
    const auto* run = std::get_if<RunCommand>(&command);
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(run->config_path, "a.yaml");
  }
}

TEST(CommandLine, ChecksAConfiguration) {
  const Command command = parse({"check", "a.yaml"});
  const auto* check = std::get_if<CheckCommand>(&command);
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->config_path, "a.yaml");
}

TEST(CommandLine, PrintsTheReferenceInEachForm) {
  const Command plain = parse({"reference"});
  ASSERT_NE(std::get_if<ReferenceCommand>(&plain), nullptr);
  EXPECT_EQ(std::get<ReferenceCommand>(plain).form, ReferenceCommand::Form::markdown);
  const Command schema = parse({"reference", "--json-schema"});
  ASSERT_NE(std::get_if<ReferenceCommand>(&schema), nullptr);
  EXPECT_EQ(std::get<ReferenceCommand>(schema).form, ReferenceCommand::Form::json_schema);
  const Command functions = parse({"reference", "--functions"});
  ASSERT_NE(std::get_if<ReferenceCommand>(&functions), nullptr);
  EXPECT_EQ(std::get<ReferenceCommand>(functions).form, ReferenceCommand::Form::functions);
  const Command rules = parse({"reference", "--rules", "process"});
  ASSERT_NE(std::get_if<ReferenceCommand>(&rules), nullptr);
  EXPECT_EQ(std::get<ReferenceCommand>(rules).form, ReferenceCommand::Form::rules);
  EXPECT_EQ(std::get<ReferenceCommand>(rules).rule_set, "process");
}

TEST(CommandLine, LooksAroundAndWritesAConfiguration) {
  const Command plain = parse({"init"});
  ASSERT_NE(std::get_if<InitCommand>(&plain), nullptr);
  EXPECT_EQ(std::get<InitCommand>(plain).output, "");
  EXPECT_EQ(std::get<InitCommand>(plain).root, "");
  EXPECT_FALSE(std::get<InitCommand>(plain).force);
  EXPECT_TRUE(std::get<InitCommand>(plain).probe);
  const Command all = parse({"init", "-o", "a.yaml", "--force", "--root", "/host", "--no-probe"});
  ASSERT_NE(std::get_if<InitCommand>(&all), nullptr);
  EXPECT_EQ(std::get<InitCommand>(all).output, "a.yaml");
  EXPECT_EQ(std::get<InitCommand>(all).root, "/host");
  EXPECT_TRUE(std::get<InitCommand>(all).force);
  EXPECT_FALSE(std::get<InitCommand>(all).probe);
}

TEST(CommandLine, TestsFiles) {
  const Command command = parse({"test", "a.yml", "b.yml"});
  const auto* test = std::get_if<TestCommand>(&command);
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(test->files, (std::vector<std::string>{"a.yml", "b.yml"}));
}

TEST(CommandLine, AsksTheAgentThatRunsHere) {
  const Command command = parse({"query", "sum(up)"});
  const auto* query = std::get_if<QueryCommand>(&command);
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(query->expression, "sum(up)");
  EXPECT_EQ(query->url, "http://127.0.0.1:9766");
  EXPECT_EQ(query->form, QueryCommand::Form::table);
  EXPECT_TRUE(query->load.empty() && query->at.empty() && query->range.empty() && query->step.empty());
}

TEST(CommandLine, TakesEveryOptionOfAQuery) {
  const Command command = parse({"query", "--load", "a.om", "--range", "1h", "--step", "10s", "--at", "10m", "--plot", "up"});
  const auto* query = std::get_if<QueryCommand>(&command);
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(query->expression, "up");
  EXPECT_EQ(query->load, "a.om");
  EXPECT_EQ(query->range, "1h");
  EXPECT_EQ(query->step, "10s");
  EXPECT_EQ(query->at, "10m");
  EXPECT_EQ(query->form, QueryCommand::Form::plot);
  const Command other = parse({"query", "--time=1", "--url", "http://x", "--csv", "--", "-up"});
  ASSERT_NE(std::get_if<QueryCommand>(&other), nullptr);
  EXPECT_EQ(std::get<QueryCommand>(other).expression, "-up");
  EXPECT_EQ(std::get<QueryCommand>(other).at, "1");
  EXPECT_EQ(std::get<QueryCommand>(other).form, QueryCommand::Form::csv);
}

TEST(CommandLine, SaysItsVersion) {
  const auto exit = ends({"--version"});
  EXPECT_EQ(exit.code, 0);
  EXPECT_EQ(exit.text, "sidewatch " + std::string(version()) + "\n");
}

TEST(CommandLine, HelpsWithEveryCommand) {
  const auto exit = ends({"--help"});
  EXPECT_EQ(exit.code, 0);
  for (const auto* word : {"run", "init", "check", "test", "query", "reference", "--version", "kill -HUP", "Exit codes"}) {
    EXPECT_THAT(exit.text, HasSubstr(word));
  }
  EXPECT_THAT(exit.text, Not(HasSubstr("/usr/bin"))) << "the same text wherever it is installed";
}

TEST(CommandLine, KnowsWhatIsToBeDoneToTheOutbox) {
  using What = OutboxCommand::What;
  const auto list = std::get<OutboxCommand>(parse({"outbox", "ls", "--receiver", "oncall", "--json"}));
  EXPECT_EQ(list.what, What::list);
  EXPECT_EQ(list.receiver, "oncall");
  EXPECT_TRUE(list.json);
  const auto retry = std::get<OutboxCommand>(parse({"outbox", "retry", "--dead", "--to", "chat"}));
  EXPECT_EQ(retry.what, What::retry);
  EXPECT_TRUE(retry.dead);
  EXPECT_EQ(retry.to, "chat");
  const auto drop = std::get<OutboxCommand>(parse({"outbox", "drop", "n1"}));
  EXPECT_EQ(drop.what, What::drop);
  EXPECT_EQ(drop.id, "n1");
  EXPECT_FALSE(drop.yes);
}

TEST(CommandLine, HelpsWithOneCommand) {
  for (const auto* command : {"run", "init", "check", "test", "query", "reference"}) {
    const auto exit = ends({command, "--help"});
    EXPECT_EQ(exit.code, 0) << command;
    EXPECT_THAT(exit.text, HasSubstr(command));
  }
  EXPECT_THAT(ends({"run", "--help"}).text, HasSubstr("--config"));
}

TEST(CommandLine, EndsWithCode2AndASentenceAboutAMistake) {
  struct Mistake {
    std::vector<const char*> arguments;
    const char* sentence;
  };
  const std::vector<Mistake> mistakes = {
      {{}, "sidewatch: a command is missing after 'sidewatch'. There are: run, check, init, "},
      {{"walk"}, "sidewatch: there is no command 'walk'. There are: run, check, init, "},
      {{"chekc", "a.yaml"}, "sidewatch: there is no command 'chekc', did you mean 'check'? There are: run, check, "},
      {{"silence"}, "sidewatch: a command is missing after 'sidewatch silence'. There are: add, "},
      {{"silence", "lst"}, "there is no command 'lst', did you mean 'ls'? There are: add, "},
      {{"silence", "lst"}, "sidewatch silence --help says what each does"},
      {{"run"}, "--config is required"},
      {{"run", "--config"}, "--config"},
      {{"run", "--konfig", "a.yaml"}, "--config is required"},
      {{"run", "--config", "a.yaml", "b.yaml"}, "b.yaml"},
      {{"check"}, "config is required"},
      {{"check", "a.yaml", "b.yaml"}, "b.yaml"},
      {{"test"}, "files is required"},
      {{"query"}, "expression is required"},
      {{"query", "up", "down"}, "down"},
      {{"query", "up", "--plot", "--json"}, "--json"},
      {{"query", "up", "--load", "a", "--url", "http://b"}, "--url"},
      {{"outbox"}, "a command is missing after 'sidewatch outbox'. There are: ls, retry, drop"},
      {{"outbox", "retry", "id", "--all"}, "--all"},
      {{"outbox", "retry", "--all", "--receiver", "oncall"}, "--receiver"},
      {{"outbox", "drop", "id", "--receiver", "oncall"}, "--receiver"},
      {{"outbox", "ls", "--limit", "1001"}, "--limit"},
      {{"reference", "--xml"}, "--xml"},
      {{"reference", "--rules", "database"}, "database"},
  };
  for (const auto& mistake : mistakes) {
    const auto exit = ends(mistake.arguments);
    EXPECT_EQ(exit.code, 2) << exit.text;
    EXPECT_THAT(exit.text, HasSubstr(mistake.sentence));
  }
}

}  // namespace
}  // namespace sidewatch
