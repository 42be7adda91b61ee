// Replays through the fuzz target what it starts from and what it has found before.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

TEST(HttpRequestFuzz, HoldsForEveryInputThatItStartsFrom) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SIDEWATCH_SOURCE_DIR "/tests/fuzz/http_request")) {
    SCOPED_TRACE(entry.path());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input(std::istreambuf_iterator<char>(file), {});
    ASSERT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()), 0);
    ++count;
  }
  EXPECT_GE(count, 8U);
}

}  // namespace
