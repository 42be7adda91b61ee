// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

constexpr std::size_t cuts = 300;

TEST(NagiosFuzz, HoldsForEveryInputAndManyBeginningsOfIt) {
  EXPECT_GT(replay_corpus("nagios", cuts), 4U);
}

}  // namespace
}  // namespace sidewatch
