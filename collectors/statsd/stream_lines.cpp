#include "collectors/statsd/stream_lines.h"

#include <algorithm>
#include <utility>

namespace sidewatch::statsd {
namespace {

constexpr std::size_t length_bytes = 4;

std::size_t length_of(std::string_view packet) {
  std::size_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;) length = length << 8 | static_cast<unsigned char>(packet[i]);
  return length;
}

}  // namespace

std::uint64_t StreamLines::add(std::string_view piece, const Take& take) {
  if (kind_ == Kind::text) return add_text(piece, take);
  if (kind_ == Kind::packets) return add_packets(piece, take);
  std::string begin = std::exchange(partial_, std::string()) + std::string(piece.substr(0, length_bytes));
  if (begin.size() < length_bytes && begin.find('\n') == std::string::npos) {
    partial_ = std::move(begin);
    return 0;
  }
  kind_ = begin.size() >= length_bytes && begin[length_bytes - 1] == '\0' ? Kind::packets : Kind::text;
  const std::uint64_t cut = add(begin, take);
  return cut + add(piece.substr(std::min(piece.size(), length_bytes)), take);
}

void StreamLines::end(const Take& take) {
  if (kind_ != Kind::packets && !partial_.empty()) take(partial_);
  partial_.clear();
}

std::uint64_t StreamLines::add_text(std::string_view text, const Take& take) {
  std::uint64_t cut = 0;
  if (skipping_ || !partial_.empty()) {
    const auto end = text.find('\n');
    if (!skipping_) partial_ += text.substr(0, end);
    if (partial_.size() > max_bytes_ && !skipping_) {
      ++cut;
      skipping_ = true;
      partial_ = std::string();
    }
    if (end == std::string_view::npos) return cut;
    if (!skipping_) take(partial_);
    partial_.clear();
    skipping_ = false;
    text.remove_prefix(end + 1);
  }
  const auto last = text.rfind('\n');
  if (last != std::string_view::npos) {
    take(text.substr(0, last));
    text.remove_prefix(last + 1);
  }
  if (text.size() > max_bytes_) {
    skipping_ = true;
    return cut + 1;
  }
  partial_ = text;
  return cut;
}

std::uint64_t StreamLines::add_packets(std::string_view piece, const Take& take) {
  std::uint64_t cut = 0;
  partial_ += piece;
  std::string_view rest = partial_;
  while (true) {
    const std::size_t skipped = std::min(to_skip_, rest.size());
    rest.remove_prefix(skipped);
    to_skip_ -= skipped;
    if (rest.size() < length_bytes) break;
    const std::size_t length = length_of(rest);
    if (length > max_bytes_) {
      ++cut;
      to_skip_ = length_bytes + length;
      continue;
    }
    if (rest.size() < length_bytes + length) break;
    if (length > 0) take(rest.substr(length_bytes, length));
    rest.remove_prefix(length_bytes + length);
  }
  partial_ = std::string(rest);
  return cut;
}

}  // namespace sidewatch::statsd
