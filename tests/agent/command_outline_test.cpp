#include "agent/command_outline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/command_line.h"

namespace sidewatch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

CommandOutline program() {
  CommandOutline add{.name = "add", .help = "Put one there", .options = {{.names = {"--for"}, .value = "DURATION"}}};
  CommandOutline list{.name = "ls", .help = "Show them"};
  CommandOutline silence{.name = "silence", .help = "Be quiet", .commands = {add, list}};
  CommandOutline check{.name = "check",
                       .help = "Don't run: say [all] that's wrong",
                       .footer = ".hidden is a file\n'quoted' \\ --dashed\n",
                       .options = {{.names = {"-c", "--config"}, .value = "FILE", .help = "A file", .positional = true,
                                    .required = true},
                                   {.names = {"--set"}, .value = "SET", .choices = {"host", "process"}, .help = "Which"},
                                   {.names = {"--json"}, .help = "As JSON"}}};
  return {.name = "sidewatch", .help = "Watches", .options = {{.names = {"-h", "--help"}}}, .commands = {check, silence}};
}

std::string printed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "sidewatch");
  const Command command = parse_command_line(static_cast<int>(arguments.size()), arguments.data());
  const auto* exit = std::get_if<ExitCommand>(&command);
  if (exit == nullptr || exit->code != 0) return "it prints nothing";
  return exit->text;
}

TEST(CommandOutline, VisitsCommandsWithinCommands) {
  std::vector<std::string> seen;
  for_each_command(program(), [&](const CommandWords& words, const CommandOutline& command) {
    seen.push_back(std::to_string(words.size()) + " " + words.back());
    EXPECT_EQ(words.front(), "sidewatch");
    EXPECT_EQ(words.back(), command.name);
  });
  EXPECT_THAT(seen, testing::ElementsAre("1 sidewatch", "2 check", "2 silence", "3 add", "3 ls"));
}

TEST(ManualPage, TakesNoTextForARequestOfTroff) {
  const std::string page = manual_page(program(), "1.2.3");
  EXPECT_THAT(page, HasSubstr("\n\\&.hidden is a file\n\\&'quoted' \\e \\-\\-dashed\n"));
  EXPECT_THAT(page, HasSubstr("\"sidewatch 1.2.3\""));
}

TEST(ManualPage, SaysHowEachCommandIsTyped) {
  const std::string page = manual_page(program(), "1");
  EXPECT_THAT(page, HasSubstr("\\fBsidewatch check\\fR [\\fIOPTIONS\\fR] \\fIFILE\\fR\n"));
  EXPECT_THAT(page, HasSubstr("\\fBsidewatch silence add\\fR"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-c\\fR, \\fB\\-\\-config\\fR \\fIFILE\\fR\nA file\n"));
  EXPECT_THAT(page, HasSubstr("Which: host, process\n"));
}

TEST(Completion, QuotesWhatTheTextsHoldForEachShell) {
  EXPECT_THAT(completion(program(), Shell::fish), HasSubstr("'Don\\'t run: say [all] that\\'s wrong'"));
  EXPECT_THAT(completion(program(), Shell::zsh), HasSubstr("'check:Don'\\''t run: say [all] that'\\''s wrong'"));
  EXPECT_THAT(completion(program(), Shell::bash), HasSubstr("'sidewatch silence add --for')\n      return"));
}

TEST(Completion, IsThatOfTheRealCommands) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string text = printed({"reference", "--completion", shell});
    for (const char* word : {"run", "check", "init", "query", "top-series", "reference", "config", "json-schema", "plot"}) {
      EXPECT_THAT(text, HasSubstr(word)) << shell;
    }
    EXPECT_THAT(text, HasSubstr("bash zsh fish")) << shell;
  }
}

TEST(ManualPage, IsThatOfTheRealCommands) {
  EXPECT_THAT(printed({"reference", "--man"}),
              AllOf(HasSubstr("\\fB\\-\\-completion\\fR \\fISHELL\\fR\n"), HasSubstr(".SS top\\-series\n"),
                    HasSubstr("bash, zsh, fish\n"), HasSubstr("postgresql"), Not(HasSubstr("{host,"))));
}

TEST(ManualPage, GoesWithNoOtherFormOfTheReference) {
  EXPECT_EQ(printed({"reference", "--man", "--metrics"}), "it prints nothing");
  EXPECT_EQ(printed({"reference", "--completion", "fish", "--json-schema"}), "it prints nothing");
  EXPECT_EQ(printed({"reference", "--completion", "tcsh"}), "it prints nothing");
}

}  // namespace
}  // namespace sidewatch
