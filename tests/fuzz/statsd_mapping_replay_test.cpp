// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

constexpr std::size_t cuts = 60;

TEST(StatsdMappingFuzz, HoldsForEveryInputAndManyBeginningsOfIt) {
  EXPECT_GT(replay_corpus("statsd_mapping", cuts), 4U);
}

}  // namespace
}  // namespace sidewatch
