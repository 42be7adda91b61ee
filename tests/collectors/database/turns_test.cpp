// Who has a turn, and who has the next one.
#include "collectors/database/turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Turns : public ::testing::Test {
 protected:
  std::vector<std::string> take(Duration time, std::optional<std::string> fails = {}) {
    std::vector<std::string> asked;
    failure_ = take_turns(entries, last, time, [&](auto& entry) -> std::optional<Failure> {
      asked.push_back(entry.first);
      if (entry.first == fails) return Failure{FailureKind::denied, "no", false};
      return std::nullopt;
    });
    return asked;
  }
  std::map<std::string, int> entries{{"a", 0}, {"b", 0}, {"c", 0}};
  std::string last;
  std::optional<Failure> failure_;
};

TEST_F(Turns, AllAreAskedOnceWhereThereIsTime) {
  EXPECT_THAT(take(1min), ElementsAre("a", "b", "c"));
  EXPECT_THAT(take(1min), ElementsAre("a", "b", "c"));
}

TEST_F(Turns, OneIsAskedHoweverLittleTimeThereIsAndTheNextOneThen) {
  EXPECT_THAT(take(0ms), ElementsAre("a"));
  EXPECT_THAT(take(0ms), ElementsAre("b"));
  EXPECT_THAT(take(1min), ElementsAre("c", "a", "b"));
}

TEST_F(Turns, WhoIsGoneOrNewChangesNothingForTheOthers) {
  take(0ms);
  entries.erase("a");
  entries["aa"] = 0;
  EXPECT_THAT(take(1min), ElementsAre("aa", "b", "c"));
  entries.clear();
  EXPECT_THAT(take(1min), IsEmpty());
}

TEST_F(Turns, AFailureEndsThemAndTheOneBehindItIsNext) {
  EXPECT_THAT(take(1min, "b"), ElementsAre("a", "b"));
  EXPECT_EQ(failure_->text, "no");
  EXPECT_THAT(take(0ms), ElementsAre("c"));
}

}  // namespace
}  // namespace sidewatch::database
