// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

TEST(PromqlFuzz, HoldsForEveryExpressionOfTheComparisonCorpus) {
  std::size_t count = 0;
  for_each_file("cases/promql/corpus", [&count](std::ifstream& corpus) {
    for (std::string line; std::getline(corpus, line); ++count) replay(line);
  });
  EXPECT_GT(count, 500U);
}

TEST(PromqlFuzz, HoldsForEveryInputThatOnceBrokeIt) { EXPECT_GT(replay_corpus("promql"), 0U); }

}  // namespace
}  // namespace sidewatch
