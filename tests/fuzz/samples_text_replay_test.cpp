// Replays through the fuzz target what it starts from and what it has found before.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

TEST(SamplesTextFuzz, HoldsForEveryInputAndEveryBeginningOfIt) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SIDEWATCH_SOURCE_DIR "/tests/fuzz/samples_text")) {
    SCOPED_TRACE(entry.path());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input(std::istreambuf_iterator<char>(file), {});
    for (std::size_t length = 0; length <= input.size(); ++length) {
      const auto* data = reinterpret_cast<const std::uint8_t*>(input.data());
      ASSERT_EQ(LLVMFuzzerTestOneInput(data, length), 0) << length;
    }
    ++count;
  }
  EXPECT_GT(count, 5U);
}

}  // namespace
