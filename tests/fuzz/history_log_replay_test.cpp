// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

TEST(HistoryLogFuzz, HoldsForEveryInputOfItsCorpusAndForEachCutOff) {
  EXPECT_GT(replay_corpus("history_log", 50), 0U);
}

}  // namespace
}  // namespace sidewatch
