// gzip (RFC 1952) of whole texts in memory, and its checksum. Seam of zlib.
//
// Decompression is bounded: a small text that would become a huge one is an error, not a crash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sidewatch {

// Keeps zlib's working memory (about 256 KiB) from text to text. Not for use by two threads at once.
class GzipCompressor {
 public:
  explicit GzipCompressor(int level = 6);  // 1 (fast) to 9 (small)
  GzipCompressor(GzipCompressor&&) noexcept;
  GzipCompressor& operator=(GzipCompressor&&) noexcept;
  ~GzipCompressor();

  // `out` is replaced and keeps its capacity. It must not be what `text` looks at.
  void compress(std::string_view text, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string gzip_compress(std::string_view text, int level = 6);

// Errors: not gzip, damaged, cut off, or more than `max_bytes` when unpacked. Several members in a row are one text.
Result<std::string> gzip_decompress(std::string_view packed, std::size_t max_bytes);

// CRC-32 as gzip and Ethernet have it: 0xCBF43926 for "123456789".
std::uint32_t crc32_of(std::string_view bytes);

}  // namespace sidewatch
