// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

constexpr std::size_t cuts = 200;

TEST(RemoteWriteFuzz, HoldsForEveryInputAndManyBeginningsOfIt) {
  EXPECT_GT(replay_corpus("remote_write", cuts), 2U);
}

}  // namespace
}  // namespace sidewatch
