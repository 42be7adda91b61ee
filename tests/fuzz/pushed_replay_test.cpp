// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

TEST(PushedFuzz, HoldsForEveryInputThatItStartsFrom) { EXPECT_GE(replay_corpus("pushed"), 8U); }

}  // namespace
}  // namespace sidewatch
