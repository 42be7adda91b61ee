#include "collectors/probe/http_check.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sidewatch::probe {
namespace {

constexpr Metric http_duration_metric{"probe_http_duration_seconds", MetricType::gauge, "seconds",
                                      "Time of each phase of the HTTP request, redirects added up: resolve, connect, "
                                      "tls, processing, transfer."};
constexpr Metric status_code_metric{"probe_http_status_code", MetricType::gauge, "",
                                    "Status of the last HTTP answer; 0: there was none."};
constexpr Metric version_metric{"probe_http_version", MetricType::gauge, "", "HTTP version of the answer."};
constexpr Metric content_length_metric{"probe_http_content_length", MetricType::gauge, "",
                                       "Length of the answer's body as its headers say it; -1: they do not."};
constexpr Metric body_length_metric{"probe_http_uncompressed_body_length", MetricType::gauge, "",
                                    "Bytes of the answer's body that were read."};
constexpr Metric redirects_metric{"probe_http_redirects", MetricType::gauge, "", "Redirects that were followed."};
constexpr Metric ssl_metric{"probe_http_ssl", MetricType::gauge, "", "1 when the last answer came over TLS."};
constexpr Metric reused_metric{"probe_http_connection_reused", MetricType::gauge, "",
                               "1 when the connection was one of an earlier run (keep_alive)."};

// What is remembered over redirects.
struct Phases {
  double resolve = 0, connect = 0, tls = 0, processing = 0, transfer = 0;

  void add(const HttpTrace& trace) {
    resolve += trace.resolve_seconds;
    connect += trace.connect_seconds;
    tls += trace.tls_seconds;
    processing += trace.processing_seconds;
    transfer += trace.transfer_seconds;
  }
  void tell(Verdict& verdict) const {
    for (const auto& [phase, seconds] :
         {std::pair{"resolve", resolve}, std::pair{"connect", connect}, std::pair{"tls", tls},
          std::pair{"processing", processing}, std::pair{"transfer", transfer}}) {
      verdict.add(http_duration_metric, seconds, Labels{{"phase", phase}});
    }
  }
};

// A request under way that is taken back when whoever waits for it is given up.
class Asked {
 public:
  Asked(HttpTransfers& transfers, const OutgoingRequest& request)
      : transfers_(transfers), id_(transfers.start(request, [this](HttpExchange exchange) {
          exchange_ = std::move(exchange);
          done_.set();
        })) {}
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;
  ~Asked() { transfers_.cancel(id_); }
  Signal& done() { return done_; }
  HttpExchange take() { return std::move(exchange_); }

 private:
  HttpTransfers& transfers_;
  Signal done_;
  HttpExchange exchange_{HttpError{HttpFailure::timeout, "no answer in time"}, {}};
  const HttpTransfers::Id id_;
};

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool same_origin(const std::string& one, const std::string& other) {
  const auto a = parse_http_url(one);
  const auto b = parse_http_url(other);
  return a && b && a->scheme == b->scheme && a->host == b->host && a->port == b->port;
}

Reason reason_of(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::bad_request: return Reason::internal;
    case HttpFailure::interrupted: return Reason::internal;
    case HttpFailure::timeout: return Reason::timeout;
    case HttpFailure::resolve: return Reason::resolve;
    case HttpFailure::connect: return Reason::connect;
    case HttpFailure::address_refused: return Reason::address_refused;
    case HttpFailure::tls: return Reason::tls;
    case HttpFailure::too_large: return Reason::too_large;
    case HttpFailure::network: return Reason::disconnected;
  }
  return Reason::internal;
}

// libcurl's words have the milliseconds that went by, which differ each time.
std::string told(const HttpError& error, const std::string& url) {
  return error.kind == HttpFailure::timeout ? url_without_secrets(url) + ": no answer in time" : error.what;
}

class HttpCheck final : public Check {
 public:
  explicit HttpCheck(const HttpCheckConfig& config) : config_(config) {}

  Task<Verdict> run(Surroundings& surroundings, TimePoint until) override {
    const auto begin = steady_clock::now();
    Verdict verdict;
    Phases phases;
    HttpExchange exchange;
    if (const std::string secret = unreadable_secret(); !secret.empty()) {
      verdict.fail(Reason::missing, "it was not asked: " + secret + " cannot be read now");
      co_return verdict;
    }
    OutgoingRequest request = first_request();
    std::int64_t redirects = 0;
    while (true) {
      request.timeout = left_until(until);
      request.connect_timeout = request.timeout;
      Asked asked(surroundings.http, request);
      co_await surroundings.loop.signalled(asked.done(), until + std::chrono::seconds(1));
      exchange = asked.take();
      phases.add(exchange.trace);
      const auto* response = std::get_if<OutgoingResponse>(&exchange.result);
      if (response == nullptr || !config_.follow_redirects || !is_redirect(response->status)) break;
      if (!follow(*response, redirects, request, verdict)) break;
      redirects += 1;
    }
    phases.tell(verdict);
    verdict.add(redirects_metric, static_cast<double>(redirects));
    tell(exchange, request, seconds_since(begin), verdict);
    co_return verdict;
  }

 private:
  // Its key, where a file with a secret is gone: asking without it would test something else.
  std::string unreadable_secret() const {
    const auto unreadable = [](const config::Secret& secret) { return !secret.empty() && secret.reveal().empty(); };
    for (const auto& [name, value] : config_.headers) {
      if (unreadable(value)) return "header '" + name + "'";
    }
    if (unreadable(config_.bearer_token)) return "bearer_token";
    if (unreadable(config_.password)) return "password";
    return unreadable(config_.body) ? "body" : "";
  }

  OutgoingRequest first_request() const {
    OutgoingRequest request;
    request.method = config_.method;
    request.url = config_.url.value;
    for (const auto& [name, value] : config_.headers) request.headers.push_back({name, value.reveal()});
    if (!config_.bearer_token.empty()) {
      request.headers.push_back({"Authorization", "Bearer " + config_.bearer_token.reveal()});
    }
    request.body = config_.body.reveal();
    request.username = config_.username;
    request.password = config_.password.reveal();
    request.max_body_bytes = static_cast<std::size_t>(config_.max_body.count);
    if (!config_.expect.look_at_body()) request.too_long = OutgoingRequest::TooLong::cut;
    request.ca_file = config_.tls.ca;
    request.certificate_file = config_.tls.cert;
    request.key_file = config_.tls.key;
    request.server_name = config_.tls.server_name;
    request.insecure_skip_verify = config_.tls.insecure_skip_verify;
    request.tls13_only = config_.tls.tls13_only;
    request.allow_link_local = config_.allow_link_local;
    request.proxy_url = config_.proxy_url;
    request.family = config_.family;
    request.unix_socket = config_.unix_socket;
    request.fresh_connection = !config_.keep_alive;
    return request;
  }

  // Makes `request` the next one. False: it is not to be made, and why not is in the verdict.
  bool follow(const OutgoingResponse& response, std::int64_t redirects, OutgoingRequest& request,
              Verdict& verdict) const {
    const std::string location(response.header("Location"));
    if (location.empty()) return false;  // then it is an answer like any other
    if (redirects >= config_.max_redirects) {
      verdict.fail(Reason::redirect, "more than " + std::to_string(config_.max_redirects) + " redirects");
      return false;
    }
    const auto next = resolve_url(request.url, location);
    const auto parts = next ? parse_http_url(*next) : Result<UrlParts>(next.error());
    if (!parts) {
      verdict.fail(Reason::redirect, "it leads to where no check may follow: " + parts.error().what);
      return false;
    }
    const bool asks_anew = response.status == 303 || (response.status < 303 && request.method == "POST");
    if (!same_origin(request.url, *next)) {
      if (!asks_anew && !request.body.empty()) {
        verdict.fail(Reason::redirect, "it leads to another server, which is not sent the body of this check");
        return false;
      }
      request.headers.clear();
      request.username.clear();
      request.password.clear();
      request.certificate_file.clear();
      request.key_file.clear();
      request.server_name.clear();
      request.unix_socket.clear();
      request.allow_link_local = false;
    }
    if (parts->link_local && !request.allow_link_local) {  // also where a proxy would connect
      verdict.fail(Reason::address_refused, "it leads to a link-local address");
      return false;
    }
    if (asks_anew && request.method != "HEAD") {
      request.method = "GET";
      request.body.clear();
    }
    request.url = *next;
    return true;
  }

  void tell(const HttpExchange& exchange, const OutgoingRequest& request, double seconds, Verdict& verdict) const {
    const HttpTrace& trace = exchange.trace;
    verdict.add(dns_lookup_time_metric, trace.resolve_seconds);
    if (!trace.address.empty()) {
      verdict.add(ip_protocol_metric, trace.address.find(':') == std::string::npos ? 4 : 6);
    }
    verdict.add(ssl_metric, trace.tls ? 1 : 0);
    if (trace.tls) add_tls_facts(verdict, *trace.tls);
    const auto* response = std::get_if<OutgoingResponse>(&exchange.result);
    verdict.add(status_code_metric, response != nullptr ? response->status : 0);
    if (response == nullptr) {
      const auto& error = std::get<HttpError>(exchange.result);
      verdict.fail(error.certificate ? Reason::certificate : reason_of(error.kind), told(error, request.url));
      return;
    }
    verdict.add(version_metric, trace.http_version);
    verdict.add(content_length_metric, static_cast<double>(trace.content_length));
    verdict.add(body_length_metric, static_cast<double>(response->body.size()));
    verdict.add(reused_metric, trace.reused ? 1 : 0);
    judge(config_.expect, *response, seconds, verdict);
  }

  const HttpCheckConfig config_;
};

void check_url(config::Section& section, const HttpCheckConfig& config) {
  if (!section.has("url")) return;
  const auto parts = parse_http_url(config.url.value);
  if (!parts) return section.problem(config.url.mark, parts.error().what);
  if (parts->has_credentials) {
    section.problem(config.url.mark,
                    "a URL is shown in many places: write username and password under keys of their own");
  }
  if (parts->link_local && !config.allow_link_local) {
    section.problem(config.url.mark, "the host is link-local, which is refused unless allow_link_local is true");
  }
}

}  // namespace

void declare(config::Section& section, HttpCheckConfig& config) {
  section.required("url", config.url, "what is asked for, such as https://shop.example/health");
  section.optional("method", config.method, "GET, HEAD, POST or any other");
  section.optional("headers", config.headers, "headers of the request: {Accept: application/json}");
  section.optional("body", config.body, "of the request");
  section.optional("username", config.username, "for basic authentication");
  section.optional("password", config.password, "for basic authentication");
  section.optional("bearer_token", config.bearer_token, "sent as Authorization: Bearer");
  section.optional("follow_redirects", config.follow_redirects, "ask for where a redirect leads to");
  section.optional("max_redirects", config.max_redirects, "more of them are a failure", config::between(0, 50));
  section.optional("max_body", config.max_body,
                   "bytes of the answer that are read; a longer one is cut, and fails where expect looks at the body",
                   config::between(config::Bytes{1}, config::Bytes{16 << 20}));
  section.optional("keep_alive", config.keep_alive,
                   "use a connection again where the server keeps it; the phases then show no connecting");
  section.choice("ip_protocol", config.family,
                 {{"any", OutgoingRequest::Family::any},
                  {"ip4", OutgoingRequest::Family::ipv4},
                  {"ip6", OutgoingRequest::Family::ipv6}},
                 "the addresses of the host that are tried");
  section.optional("unix_socket", config.unix_socket, "a path to connect to, whatever host the URL names");
  section.optional("proxy_url", config.proxy_url, "a proxy, such as http://127.0.0.1:3128");
  section.optional("allow_link_local", config.allow_link_local,
                   "allow 169.254.0.0/16 and fe80::/10, where cloud machines keep their credentials");
  section.section("tls", config.tls, "for https");
  section.section("expect", config.expect, "what the answer has to be");
  if (section.describing()) return;
  check_url(section, config);
  if (config.username.empty() && !config.password.empty()) section.problem("password", "there is no username for it");
  if (!config.username.empty() && !config.bearer_token.empty()) {
    section.problem("bearer_token", "username and bearer_token exclude each other");
  }
  if (!config.unix_socket.empty() && config.unix_socket.front() != '/') {
    section.problem("unix_socket", "the path of a socket begins with a slash");
  }
  if (!header_is_safe(config.method, "")) section.problem("method", "'" + config.method + "' is not a method");
  for (const auto& [name, value] : config.headers) {
    if (!header_is_safe(name, value.reveal())) {
      section.problem("headers", "'" + name + "' is not a header that can be sent: it holds a control character");
    }
  }
}

std::string target_of(const HttpCheckConfig& config) { return url_without_secrets(config.url.value); }

std::string fingerprint_of(const HttpCheckConfig& config) {
  std::string text = config.url.value + '\n' + config.method + '\n' + config.body.reveal() + '\n' + config.username +
                     '\n' + config.password.reveal() + '\n' + config.bearer_token.reveal() + '\n' + config.unix_socket +
                     '\n' + config.proxy_url + '\n' + std::to_string(config.max_redirects) + '\n' +
                     std::to_string(config.max_body.count) + '\n' + std::to_string(static_cast<int>(config.family));
  for (const bool flag : {config.follow_redirects, config.keep_alive, config.allow_link_local})
    text += flag ? '1' : '0';
  for (const auto& [name, value] : config.headers) text += '\n' + name + ':' + value.reveal();
  return text + '\n' + config.tls.fingerprint() + '\n' + fingerprint_of(config.expect);
}

std::unique_ptr<Check> make_check(const HttpCheckConfig& config) { return std::make_unique<HttpCheck>(config); }

std::vector<Metric> http_check_metrics() {
  return {http_duration_metric, status_code_metric, version_metric, content_length_metric,
          body_length_metric,   redirects_metric,   ssl_metric,     reused_metric};
}

}  // namespace sidewatch::probe
