// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

constexpr std::size_t cuts = 300;

TEST(SqliteFormatFuzz, HoldsForEveryInputAndManyBeginningsOfIt) {
  EXPECT_GT(replay_corpus("sqlite_format", cuts), 2U);
}

}  // namespace
}  // namespace sidewatch
