// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

constexpr std::size_t cuts = 300;

TEST(ProbeAnswersFuzz, HoldsForEveryInputAndManyBeginningsOfIt) {
  EXPECT_GT(replay_corpus("probe_answers", cuts), 12U);
}

}  // namespace
}  // namespace sidewatch
