// Where what a program sends to the agent's own HTTP port goes: the seam between the server's routes and a collector.
//
// A collector that is sent its samples over HTTP puts a PushTarget into its plan (CollectorPlan::receives). take() is
// called by the server's workers, several at a time, whenever somebody pushes; it keeps what came in a bounded state with
// one mutex inside. The collector's pass writes what stands there into its batch, as any other collector does, so that a
// push is judged by rules and goes stale like every sample. The plan that a reload keeps keeps its target.
//
// A target holds no SeriesHandle: it may outlive the catalog. The collector holds them.
//
// Here a request is whole, within http.max_push_bytes also when unpacked, and comes from this machine or from one that
// http.allow_remote_push lets in. Its texts still come from a stranger.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace sidewatch {

struct PushRequest {
  std::string_view method;             // "GET" (also of a HEAD), "POST", "PUT" or "DELETE"
  std::vector<std::string> segments;   // of the path behind its fixed part; each is decoded by itself: a%2Fb is "a/b"
  std::string_view content_type;       // as sent; may be empty
  std::string_view content_encoding;   // what the body still is: empty, or one that the path's row in the table names
  std::string_view body;
  std::function<std::string(std::string_view name)> header;  // any other header field; empty when absent
  Time now;       // when the request was complete
  WallTime wall;  // the same on the wall clock
};

struct PushAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // For the counters. Reasons are words of a closed set: they become label values.
  std::size_t samples = 0;
  std::vector<std::pair<std::string_view, std::size_t>> refused;

  static PushAnswer text(int status, std::string sentence) {
    PushAnswer answer;
    answer.status = status;
    answer.body = std::move(sentence) + "\n";
    return answer;
  }
};

class PushTarget {
 public:
  virtual ~PushTarget() = default;

  // Before anything else: the directory for what must survive the agent; empty when there is none. Only notes it: what
  // is there is read where waiting for the disk holds up nobody else.
  virtual void keep_in([[maybe_unused]] const std::string& state_dir) {}

  // Any thread, several at a time. An exception that leaves it becomes a 500 without its text.
  virtual PushAnswer take(const PushRequest& request) = 0;
};

// By the name of the collector's plan.
using PushTargets = std::map<std::string, std::shared_ptr<PushTarget>, std::less<>>;

}  // namespace sidewatch
