// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

constexpr std::size_t cuts = 300;

TEST(MemcachedStatsFuzz, HoldsForEveryInputAndManyBeginningsOfIt) {
  EXPECT_GT(replay_corpus("memcached_stats", cuts), 3U);
}

}  // namespace
}  // namespace sidewatch
