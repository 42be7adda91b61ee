// The `http:` section: where the agent listens and what it lets a client cost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/section.h"

namespace sidewatch {

// What one client, and all of them together, can take. Each has a counter in HttpCounters that rises when it is reached.
struct HttpLimits {
  std::int64_t max_connections = 128;  // at the cap, who completed no request for longest makes room for a newcomer
  Duration header_timeout{5'000};      // first byte (or connect) to the end of the header
  Duration request_timeout{10'000};    // first byte to the end of the body; dripping does not stretch it
  Duration idle_timeout{30'000};       // between requests of one connection
  Duration write_timeout{10'000};      // the whole response must have been taken
  config::Bytes max_header_bytes{16 * 1024};
  std::int64_t max_headers = 64;
  config::Bytes max_body_bytes{64 * 1024};
  config::Bytes max_push_bytes{4 * 1024 * 1024};              // of one pushed body, unpacked too
  config::Bytes max_push_bytes_together{32 * 1024 * 1024};    // of all that are under way; 503 beyond
  std::int64_t query_threads = 2;        // that answer queries; there are none while nobody asks
  std::int64_t max_queued_queries = 32;  // waiting for such a thread; 503 beyond
  config::Bytes max_unsent_bytes{std::uint64_t{64} << 20};  // of answers that slow clients have not taken; 503 beyond

  bool operator==(const HttpLimits&) const = default;
};

struct HttpConfig {
  // "127.0.0.1:9766", "[::1]:9766", ":9766" (all addresses), "unix:/run/sidewatch.sock"; port 0 takes a free one.
  std::vector<config::Located<std::string>> listen{{"127.0.0.1:9766", {}}};
  std::vector<std::string> hosts;    // names besides localhost, IP addresses and this machine's name (see http_access.h)
  config::Located<std::string> external_url;  // where people find this agent; empty: links are left out
  bool allow_remote_reload = false;  // POST /-/reload also from other machines
  bool allow_remote_silences = false;  // silences and the outbox are changed also from other machines
  bool allow_remote_push = false;    // what programs push, also from other machines
  HttpLimits limits;
};

void declare(config::Section& section, HttpConfig& config);

}  // namespace sidewatch
