#include "collectors/probe/http_check.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "collectors/probe/connection.h"
#include "collectors/probe/http_check_request.h"

namespace sidewatch::probe {
namespace {

constexpr std::size_t long_body_bytes = std::size_t{256} << 10;
constexpr auto addresses_kept = std::chrono::seconds(60);     // for connections that are used again

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
  bool looked_up = false;  // a name; also by an earlier run
  bool has_tls = false;

  void add(const HttpTrace& trace) {
    resolve += trace.resolve_seconds;
    connect += trace.connect_seconds;
    tls += trace.tls_seconds;
    processing += trace.processing_seconds;
    transfer += trace.transfer_seconds;
  }
  // What this check cannot have (TLS, a name to look up) is always 0, and a detail.
  void tell(Verdict& verdict) const {
    const auto tell_phase = [&](bool is_there, std::string_view phase, double seconds) {
      verdict.add_where(is_there, http_duration_metric, seconds, Labels{{"phase", phase}});
    };
    tell_phase(looked_up, "resolve", resolve);
    tell_phase(true, "connect", connect);
    tell_phase(has_tls, "tls", tls);
    tell_phase(true, "processing", processing);
    tell_phase(true, "transfer", transfer);
    verdict.add_where(looked_up, dns_lookup_time_metric, resolve);
  }
};

// A request under way that is taken back when whoever waits for it is given up.
class Asked {
 public:
  Asked(HttpTransfers& transfers, const OutgoingRequest& request, HttpTransfers::Given given)
      : transfers_(transfers),
        id_(transfers.start(
            request,
            [this](HttpExchange exchange) {
              exchange_ = std::move(exchange);
              done_.set();
            },
            std::move(given))) {}
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

Family family_of(OutgoingRequest::Family family) {
  switch (family) {
    case OutgoingRequest::Family::any: return Family::any;
    case OutgoingRequest::Family::ipv4: return Family::ipv4;
    case OutgoingRequest::Family::ipv6: return Family::ipv6;
  }
  return Family::any;
}

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
std::string told(const HttpError& error, const OutgoingRequest& request) {
  if (error.kind == HttpFailure::timeout) return url_without_secrets(request.url) + ": no answer in time";
  const bool body = error.what.ends_with("longer than " + std::to_string(request.max_body_bytes) + " bytes");
  return body ? error.what + ", which is all that max_body allows" : error.what;
}

class HttpCheck final : public Check {
 public:
  explicit HttpCheck(std::shared_ptr<const HttpCheckConfig> config) : config_(std::move(config)) {}

  Task<Verdict> run(Surroundings& surroundings, TimePoint until) override {
    const auto begin = steady_clock::now();
    Verdict verdict;
    Phases phases;
    HttpExchange exchange{HttpError{}, {}};
    auto preparing = prepare_aside(surroundings, until);
    Prepared prepared = co_await preparing;
    if (prepared.trouble) {
      verdict.trouble = prepared.trouble;
      co_return verdict;
    }
    OutgoingRequest& request = prepared.request;
    std::int64_t redirects = 0;
    std::optional<Trouble> trouble;
    while (true) {
      HttpTransfers::Given given = prepared.keys;
      auto finding = find_addresses(surroundings, request, until, given.addresses, phases);
      trouble = co_await finding;
      if (trouble) break;
      request.timeout = left_until(until);
      request.connect_timeout = request.timeout;
      Asked asked(surroundings.http, request, std::move(given));
      co_await surroundings.loop.signalled(asked.done(), until + std::chrono::seconds(1));
      exchange = asked.take();
      phases.add(exchange.trace);
      phases.has_tls = phases.has_tls || exchange.trace.tls || request.url.starts_with("https:");
      const auto* response = std::get_if<OutgoingResponse>(&exchange.result);
      if (response == nullptr || !config_->follow_redirects || !is_redirect(response->status)) break;
      if (!follow(*response, redirects, prepared, verdict)) break;
      redirects += 1;
    }
    phases.tell(verdict);
    verdict.add_detail(redirects_metric, static_cast<double>(redirects));
    if (trouble) {
      verdict.add(status_code_metric, 0);
      verdict.fail(trouble->reason, url_without_secrets(request.url) + ": " + trouble->text);
      co_return verdict;
    }
    const double seconds = seconds_since(begin);
    tell(exchange, request, phases, verdict);
    if (auto* response = std::get_if<OutgoingResponse>(&exchange.result)) {
      auto judging = judge_answer(surroundings, std::move(*response), seconds, until, verdict);
      co_await judging;
    }
    co_return verdict;
  }

 private:
  Task<Prepared> prepare_aside(Surroundings& surroundings, TimePoint until) {
    if (!may_read_files(*config_)) co_return prepare(*config_);
    const auto prepared = std::make_shared<Prepared>();
    std::function<void()> work = [prepared, config = config_] { *prepared = prepare(*config); };
    auto preparing = keys_errand_.run(surroundings.background, surroundings.loop, Work::keys, std::move(work), until);
    const auto ended = co_await preparing;
    if (ended == Background::Ended::done) co_return std::move(*prepared);
    Prepared nothing;
    nothing.trouble = ended == Background::Ended::not_begun
                          ? Trouble{Reason::not_run, no_thread_words(Work::keys)}
                          : timed_out("it was not asked: the files with its secrets and keys are not read");
    co_return nothing;
  }

  // Of the URL's host, or of the proxy's. Written out, libcurl needs no thread for it either.
  Task<std::optional<Trouble>> find_addresses(Surroundings& surroundings, const OutgoingRequest& request,
                                              TimePoint until, std::vector<std::string>& addresses, Phases& phases) {
    if (!request.unix_socket.empty()) co_return std::nullopt;
    const auto parts = parse_http_url(request.proxy_url.empty() ? request.url : request.proxy_url);
    const auto family = family_of(request.family);
    if (!parts || look_up_address(parts->host, family).error == 0) co_return std::nullopt;
    phases.looked_up = true;
    const auto begin = steady_clock::now();
    if (found_host_ == parts->host && begin < found_until_) {
      addresses = found_;
      co_return std::nullopt;
    }
    Lookup lookup;
    auto looking = surroundings.names.find(surroundings.loop, parts->host, family, until, lookup);
    const auto ended = co_await looking;
    phases.resolve += seconds_since(begin);
    if (auto trouble = lookup_trouble(ended, lookup, parts->host)) co_return trouble;
    for (const auto& address : lookup.addresses) {
      const auto text = address.text();
      addresses.push_back(address.family() == AF_INET6 ? "[" + text + "]" : text);
    }
    if (config_->keep_alive) {
      found_host_ = parts->host;
      found_ = addresses;
      found_until_ = begin + addresses_kept;
    }
    co_return std::nullopt;
  }

  // Makes `request` the next one. False: it is not to be made, and why not is in the verdict.
  bool follow(const OutgoingResponse& response, std::int64_t redirects, Prepared& prepared, Verdict& verdict) const {
    OutgoingRequest& request = prepared.request;
    const std::string location(response.header("Location"));
    if (location.empty()) return false;  // then it is an answer like any other
    if (redirects >= config_->max_redirects) {
      verdict.fail(Reason::redirect, "more than " + std::to_string(config_->max_redirects) + " redirects");
      return false;
    }
    const auto next = resolve_url(request.url, location);
    const auto parts = next ? parse_http_url(*next) : Result<UrlParts>(next.error());
    if (!parts) {
      verdict.fail(Reason::redirect, "it leads to where no check may follow: " + parts.error().what);
      return false;
    }
    if (!why_not_ascii(parts->host).empty()) {
      verdict.fail(Reason::redirect, "it leads to a host whose name is not ASCII");
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
      prepared.keys.certificate.reset();
      prepared.keys.key.reset();
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

  // A long answer is looked at on a thread of its own: the others would wait meanwhile.
  Task<bool> judge_answer(Surroundings& surroundings, OutgoingResponse response, double seconds, TimePoint until,
                          Verdict& verdict) {
    if (response.body.size() <= long_body_bytes || !config_->expect.look_at_body()) {
      judge(config_->expect, response, seconds, verdict);
      co_return true;
    }
    struct Judged {
      OutgoingResponse response;
      Verdict verdict;
    };
    const auto judged = std::make_shared<Judged>();
    judged->response = std::move(response);
    std::function<void()> work = [judged, seconds, config = config_] {
      judge(config->expect, judged->response, seconds, judged->verdict);
    };
    auto judging = body_errand_.run(surroundings.background, surroundings.loop, Work::bodies, std::move(work), until);
    const auto ended = co_await judging;
    if (ended == Background::Ended::done) {
      if (auto& trouble = judged->verdict.trouble) verdict.fail(trouble->reason, std::move(trouble->text));
      std::move(judged->verdict.facts.begin(), judged->verdict.facts.end(), std::back_inserter(verdict.facts));
    } else if (ended == Background::Ended::not_begun) {
      verdict.fail(Reason::not_run, no_thread_words(Work::bodies));
    } else {
      verdict.fail(Reason::timeout, "the answer is too long to be looked at in time");
    }
    co_return true;
  }

  void tell(const HttpExchange& exchange, const OutgoingRequest& request, const Phases& phases,
            Verdict& verdict) const {
    const HttpTrace& trace = exchange.trace;
    if (!trace.address.empty()) {
      verdict.add_where(phases.looked_up, ip_protocol_metric, trace.address.find(':') == std::string::npos ? 4 : 6);
    }
    verdict.add_where(trace.tls.has_value(), ssl_metric, trace.tls ? 1 : 0);
    if (trace.tls) add_tls_facts(verdict, *trace.tls);
    if (!trace.tls && trace.refused_expiry) add_expiry(verdict, *trace.refused_expiry);
    const auto* response = std::get_if<OutgoingResponse>(&exchange.result);
    verdict.add(status_code_metric, response != nullptr ? response->status : 0);
    if (response == nullptr) {
      const auto& error = std::get<HttpError>(exchange.result);
      verdict.fail(error.certificate ? Reason::certificate : reason_of(error.kind), told(error, request));
      return;
    }
    verdict.add_detail(version_metric, trace.http_version);
    verdict.add_detail(content_length_metric, static_cast<double>(trace.content_length));
    verdict.add_detail(body_length_metric, static_cast<double>(response->body.size()));
    verdict.add_where(config_->keep_alive, reused_metric, trace.reused ? 1 : 0);
  }

  const std::shared_ptr<const HttpCheckConfig> config_;
  OwnErrand keys_errand_;
  OwnErrand body_errand_;
  std::string found_host_;  // of keep_alive: its addresses, and until when they hold
  std::vector<std::string> found_;
  TimePoint found_until_;
};

}  // namespace

std::unique_ptr<Check> make_check(std::shared_ptr<const HttpCheckConfig> config) {
  return std::make_unique<HttpCheck>(std::move(config));
}

std::vector<Metric> http_check_metrics() {
  return {http_duration_metric, status_code_metric, version_metric, content_length_metric,
          body_length_metric,   redirects_metric,   ssl_metric,     reused_metric};
}

}  // namespace sidewatch::probe
