// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

constexpr std::size_t cuts = 100;

TEST(LogPlacesFuzz, HoldsForEveryInputAndManyBeginningsOfIt) {
  EXPECT_GT(replay_corpus("log_places", cuts), 3U);
}

}  // namespace
}  // namespace sidewatch
