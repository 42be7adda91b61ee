// What a Redis server answers (RESP, version 2), read strictly and within bounds.
//
// Our own reader and not hiredis's: that one (0.14 in Debian 12) takes a text of 512 MB, makes room for as many
// elements as an array announces before the first has come, and counts nothing across an answer. Here an answer has so
// many bytes and elements at most, room is made for what has come and never for what was announced, and what is no
// answer is said at its first byte. There is also no library to load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace sidewatch::database::redis {

struct Reply {
  enum class Kind { nil, text, number, error, array };
  Kind kind = Kind::nil;
  std::string text;  // of a text or an error
  std::int64_t number = 0;
  std::vector<Reply> elements;

  // The text of the element after that whose text is `key`; empty when there is none. For maps, which are arrays here.
  std::string_view value_of(std::string_view key) const;
};

struct ReplyLimits {
  std::size_t max_bytes = std::size_t{8} << 20;  // of one answer: a CLIENT LIST of 20 000 clients
  std::size_t max_elements = 100'000;            // of all its arrays together
  std::size_t max_depth = 8;
};

class ReplyReader {
 public:
  explicit ReplyReader(const ReplyLimits& limits = {}) : limits_(limits) {}
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  enum class State { complete, incomplete, malformed, too_large };

  // Starts with an answer that goes into `reply`, which must stay where it is until that is complete.
  void begin(Reply& reply);

  // Takes what it can off the front of `bytes`. Incomplete: call again with what is left and what has come since.
  State take(std::string_view& bytes);

 private:
  struct Open {
    Reply* array;
    std::size_t missing;
  };
  State take_one(std::string_view& bytes, Reply& into);
  State take_text(std::string_view& bytes, std::size_t header, std::string_view size, Reply& into);
  State open_array(std::string_view size, Reply& into);
  bool within(std::size_t more) const { return more <= limits_.max_bytes && bytes_ <= limits_.max_bytes - more; }

  const ReplyLimits limits_;
  Reply* whole_ = nullptr;  // not yet begun with, or null
  std::vector<Open> open_;  // arrays that lack elements, each within the one before
  std::size_t bytes_ = 0;
  std::size_t elements_ = 0;
};

// A command: its words.
using Command = std::initializer_list<std::string_view>;

// As it is sent: an array of texts.
void append_command(std::string& bytes, Command words);

}  // namespace sidewatch::database::redis
