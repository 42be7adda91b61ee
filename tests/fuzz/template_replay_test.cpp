// Replays through the fuzz target what it starts from and what it has found before.
#include "replay.h"

namespace sidewatch {
namespace {

TEST(TemplateFuzz, HoldsForEveryTemplateThatIsComparedWithPrometheus) {
  std::size_t count = 0;
  for_each_file("cases/templates", [&count](std::ifstream& corpus) {
    for (std::string line; std::getline(corpus, line); ++count) {
      replay(line);
      // Cut off anywhere, nothing may go wrong either.
      for (std::size_t length = 0; length < line.size(); length += 7) replay(line.substr(0, length));
    }
  });
  EXPECT_GT(count, 150U);
}

TEST(TemplateFuzz, HoldsForEveryInputThatOnceBrokeIt) { EXPECT_GT(replay_corpus("template"), 0U); }

}  // namespace
}  // namespace sidewatch
