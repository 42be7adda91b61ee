// Turns the bytes of one connection into requests, or into the reason why they are refused.
//
// A pure state machine: bytes in, no socket, no clock. The idea that keeps it safe: there is exactly one way to read
// where a request ends, and whatever a proxy in front of us could have read in another way is refused and the
// connection closed. So: CRLF only (a bare LF or CR, a NUL, any control character is 400); no continuation lines; one
// Content-Length of plain digits or none; no Transfer-Encoding (411 for chunked, 501 otherwise, 400 together with
// Content-Length); no Content-Encoding (415); one Host; the target is a path (400 for absolute and authority form);
// HTTP/1.0 and 1.1 only (505, also for a request line without a version). Everything has a limit (413, 414, 431).
//
// What programs push (push_bodies.h) may be chunked and packed, since their libraries know no other way: chunks of plain
// hexadecimal sizes, without extensions or trailers. From a machine that may not push it is refused before its body (403).
//
// Bytes are judged in their order, so how the network cut them never changes the verdict.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/http/message.h"
#include "agent/http/push_bodies.h"

namespace sidewatch {

struct HttpReaderLimits {
  std::size_t max_header_bytes = 16 * 1024;  // request line and fields with their line ends: 431
  std::size_t max_target_bytes = 8 * 1024;   // 414
  std::size_t max_headers = 64;              // 431
  std::size_t max_body_bytes = 64 * 1024;    // 413, by the announced length
  const HttpPushBodies* pushes = nullptr;    // null: none are taken. Outlives the reader
  bool may_push = true;                      // this client
};

struct HttpRefusal {
  int status = 0;
  std::string reason;  // one sentence for the client; holds nothing that the client sent
};

class HttpRequestReader {
 public:
  enum class State { head, body, complete, refused };

  explicit HttpRequestReader(const HttpReaderLimits& limits = {}) : limits_(limits) {}

  // Reads on and returns how many bytes it took: all of them, except what follows a complete request or the byte that
  // was refused.
  std::size_t feed(std::string_view bytes);

  State state() const { return state_; }
  bool started() const { return head_bytes_ > 0; }  // has taken a byte of the present request
  // The header is complete, the client waits for "100 Continue" and no byte of the body has come.
  bool wants_continue() const { return state_ == State::body && expects_continue_ && request_.body.empty(); }

  const HttpRefusal& refusal() const { return refusal_; }
  const HttpRequest& refused() const { return request_; }  // as far as it was read, without its body
  bool refused_push() const { return state_ == State::refused && is_push_; }

  // The complete request without path, params, captures and peer; the reader starts over with the next one.
  HttpRequest take();

 private:
  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  std::size_t feed_chunks(std::string_view bytes);
  bool take_chunk_byte(char c);
  bool end_chunk_line();
  bool may_announce(std::size_t bytes);
  bool take_body(std::string_view bytes);
  bool take_head_byte(char c);
  bool end_line();
  bool read_request_line(std::string_view line);
  bool read_target(std::string_view target);
  bool read_field(std::string_view line);
  bool end_head();
  bool judge_host();
  bool judge_length();
  bool judge_expect();
  bool judge_connection();
  bool refuse(int status, const char* reason);
  std::size_t count_of(std::string_view name) const;

  HttpReaderLimits limits_;
  State state_ = State::head;
  HttpRequest request_;
  HttpRefusal refusal_;
  std::string line_;
  std::size_t head_bytes_ = 0;
  std::size_t body_left_ = 0;  // of a chunked body: of the present chunk
  enum class Chunk { size, content, end, last };
  Chunk chunk_ = Chunk::size;
  bool is_push_ = false;
  bool is_chunked_ = false;
  bool after_cr_ = false;
  bool expects_continue_ = false;
};

}  // namespace sidewatch
