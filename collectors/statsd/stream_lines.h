// The lines of a stream: text with newlines, or packets with their lengths before them, as DogStatsD's clients send over
// Unix streams (four bytes, the least first; datadog-go's `unixstream://`).
//
// Which of the two it is the first four bytes say: no packet is so long that its fourth byte is not 0, and no line of text
// has a 0. What is not whole yet waits here, at most one buffer; what is longer than that is left out and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sidewatch::statsd {

class StreamLines {
 public:
  using Take = std::function<void(std::string_view)>;  // whole lines, with newlines between them

  explicit StreamLines(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // The next piece of the stream, of any length. Gives how many lines or packets were too long.
  std::uint64_t add(std::string_view piece, const Take& take);

  // The stream has ended: its last line may lack its newline.
  void end(const Take& take);

 private:
  enum class Kind { unknown, text, packets };

  std::uint64_t add_text(std::string_view text, const Take& take);
  std::uint64_t add_packets(std::string_view piece, const Take& take);

  std::size_t max_bytes_;
  Kind kind_ = Kind::unknown;
  std::string partial_;      // the line or packet that is not whole yet
  bool skipping_ = false;    // of text: the line is too long, left out up to its end
  std::size_t to_skip_ = 0;  // of packets: what is still to come of one that is too long
};

}  // namespace sidewatch::statsd
