// The seam of zlib.
#include "base/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace sidewatch {
namespace {

constexpr int gzip_header = 16;  // added to the window's bits, it asks for gzip's header instead of zlib's
constexpr int largest_window_bits = 15 + gzip_header;
// 8 KiB of text before, and tables of 96 KiB instead of 256: on metrics pages 10 % faster, and no larger.
constexpr int window_bits = 13 + gzip_header;
constexpr int memory_level = 7;
constexpr std::size_t step_bytes = std::size_t{64} << 10;

// zlib counts a call's input in an unsigned int.
uInt bounded(std::size_t bytes) {
  return static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max()));
}

// zlib never writes to its input; its interface is older than const.
Bytef* input(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }
Bytef* output(char* place) { return reinterpret_cast<Bytef*>(place); }

class Inflater {
 public:
  Inflater() {
    if (inflateInit2(&stream, largest_window_bits) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream stream{};
};

}  // namespace

struct GzipCompressor::State {
  explicit State(int level) {
    if (deflateInit2(&stream, std::clamp(level, 1, 9), Z_DEFLATED, window_bits, memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~State() { deflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  z_stream stream{};
};

GzipCompressor::GzipCompressor(int level) : state_(std::make_unique<State>(level)) {}
GzipCompressor::GzipCompressor(GzipCompressor&&) noexcept = default;
GzipCompressor& GzipCompressor::operator=(GzipCompressor&&) noexcept = default;
GzipCompressor::~GzipCompressor() = default;

void GzipCompressor::compress(std::string_view text, std::string& out) {
  z_stream& stream = state_->stream;
  deflateReset(&stream);
  out.resize(deflateBound(&stream, text.size()));
  std::size_t written = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    const uInt given = bounded(text.size());
    const uInt room = bounded(out.size() - written);
    stream.next_in = input(text);
    stream.avail_in = given;
    stream.next_out = output(out.data() + written);
    stream.avail_out = room;
    status = deflate(&stream, given == text.size() ? Z_FINISH : Z_NO_FLUSH);
    text.remove_prefix(given - stream.avail_in);
    written += room - stream.avail_out;
    if (stream.avail_out == 0 && status != Z_STREAM_END) out.resize(out.size() + step_bytes);
  }
  out.resize(written);
}

std::string gzip_compress(std::string_view text, int level) {
  std::string out;
  GzipCompressor(level).compress(text, out);
  return out;
}

Result<std::string> gzip_decompress(std::string_view packed, std::size_t max_bytes) {
  if (packed.empty()) return Error{"an empty text is not gzip", ""};
  Inflater inflater;
  z_stream& stream = inflater.stream;
  std::array<char, step_bytes> step;
  std::string text;
  for (;;) {
    const uInt given = bounded(packed.size());
    stream.next_in = input(packed);
    stream.avail_in = given;
    stream.next_out = output(step.data());
    stream.avail_out = static_cast<uInt>(step.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    packed.remove_prefix(given - stream.avail_in);
    const std::size_t unpacked = step.size() - stream.avail_out;
    if (unpacked > max_bytes - text.size()) {
      return Error{"unpacks to more than " + std::to_string(max_bytes) + " bytes", ""};
    }
    text.append(step.data(), unpacked);
    if (status == Z_STREAM_END) {
      if (packed.empty()) return text;
      if (inflateReset(&stream) != Z_OK) return Error{"cannot unpack", ""};
      continue;
    }
    if (status == Z_BUF_ERROR || (status == Z_OK && packed.empty() && unpacked == 0)) {
      return Error{"gzip data is cut off", ""};
    }
    if (status != Z_OK) {
      return Error{std::string("gzip data is damaged: ") + (stream.msg ? stream.msg : "it cannot be unpacked"), ""};
    }
  }
}

std::uint32_t crc32_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace sidewatch
