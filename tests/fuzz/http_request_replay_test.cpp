// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

TEST(HttpRequestFuzz, HoldsForEveryInputThatItStartsFrom) { EXPECT_GE(replay_corpus("http_request"), 8U); }

}  // namespace
}  // namespace sidewatch
