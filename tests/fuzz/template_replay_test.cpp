// Replays through the fuzz target what it starts from and what it has found before.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::string& input) {
  SCOPED_TRACE(input);
  ASSERT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()), 0);
}

TEST(TemplateFuzz, HoldsForEveryTemplateThatIsComparedWithPrometheus) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SIDEWATCH_SOURCE_DIR "/tests/cases/templates")) {
    std::ifstream corpus(entry.path());
    for (std::string line; std::getline(corpus, line); ++count) {
      replay(line);
      // Cut off anywhere, nothing may go wrong either.
      for (std::size_t length = 0; length < line.size(); length += 7) replay(line.substr(0, length));
    }
  }
  EXPECT_GT(count, 150U);
}

TEST(TemplateFuzz, HoldsForEveryInputThatOnceBrokeIt) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SIDEWATCH_SOURCE_DIR "/tests/fuzz/template")) {
    std::ifstream file(entry.path(), std::ios::binary);
    replay(std::string(std::istreambuf_iterator<char>(file), {}));
    ++count;
  }
  EXPECT_GT(count, 0U);
}

}  // namespace
