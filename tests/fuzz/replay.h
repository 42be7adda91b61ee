// Gives a fuzz target what it starts from and what it has found before, in every ordinary run of the tests.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace sidewatch {

inline void replay(const std::string& input) {
  SCOPED_TRACE(input);
  ASSERT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()), 0);
}

// Calls `visit(std::ifstream&)` for each file of a folder under tests/. Returns how many there are.
template <class Visit>
std::size_t for_each_file(const std::string& folder, Visit&& visit) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SIDEWATCH_SOURCE_DIR "/tests/" + folder)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    visit(file);
    ++count;
  }
  return count;
}

// Replays every file of tests/fuzz/NAME whole, and cut off at about `cuts` places. Returns how many files there are.
inline std::size_t replay_corpus(const std::string& name, std::size_t cuts = 0) {
  return for_each_file("fuzz/" + name, [cuts](std::ifstream& file) {
    const std::string input(std::istreambuf_iterator<char>(file), {});
    for (std::size_t size = 0; cuts > 0 && size < input.size(); size += 1 + input.size() / cuts) {
      replay(input.substr(0, size));
    }
    replay(input);
  });
}

}  // namespace sidewatch
