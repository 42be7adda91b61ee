// Texts packed with snappy, in its block format: what Prometheus's remote write sends. Seam of libsnappy, which is loaded
// at the first call.
//
// A packed text says how large it is unpacked; that is held against the bound before any memory is taken for it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidewatch {

struct SnappyText {
  enum class State { whole, damaged, too_large, no_library };
  State state = State::whole;
  std::string text;  // what was packed; or, unless it is whole, why it is not here: a sentence without a full stop
};

SnappyText snappy_decompress(std::string_view packed, std::size_t max_bytes);

}  // namespace sidewatch
