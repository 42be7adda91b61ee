#include "collectors/database/redis/reply.h"

#include <charconv>
#include <optional>

namespace sidewatch::database::redis {
namespace {

constexpr std::size_t longest_line = std::size_t{16} << 10;  // of an error, a status or a size
constexpr std::size_t most_kept_bytes = std::size_t{256} << 10;  // of memory, from one answer to the next
constexpr std::string_view line_end = "\r\n";

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string_view Reply::value_of(std::string_view key) const {
  for (std::size_t i = 0; i + 1 < elements.size(); i += 2) {
    if (elements[i].text == key) return elements[i + 1].text;
  }
  return {};
}

void ReplyReader::begin(Reply& reply) {
  reply.kind = Reply::Kind::nil;
  reply.number = 0;
  if (reply.elements.capacity() * sizeof(Reply) > most_kept_bytes) reply.elements = {};
  if (reply.text.capacity() > most_kept_bytes) reply.text = {};
  reply.elements.clear();
  reply.text.clear();
  whole_ = &reply;
  open_.clear();
  bytes_ = 0;
  elements_ = 0;
}

ReplyReader::State ReplyReader::take(std::string_view& bytes) {
  if (whole_) {
    const State state = take_one(bytes, *whole_);
    if (state != State::complete) return state;
    whole_ = nullptr;
  }
  while (!open_.empty()) {
    Open& innermost = open_.back();
    if (innermost.missing == 0) {
      open_.pop_back();
      continue;
    }
    if (bytes.empty()) return State::incomplete;
    Reply element;
    const std::size_t depth = open_.size();
    const State state = take_one(bytes, element);
    if (state != State::complete) return state;
    --open_[depth - 1].missing;
    auto& siblings = open_[depth - 1].array->elements;
    siblings.push_back(std::move(element));
    if (open_.size() > depth) open_.back().array = &siblings.back();  // it was an array, and lies there now
  }
  return State::complete;
}

// Takes one value whole, or nothing of it. Of an array only the head: its elements follow.
ReplyReader::State ReplyReader::take_one(std::string_view& bytes, Reply& into) {
  if (bytes.empty()) return State::incomplete;
  const char kind = bytes.front();
  if (std::string_view("+-:$*").find(kind) == std::string_view::npos) return State::malformed;
  const auto end = bytes.substr(0, longest_line).find(line_end);
  if (end == std::string_view::npos) return bytes.size() < longest_line ? State::incomplete : State::too_large;
  const std::string_view line = bytes.substr(1, end - 1);
  const std::size_t size = end + line_end.size();
  if (!within(size)) return State::too_large;
  if (kind == '$') return take_text(bytes, size, line, into);
  State state = State::complete;
  if (kind == '*') {
    state = open_array(line, into);
  } else if (kind == ':') {
    const auto number = parse_number(line);
    if (!number) return State::malformed;
    into.kind = Reply::Kind::number;
    into.number = *number;
  } else {
    into.kind = kind == '+' ? Reply::Kind::text : Reply::Kind::error;
    into.text = line;
  }
  if (state != State::complete) return state;
  bytes_ += size;
  bytes.remove_prefix(size);
  return state;
}

ReplyReader::State ReplyReader::take_text(std::string_view& bytes, std::size_t header, std::string_view size,
                                          Reply& into) {
  const auto announced = parse_number(size);
  if (!announced || *announced < -1) return State::malformed;
  std::size_t whole = header;
  if (*announced >= 0) {
    const auto length = static_cast<std::size_t>(*announced);
    if (!within(length)) return State::too_large;  // said at once, however much of it would come
    whole = header + length + line_end.size();
    if (!within(whole)) return State::too_large;
    if (bytes.size() < whole) return State::incomplete;
    if (bytes.substr(header + length, line_end.size()) != line_end) return State::malformed;
    into.kind = Reply::Kind::text;
    into.text = bytes.substr(header, length);
  }
  bytes_ += whole;
  bytes.remove_prefix(whole);
  return State::complete;
}

ReplyReader::State ReplyReader::open_array(std::string_view size, Reply& into) {
  const auto announced = parse_number(size);
  if (!announced || *announced < -1) return State::malformed;
  if (*announced == -1) return State::complete;
  into.kind = Reply::Kind::array;
  const auto count = static_cast<std::size_t>(*announced);
  if (count > limits_.max_elements - elements_ || open_.size() == limits_.max_depth) return State::too_large;
  elements_ += count;
  open_.push_back({&into, count});
  return State::complete;
}

void append_command(std::string& bytes, Command words) {
  const auto append_head = [&bytes](char kind, std::size_t count) {
    bytes += kind;
    bytes += std::to_string(count);
    bytes += line_end;
  };
  append_head('*', words.size());
  for (const auto word : words) {
    append_head('$', word.size());
    bytes += word;
    bytes += line_end;
  }
}

}  // namespace sidewatch::database::redis
