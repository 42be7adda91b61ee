#include "agent/http/connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sidewatch {
namespace {

constexpr std::size_t read_bytes = 16 * 1024;  // at a time, on the stack
constexpr int reads_at_once = 8;               // then the other connections have their turn
constexpr Duration linger_time{1'000};

HttpReaderLimits reader_limits(const HttpLimits& limits, const HttpPushBodies* pushes, bool may_push) {
  HttpReaderLimits reader;
  reader.max_header_bytes = limits.max_header_bytes.count;
  reader.max_headers = static_cast<std::size_t>(limits.max_headers);
  reader.max_body_bytes = limits.max_body_bytes.count;
  reader.pushes = pushes;
  reader.may_push = may_push;
  return reader;
}

bool would_wait(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }

// A handler's mistake must not become a second response.
bool has_line_break(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; }

void append_field(std::string& head, std::string_view name, std::string_view value) {
  if (has_line_break(name) || has_line_break(value)) return;
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string response_head(const HttpResponse& response, const std::string& date, bool keep_alive) {
  std::string head;
  head.reserve(256);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head.append(http_reason(response.status)).append("\r\n");
  append_field(head, "Date", date);
  const bool has_body = response.status != 204 && response.status != 304;
  if (has_body) {
    append_field(head, "Content-Type", response.content_type);
    append_field(head, "Content-Length", std::to_string(response.body ? response.body->size() : 0));
  }
  append_field(head, "X-Content-Type-Options", "nosniff");
  for (const auto& field : response.headers) append_field(head, field.name, field.value);
  append_field(head, "Connection", keep_alive ? "keep-alive" : "close");
  return head.append("\r\n");
}

}  // namespace

HttpConnection::HttpConnection(HttpSocket socket, HttpPeer peer, const HttpLimits& limits, Time now,
                               const HttpPushBodies* pushes, bool may_push)
    : socket_(std::move(socket)), peer_(std::move(peer)), limits_(limits),
      reader_(reader_limits(limits, pushes, may_push)),
      idle_since_(now), since_(now) {}

HttpConnection::Next HttpConnection::advance(Time now) {
  switch (state_) {
    case State::reading: return read(now);
    case State::answering: return Next::answer;
    case State::writing: return write(now);
    case State::lingering: return linger();
  }
  return Next::close;
}

HttpConnection::Next HttpConnection::read(Time now) {
  std::array<char, read_bytes> buffer;
  for (int reads = 0;; ++reads) {
    if (!unread_.empty()) {
      const bool begins = !reader_.started();
      unread_.erase(0, reader_.feed(unread_));
      if (begins && !first_) since_ = now;
    }
    if (reader_.state() == HttpRequestReader::State::complete) {
      state_ = State::answering;
      idle_since_ = now;
      first_ = false;
      return Next::answer;
    }
    if (reader_.state() == HttpRequestReader::State::refused) return Next::refuse;
    send_continue();
    if (reads >= reads_at_once) return Next::read;
    const ssize_t received = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (received < 0 && would_wait(errno)) return Next::read;
    if (received <= 0) return Next::close;
    unread_.assign(buffer.data(), static_cast<std::size_t>(received));
  }
}

HttpRequest HttpConnection::take() {
  HttpRequest request = reader_.take();
  request.peer = peer_;
  keep_alive_ = keep_alive_ && request.keep_alive;
  continued_ = false;
  return request;
}

HttpConnection::Next HttpConnection::respond(const HttpResponse& response, bool head_only, const std::string& date,
                                             Time now) {
  const bool has_body = !head_only && response.status != 204 && response.status != 304;
  head_ = response_head(response, date, keep_alive_);
  body_ = has_body ? response.body : nullptr;
  written_ = 0;
  state_ = State::writing;
  since_ = now;
  return write(now);
}

HttpConnection::Next HttpConnection::refuse(HttpResponse response, const std::string& date, Time now) {
  keep_alive_ = false;
  return respond(response, false, date, now);
}

HttpConnection::Next HttpConnection::write(Time now) {
  const std::size_t body_size = body_ ? body_->size() : 0;
  while (written_ < head_.size() + body_size) {
    std::array<iovec, 2> parts{};
    std::size_t count = 0;
    if (written_ < head_.size()) parts[count++] = {head_.data() + written_, head_.size() - written_};
    const std::size_t body_written = written_ - std::min(written_, head_.size());
    // sendmsg takes its parts as non-const and does not write to them.
    if (body_size > 0) parts[count++] = {const_cast<char*>(body_->data()) + body_written, body_size - body_written};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0) return would_wait(errno) ? Next::write : Next::close;
    written_ += static_cast<std::size_t>(sent);
  }
  return end_response(now);
}

HttpConnection::Next HttpConnection::end_response(Time now) {
  body_.reset();
  head_.clear();
  since_ = now;
  if (keep_alive_) {
    idle_since_ = now;
    state_ = State::reading;
    return unread_.empty() ? Next::read : read(now);  // a pipelined request may already be here
  }
  ::shutdown(socket_.get(), SHUT_WR);
  unread_.clear();
  state_ = State::lingering;
  return linger();
}

HttpConnection::Next HttpConnection::linger() {
  std::array<char, read_bytes> buffer;
  for (int reads = 0; reads < reads_at_once; ++reads) {
    const ssize_t received = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (received < 0 && would_wait(errno)) return Next::read;
    if (received <= 0) return Next::close;
  }
  return Next::read;
}

Time HttpConnection::deadline() const {
  switch (state_) {
    case State::reading:
      if (!reader_.started() && !first_) return since_ + limits_.idle_timeout;
      if (reader_.state() == HttpRequestReader::State::head) return since_ + limits_.header_timeout;
      return since_ + limits_.request_timeout;
    case State::answering: return Time::max();
    case State::writing: return since_ + limits_.write_timeout;
    case State::lingering: return since_ + linger_time;
  }
  return since_;
}

HttpConnection::Next HttpConnection::expire(const std::string& date, Time now) {
  if (state_ != State::reading || !reader_.started()) return Next::close;
  keep_alive_ = false;
  return respond(HttpResponse::text(408, "the request took too long to arrive\n"), false, date, now);
}

bool HttpConnection::finish() {
  keep_alive_ = false;
  return state_ == State::lingering || (state_ == State::reading && !reader_.started());
}

void HttpConnection::send_continue() {
  if (!reader_.wants_continue() || continued_) return;
  static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  // Into an empty buffer it fits; should it not, the client sends its body after a moment without it.
  (void)::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  continued_ = true;
}

}  // namespace sidewatch
