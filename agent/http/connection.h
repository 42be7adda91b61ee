// One client's connection: reads requests, writes responses, and knows by when each has to be done.
//
// Never waits and never calls a handler. Each call does what can be done now and says what the connection needs next;
// the server does the waiting. One request at a time: bytes of the next one stay unread until the response is out.
//
// After a refusal or the last response the connection lingers: it says that it will send no more and throws away what
// still comes, for a moment, because closing with unread bytes would make the kernel destroy the response on its way.
#pragma once

#include <memory>
#include <string>

#include "agent/http/config.h"
#include "agent/http/listener.h"
#include "agent/http/message.h"
#include "agent/http/request_reader.h"
#include "base/time.h"

namespace sidewatch {

class HttpConnection {
 public:
  // `pushes`: null when none are taken; `may_push`: this client. It outlives the connection.
  HttpConnection(HttpSocket socket, HttpPeer peer, const HttpLimits& limits, Time now,
                 const HttpPushBodies* pushes = nullptr, bool may_push = false);

  // What it waits for: the client's bytes or its buffer's room, an answer (take(), respond()), a refusal (refuse()), or
  // nothing any more.
  enum class Next { read, write, answer, refuse, close };

  // Call when it can be read or written.
  Next advance(Time now);
  HttpRequest take();

  // Sends as much as can be sent now. `date` is an HTTP date for the Date header.
  Next respond(const HttpResponse& response, bool head_only, const std::string& date, Time now);

  // After Next::refuse: what is objected to, and to what. refuse() sends the answer; the connection then ends.
  const HttpRefusal& refusal() const { return reader_.refusal(); }
  const HttpRequest& refused() const { return reader_.refused(); }
  bool refused_push() const { return reader_.refused_push(); }
  Next refuse(HttpResponse response, const std::string& date, Time now);

  // When deadline() is over: a half-read request is told so (408), everything else is closed.
  Time deadline() const;
  Next expire(const std::string& date, Time now);

  // No further request will be taken after the present one; true when there is none and it may be closed.
  bool finish();

  int descriptor() const { return socket_.get(); }
  // When it last completed a request, or began; lingering ones come before all others.
  Time idle_since() const { return state_ == State::lingering ? Time{} : idle_since_; }

 private:
  enum class State { reading, answering, writing, lingering };

  Next read(Time now);
  Next write(Time now);
  Next linger();
  Next end_response(Time now);
  void send_continue();

  HttpSocket socket_;
  HttpPeer peer_;
  const HttpLimits& limits_;
  HttpRequestReader reader_;
  State state_ = State::reading;
  std::string unread_;  // received, belongs to the next request
  std::string head_;    // of the response
  std::shared_ptr<const std::string> body_;
  std::size_t written_ = 0;  // of head and body together
  bool keep_alive_ = true;
  bool continued_ = false;  // "100 Continue" is sent
  bool first_ = true;       // no request completed yet
  Time idle_since_;
  Time since_;  // of the present state; while reading: of the request's first byte, or of the connection
};

}  // namespace sidewatch
