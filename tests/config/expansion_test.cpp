#include "config/expansion.h"

#include <gtest/gtest.h>

#include "tests/config/sample.h"
#include "tests/config/temporary_folder.h"

namespace sidewatch::config {
namespace {

// The expanded text, or "offset: problem".
std::string expanded(std::string_view text, const std::string& directory = "") {
  const auto expansion = expand(text, sample_environment(), directory);
  if (!expansion.problem) return expansion.text;
  return std::to_string(expansion.problem->offset) + ": " + expansion.problem->text;
}

TEST(Expansion, ReplacesVariables) {
  EXPECT_EQ(expanded("${NAME}"), "checkout");
  EXPECT_EQ(expanded("a ${NAME} b ${PORT} c"), "a checkout b 8080 c");
  EXPECT_EQ(expanded("${NAME}${NAME}"), "checkoutcheckout");
  EXPECT_EQ(expanded("${EMPTY}"), "");
}

TEST(Expansion, TakesTheDefaultForWhatIsUnsetOrEmpty) {
  EXPECT_EQ(expanded("${NO_SUCH:-5s}"), "5s");
  EXPECT_EQ(expanded("${EMPTY:-5s}"), "5s");
  EXPECT_EQ(expanded("${NAME:-5s}"), "checkout");
  EXPECT_EQ(expanded("${NO_SUCH:-}"), "");
  EXPECT_EQ(expanded("${NO_SUCH:-a:-b $ c}"), "a:-b $ c");
}

TEST(Expansion, LeavesOtherDollarsAlone) {
  EXPECT_EQ(expanded("{{ $value }} on {{ $labels.instance }}"), "{{ $value }} on {{ $labels.instance }}");
  EXPECT_EQ(expanded("$"), "$");
  EXPECT_EQ(expanded("5$"), "5$");
  EXPECT_EQ(expanded("$NAME $(x)"), "$NAME $(x)");
}

TEST(Expansion, WritesTwoDollarsAsOne) {
  EXPECT_EQ(expanded("$$"), "$");
  EXPECT_EQ(expanded("$${NAME}"), "${NAME}");
  EXPECT_EQ(expanded("$1:${12}/${NAME}"), "$1:${12}/checkout");
  EXPECT_EQ(expanded("$$${NAME}"), "$checkout");
  EXPECT_FALSE(expand("$${NAME}", sample_environment(), "").changed);
}

TEST(Expansion, DoesNotExpandWhatAVariableHolds) {
  const auto environment = [](const std::string&) { return std::optional<std::string>("${NAME}"); };
  EXPECT_EQ(expand("${X}", environment, "").text, "${NAME}");
}

TEST(Expansion, LeavesTheWholeTextAloneWithoutAnEnvironment) {
  EXPECT_EQ(expand("${NAME} $$ ${", nullptr, "").text, "${NAME} $$ ${");
  Problems problems;
  auto document = Document::parse("rules.yaml", "agent: {state_dir: '${1} $$'}\n", nullptr, problems);
  Sample sample;
  document.read(sample);
  EXPECT_EQ(problems.text(), "");
  EXPECT_EQ(sample.agent.state_dir, "${1} $$");
}

TEST(Expansion, ReadsFilesBesideTheConfigurationLessOneLineEnd) {
  TemporaryFolder folder;
  const auto path = folder.write("secrets/token", "line\n\n");
  EXPECT_EQ(expanded("${file:" + path + "}"), "line\n");
  EXPECT_EQ(expanded("${file:secrets/token}", folder.path()), "line\n");
  folder.write("binary", std::string_view("a\0b", 3));
  EXPECT_EQ(expanded("x${file:binary}", folder.path()), "1: ${file:binary}: the file is not plain UTF-8 text");
}

TEST(Expansion, KnowsATextThatIsOneFileOnly) {
  TemporaryFolder folder;
  folder.write("t", "x");
  EXPECT_EQ(expand("${file:t}", sample_environment(), folder.path()).only_file, folder.path() + "/t");
  EXPECT_FALSE(expand("${file:t} ", sample_environment(), folder.path()).only_file);
  EXPECT_FALSE(expand("${NAME}", sample_environment(), folder.path()).only_file);
}

TEST(Expansion, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(expanded("ab${NAME"), "2: this ${ is never closed by }; write $${ for the characters themselves");
  EXPECT_EQ(expanded("${A:-${B}}"), "0: a ${...} cannot stand inside another one");
  EXPECT_EQ(expanded("${1A}"),
            "0: '1A' is not the name of an environment variable; write $${ for the characters themselves");
  EXPECT_EQ(expanded("${NAME:5}"), "0: ${NAME:...} is not understood, write ${NAME:-default} or ${file:/path}");
  EXPECT_EQ(expanded("${NO_SUCH}"),
            "0: the environment variable NO_SUCH is not set; ${NO_SUCH:-default} would give it a default");
}

}  // namespace
}  // namespace sidewatch::config
