// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

constexpr std::size_t every_byte = 1 << 30;

TEST(ProcessTextFuzz, HoldsForEveryInputAndEveryBeginningOfIt) {
  EXPECT_GT(replay_corpus("process_text", every_byte), 10U);
}

}  // namespace
}  // namespace sidewatch
