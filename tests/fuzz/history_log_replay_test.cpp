// Replays through the fuzz target what it starts from and what it has found before.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

TEST(HistoryLogFuzz, HoldsForEveryInputOfItsCorpusAndForEachCutOff) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SIDEWATCH_SOURCE_DIR "/tests/fuzz/history_log")) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input(std::istreambuf_iterator<char>(file), {});
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(input.data());
    for (std::size_t size = 0; size < input.size(); size += 1 + input.size() / 50) {
      ASSERT_EQ(LLVMFuzzerTestOneInput(bytes, size), 0);
    }
    ASSERT_EQ(LLVMFuzzerTestOneInput(bytes, input.size()), 0);
    ++count;
  }
  EXPECT_GT(count, 0U);
}

}  // namespace
