// Reads files that people name in a configuration: regular files only, of bounded size, never waiting.
//
// A pipe, a device or a directory is refused before anything is read from it, so /dev/zero or a FIFO without a writer
// costs nothing. A file that grows while it is read is cut off at the limit with an error.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sidewatch::config {

// Error::what says why, Error::where is the path. `identity`, when asked for, is the same for two names of one file.
Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes, std::string* identity = nullptr);

struct BadByte {
  std::size_t offset = 0;
  std::string why;  // "is not UTF-8 text"
};
// The first byte that cannot stand in a text file: not UTF-8, NUL or another control character than tab and line ends.
std::optional<BadByte> find_bad_byte(std::string_view text);

}  // namespace sidewatch::config
