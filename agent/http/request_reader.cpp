#include "agent/http/request_reader.h"

#include <algorithm>
#include <array>

namespace sidewatch {
namespace {

constexpr std::array<std::string_view, 7> known_methods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
constexpr std::size_t longest_method = 16;
constexpr std::size_t longest_chunk_size = 8;  // digits
constexpr const char* no_room =
    "too much is being pushed at once (http.max_push_bytes_together); try again in a moment";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 9110 5.6.2
bool is_token_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether a comma-separated list has this word.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (same_ignoring_case(trim(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// host [ ":" port ] with the characters that a name or an address can have (RFC 3986 3.2.2, without userinfo).
bool is_host(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-._~:[]%").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::size_t HttpRequestReader::feed(std::string_view bytes) {
  std::size_t taken = 0;
  if (state_ == State::head) taken = feed_head(bytes);
  if (state_ == State::body) taken += is_chunked_ ? feed_chunks(bytes.substr(taken)) : feed_body(bytes.substr(taken));
  return taken;
}

HttpRequest HttpRequestReader::take() {
  HttpRequest request = std::move(request_);
  *this = HttpRequestReader(limits_);
  return request;
}

std::size_t HttpRequestReader::feed_head(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!take_head_byte(bytes[i])) return i;
    if (state_ != State::head) return i + 1;
  }
  return bytes.size();
}

std::size_t HttpRequestReader::feed_body(std::string_view bytes) {
  const std::size_t taken = std::min(bytes.size(), body_left_);
  if (!take_body(bytes.substr(0, taken))) return 0;
  if (body_left_ == 0) state_ = State::complete;
  return taken;
}

// RFC 9112 7.1: sizes and contents in turn, a chunk of no bytes at the end.
std::size_t HttpRequestReader::feed_chunks(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ == State::body) {
    if (chunk_ == Chunk::content && body_left_ > 0) {
      const std::size_t part = std::min(bytes.size() - taken, body_left_);
      if (!take_body(bytes.substr(taken, part))) break;
      taken += part;
      if (body_left_ == 0) chunk_ = Chunk::end;
    } else if (take_chunk_byte(bytes[taken])) {
      ++taken;
    }
  }
  return taken;
}

bool HttpRequestReader::take_chunk_byte(char c) {
  if (after_cr_) {
    after_cr_ = false;
    return c == '\n' ? end_chunk_line() : refuse(400, "a carriage return stands without a line feed");
  }
  if (c == '\r') {
    after_cr_ = true;
    return true;
  }
  if (chunk_ == Chunk::last) return refuse(400, "send the chunked body without trailers");
  if (chunk_ != Chunk::size || hex_digit(c) < 0 || line_.size() >= longest_chunk_size) {
    return refuse(400, "a chunk of the body is malformed");
  }
  line_.push_back(c);
  return true;
}

bool HttpRequestReader::end_chunk_line() {
  if (chunk_ == Chunk::last) {
    state_ = State::complete;
    return true;
  }
  if (chunk_ == Chunk::end) {
    chunk_ = Chunk::size;
    return true;
  }
  if (line_.empty()) return refuse(400, "a chunk of the body is malformed");
  for (const char c : line_) body_left_ = body_left_ * 16 + static_cast<std::size_t>(hex_digit(c));
  line_.clear();
  chunk_ = body_left_ == 0 ? Chunk::last : Chunk::content;
  return may_announce(body_left_);
}

// So many more bytes of a pushed body are to come: refused at once when they could not be taken now.
bool HttpRequestReader::may_announce(std::size_t bytes) {
  if (bytes > limits_.pushes->max_bytes() - std::min(request_.body.size(), limits_.pushes->max_bytes())) {
    return refuse(413, "the body is larger than http.max_push_bytes");
  }
  if (!request_.claim) request_.claim = limits_.pushes->claim();
  return request_.claim->has_room(bytes) || refuse(503, no_room);
}

// The next bytes of the body, as many as may come.
bool HttpRequestReader::take_body(std::string_view bytes) {
  if (is_push_ && !request_.claim->grow(bytes.size())) return refuse(503, no_room);
  request_.body.append(bytes);
  body_left_ -= bytes.size();
  return true;
}

bool HttpRequestReader::take_head_byte(char c) {
  if (head_bytes_ >= limits_.max_header_bytes) return refuse(431, "the header is too large");
  ++head_bytes_;
  if (after_cr_) {
    after_cr_ = false;
    if (c != '\n') return refuse(400, "a carriage return stands without a line feed");
    return end_line();
  }
  if (c == '\r') {
    after_cr_ = true;
    return true;
  }
  if (c == '\n') return refuse(400, "a line ends without a carriage return");
  const auto byte = static_cast<unsigned char>(c);
  if ((byte < 0x20 && c != '\t') || byte == 0x7f) return refuse(400, "the header has a control character");
  const bool in_request_line = request_.method.empty();
  // The method and the version have their place in this limit too.
  if (in_request_line && line_.size() >= limits_.max_target_bytes + longest_method + std::size_t{16}) {
    return refuse(414, "the target is too long");
  }
  line_.push_back(c);
  return true;
}

bool HttpRequestReader::end_line() {
  const std::string line = std::move(line_);
  line_.clear();
  if (request_.method.empty()) {
    if (line.empty()) return true;  // RFC 9112 2.2: empty lines before a request; they count as header bytes
    return read_request_line(line);
  }
  return line.empty() ? end_head() : read_field(line);
}

bool HttpRequestReader::read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return refuse(400, "the request line is malformed");
  const std::string_view method = line.substr(0, first);
  if (!is_token(method)) return refuse(400, "the method is malformed");
  line.remove_prefix(first + 1);
  const std::size_t second = line.find(' ');
  if (second == std::string_view::npos) return refuse(505, "the request has no HTTP version; use HTTP/1.1");
  const std::string_view target = line.substr(0, second);
  const std::string_view version = line.substr(second + 1);
  if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7])) {
    return refuse(400, "the request line is malformed");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return refuse(505, "use HTTP/1.1 or HTTP/1.0");
  if (std::find(known_methods.begin(), known_methods.end(), method) == known_methods.end()) {
    return refuse(501, "this method is not known here");
  }
  request_.method = method;
  request_.minor_version = version.back() - '0';
  return read_target(target);
}

bool HttpRequestReader::read_target(std::string_view target) {
  if (target.size() > limits_.max_target_bytes) return refuse(414, "the target is too long");
  if (target.empty() || target.front() != '/') return refuse(400, "the target must be a path");
  for (const char c : target) {
    if (c == '#' || c == '\t' || static_cast<unsigned char>(c) >= 0x80) {
      return refuse(400, "the target has a character that must be percent-encoded");
    }
  }
  request_.target = target;
  return true;
}

bool HttpRequestReader::read_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return refuse(400, "a header line is continued");
  if (request_.fields.size() >= limits_.max_headers) return refuse(431, "there are too many header lines");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse(400, "a header line is malformed");
  }
  request_.fields.push_back({std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))});
  return true;
}

bool HttpRequestReader::end_head() {
  is_push_ = limits_.pushes != nullptr && limits_.pushes->is_push(request_.method, request_.target);
  if (is_push_ && !limits_.may_push) {
    return refuse(403, "pushing from another machine is off; http.allow_remote_push: true lets it in");
  }
  if (!judge_host() || !judge_length() || !judge_expect() || !judge_connection()) return false;
  if (!is_push_) request_.body.reserve(body_left_);
  state_ = body_left_ == 0 && !is_chunked_ ? State::complete : State::body;
  return true;
}

bool HttpRequestReader::judge_host() {
  const std::size_t hosts = count_of("Host");
  if (hosts > 1) return refuse(400, "there are two Host lines");
  if (hosts == 0 && request_.minor_version >= 1) return refuse(400, "the Host line is missing");
  if (!is_host(request_.header("Host"))) return refuse(400, "the Host line is malformed");
  return true;
}

bool HttpRequestReader::judge_length() {
  const std::size_t lengths = count_of("Content-Length");
  if (count_of("Transfer-Encoding") > 0) {
    if (lengths > 0) return refuse(400, "there are both Content-Length and Transfer-Encoding");
    if (request_.minor_version == 0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
    if (same_ignoring_case(request_.header("Transfer-Encoding"), "chunked")) {
      is_chunked_ = is_push_;
      if (is_push_) return true;
      return refuse(411, "send the body with a Content-Length, not in chunks");
    }
    return refuse(501, "this Transfer-Encoding is not known here");
  }
  if (!is_push_ && count_of("Content-Encoding") > 0 &&
      !same_ignoring_case(request_.header("Content-Encoding"), "identity")) {
    return refuse(415, "send the body without Content-Encoding");
  }
  if (lengths == 0) return true;
  if (lengths > 1) return refuse(400, "there are two Content-Length lines");
  const std::string text = request_.header("Content-Length");
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) {
    return refuse(400, "the Content-Length is malformed");
  }
  const std::size_t most = is_push_ ? limits_.pushes->max_bytes() : limits_.max_body_bytes;
  for (const char c : text) {
    body_left_ = body_left_ * 10 + static_cast<std::size_t>(c - '0');
    if (body_left_ > most) {
      return refuse(413, is_push_ ? "the body is larger than http.max_push_bytes" : "the body is too large");
    }
  }
  return !is_push_ || may_announce(body_left_);
}

bool HttpRequestReader::judge_expect() {
  if (count_of("Expect") == 0) return true;
  if (!same_ignoring_case(request_.header("Expect"), "100-continue")) {
    return refuse(417, "this Expect is not known here");
  }
  expects_continue_ =
      request_.minor_version >= 1 && (body_left_ > 0 || is_chunked_);  // RFC 9110 10.1.1: HTTP/1.0 is not answered
  return true;
}

bool HttpRequestReader::judge_connection() {
  const std::string connection = request_.header("Connection");
  request_.keep_alive = request_.minor_version >= 1 ? !lists(connection, "close")
                                                    : lists(connection, "keep-alive") && !lists(connection, "close");
  return true;
}

bool HttpRequestReader::refuse(int status, const char* reason) {
  state_ = State::refused;
  refusal_ = {status, reason};
  request_.body = {};
  request_.claim.reset();
  return false;
}

std::size_t HttpRequestReader::count_of(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(request_.fields.begin(), request_.fields.end(), [&](const auto& field) {
    return same_ignoring_case(field.name, name);
  }));
}

}  // namespace sidewatch
