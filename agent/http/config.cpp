#include "agent/http/config.h"

#include "agent/http/listener.h"
#include "base/http_client.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using config::between;
using config::Bytes;

void check_listen(config::Section& section, const std::vector<config::Located<std::string>>& listen) {
  if (section.describing()) return;
  for (const auto& place : listen) {
    const auto address = parse_http_address(place.value);
    if (address) continue;
    // What came out of a variable is not shown.
    section.problem(place.mark, place.expanded ? "the variable holds no address; write for example 127.0.0.1:9766"
                                               : address.error().what);
  }
  if (listen.empty()) section.problem("listen", "needs at least one address, for example 127.0.0.1:9766");
}

void check_external_url(config::Section& section, const config::Located<std::string>& url) {
  if (url.value.empty()) return;
  const auto parts = parse_http_url(url.value);
  if (!parts) {
    section.problem(url.mark, "external_url: " + parts.error().what);
  } else if (parts->has_credentials) {
    section.problem(url.mark, "external_url holds a user name or password, and everybody who gets a message would see it");
  }
}

void declare_limits(config::Section& section, HttpLimits& limits) {
  section.optional("max_connections", limits.max_connections,
                   "connections at once; at the limit the one that has been longest without a complete request is closed",
                   between<std::int64_t>(4, 10'000));
  section.optional("header_timeout", limits.header_timeout, "how long a client may take to send the header of a request",
                   between(100ms, 60s));
  section.optional("request_timeout", limits.request_timeout, "how long a client may take to send a whole request",
                   between(100ms, 5min));
  section.optional("idle_timeout", limits.idle_timeout, "how long a connection may be idle between two requests",
                   between(100ms, 1h));
  section.optional("write_timeout", limits.write_timeout, "how long a client may take to receive a response",
                   between(100ms, 5min));
  section.optional("max_header_bytes", limits.max_header_bytes, "size of a request's header",
                   between(Bytes{1024}, Bytes{1024 * 1024}));
  section.optional("max_headers", limits.max_headers, "header lines of a request", between<std::int64_t>(8, 1'000));
  section.optional("max_body_bytes", limits.max_body_bytes, "size of a request's body",
                   between(Bytes{0}, Bytes{16 * 1024 * 1024}));
  section.optional("max_push_bytes", limits.max_push_bytes,
                   "size of what a program pushes in one request, as it is sent and unpacked",
                   between(Bytes{64 * 1024}, Bytes{64 * 1024 * 1024}));
  section.optional("max_push_bytes_together", limits.max_push_bytes_together,
                   "size of all pushes that are under way; further ones are answered with 503",
                   between(Bytes{64 * 1024}, Bytes{std::uint64_t{1} << 30}));
  if (limits.max_push_bytes_together < limits.max_push_bytes) {
    section.problem("max_push_bytes_together", "smaller than max_push_bytes: the largest push could never be taken");
  }
  section.optional("query_threads", limits.query_threads,
                   "queries that are answered at a time; their threads exist only while somebody asks",
                   between<std::int64_t>(1, 64));
  section.optional("max_queued_queries", limits.max_queued_queries,
                   "queries that wait for their turn; further ones are answered with 503",
                   between<std::int64_t>(1, 10'000));
  section.optional("max_unsent_bytes", limits.max_unsent_bytes,
                   "size of all answers to queries that slow clients have not taken yet; beyond, queries are answered "
                   "with 503", between(Bytes{1024 * 1024}, Bytes{std::uint64_t{4} << 30}));
}

}  // namespace

void declare(config::Section& section, HttpConfig& config) {
  section.optional("listen", config.listen,
                   "where to serve /metrics and the API: 127.0.0.1:9766, [::1]:9766, :9766 (every address of this "
                   "machine), unix:/run/sidewatch.sock, or a list of them");
  check_listen(section, config.listen);
  section.optional("hosts", config.hosts,
                   "further names under which browsers may ask this agent, besides localhost, IP addresses and the "
                   "machine's own name");
  section.optional("external_url", config.external_url,
                   "where people reach this agent from outside, such as https://metrics.example.org/sidewatch: messages "
                   "link to it");
  check_external_url(section, config.external_url);
  section.optional("allow_remote_reload", config.allow_remote_reload,
                   "whether POST /-/reload is also taken from other machines");
  section.optional("allow_remote_silences", config.allow_remote_silences,
                   "whether silences (/api/v2/silences) are also set and ended from other machines, and messages sent "
                   "again or dropped (/api/v1/outbox)");
  section.optional("allow_remote_push", config.allow_remote_push,
                   "whether what programs push (collectors.push and its like) is also taken from other machines");
  declare_limits(section, config.limits);
}

}  // namespace sidewatch
