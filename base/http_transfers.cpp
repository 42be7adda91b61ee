// The seam of libcurl (7.88). One multi handle in the manner of curl_multi_socket_action, whose sockets stand in an
// epoll of ours; an easy handle for each request under way.
//
// What libcurl would do otherwise:
// - MAXFILESIZE does not bind a chunked answer: the write callback counts.
// - A name server that does not answer would be waited for when the handle is given up, long after the deadline:
//   QUICK_EXIT lets the resolver thread end by itself.
// - An empty proxy text switches the environment's http_proxy off; a null pointer would not.
// - The name of TLS is the URL's host: for another one the URL is given that, and CONNECT_TO leads to the host.
//
// SIGPIPE must be ignored by the process (main does): libcurl cannot do it for one thread alone.
#include "base/http_transfers.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/certificates.h"
#include "base/http_answer.h"
#include "base/link_local.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_idle_handles = 16;
constexpr const char* system_ca_directory = "/etc/ssl/certs";

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& line) { list.reset(curl_slist_append(list.release(), line.c_str())); }

// One request under way. What libcurl does not copy lives here.
struct Transfer {
  OutgoingRequest request;
  HttpTransfers::Done done;
  CURL* easy = nullptr;
  List headers;
  List connect_to;
  HttpTrace trace = {};
  std::optional<HttpAnswer> answer = {};
  bool address_refused = false;
  std::array<char, CURL_ERROR_SIZE> message{};
};

// Giving back another number than there are bytes ends the transfer.
std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  return static_cast<Transfer*>(user)->answer->add_body({data, size * count}) ? size * count : 0;
}
std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  return static_cast<Transfer*>(user)->answer->add_header_line({data, size * count}) ? size * count : 0;
}

// Connected, and about to ask: the only moment at which libcurl lends the TLS connection.
int on_connected(void* user, char* address, char*, int, int) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  transfer.trace.address = transfer.request.unix_socket.empty() && address != nullptr ? address : "";
  const curl_tlssessioninfo* session = nullptr;
  if (curl_easy_getinfo(transfer.easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session != nullptr &&
      session->backend == CURLSSLBACKEND_OPENSSL && session->internals != nullptr) {
    transfer.trace.tls = describe_tls_peer(session->internals);
  }
  return CURL_PREREQFUNC_OK;
}

// The address policy is held here, after name resolution, where a name cannot lie any more.
curl_socket_t on_open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  if (!transfer.request.allow_link_local && is_link_local(address->addr)) {
    transfer.address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

HttpFailure classify(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return HttpFailure::resolve;
    case CURLE_COULDNT_CONNECT: return HttpFailure::connect;
    case CURLE_OPERATION_TIMEDOUT: return HttpFailure::timeout;
    case CURLE_FILESIZE_EXCEEDED: return HttpFailure::too_large;
    case CURLE_URL_MALFORMAT: return HttpFailure::bad_request;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_USE_SSL_FAILED: return HttpFailure::tls;
    default: return HttpFailure::network;  // UNSUPPORTED_PROTOCOL too: an answer without a status line
  }
}

const std::string& key_of(const OutgoingRequest& request) {
  return request.key_file.empty() ? request.certificate_file : request.key_file;
}

HttpResult outcome(CURLcode code, Transfer& transfer) {
  const std::string place = url_without_secrets(transfer.request.url) + ": ";
  HttpAnswer& answer = *transfer.answer;
  const bool body_too_long = answer.body_too_long() || code == CURLE_FILESIZE_EXCEEDED;
  const bool too_long = body_too_long || !answer.trouble().empty();
  if (too_long && transfer.request.too_long == OutgoingRequest::TooLong::fail) {
    const std::string bytes = std::to_string(transfer.request.max_body_bytes) + " bytes";
    return HttpError{HttpFailure::too_large,
                     place + "the answer " + (body_too_long ? "is longer than " + bytes : "has " + answer.trouble())};
  }
  if (code == CURLE_OK || too_long) {
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    return answer.take(static_cast<int>(status), too_long);
  }
  if (code == CURLE_COULDNT_CONNECT && transfer.address_refused) {
    return HttpError{HttpFailure::address_refused,
                     place + "the host's address is link-local, which is refused unless allow_link_local is true"};
  }
  if (code == CURLE_SSL_CERTPROBLEM && has_passphrase(key_of(transfer.request))) {
    return HttpError{HttpFailure::tls, place + key_of(transfer.request) + ": " + std::string(encrypted_key_advice)};
  }
  const char* reason = transfer.message[0] != '\0' ? transfer.message.data() : curl_easy_strerror(code);
  return HttpError{classify(code), place + reason, code == CURLE_PEER_FAILED_VERIFICATION};
}

double seconds_between(curl_off_t from, curl_off_t to) { return to > from ? static_cast<double>(to - from) / 1e6 : 0; }

void read_trace(Transfer& transfer) {
  const auto micros = [&](CURLINFO which) {
    curl_off_t value = 0;
    curl_easy_getinfo(transfer.easy, which, &value);
    return value;
  };
  HttpTrace& trace = transfer.trace;
  const auto resolved = micros(CURLINFO_NAMELOOKUP_TIME_T);
  const auto connected = micros(CURLINFO_CONNECT_TIME_T);
  const auto secured = micros(CURLINFO_APPCONNECT_TIME_T);
  const auto asked = micros(CURLINFO_PRETRANSFER_TIME_T);
  const auto answered = micros(CURLINFO_STARTTRANSFER_TIME_T);
  const auto total = micros(CURLINFO_TOTAL_TIME_T);
  trace.resolve_seconds = seconds_between(0, resolved);
  trace.connect_seconds = seconds_between(resolved, connected);
  trace.tls_seconds = seconds_between(connected, secured);
  trace.processing_seconds = asked > 0 ? seconds_between(asked, answered) : 0;
  trace.transfer_seconds = answered > 0 ? seconds_between(answered, total) : 0;
  trace.total_seconds = seconds_between(0, total);
  long connects = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_NUM_CONNECTS, &connects);
  trace.reused = connects == 0 && asked > 0;
  long version = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_HTTP_VERSION, &version);
  trace.http_version = version == CURL_HTTP_VERSION_1_0 ? 1.0 : version == CURL_HTTP_VERSION_1_1 ? 1.1 : 0;
  curl_off_t length = -1;
  curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  trace.content_length = length;
}

void set_limits(Transfer& transfer) {
  CURL* const easy = transfer.easy;
  const OutgoingRequest& request = transfer.request;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::min(request.timeout, request.connect_timeout).count()));
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_PROXY, request.proxy_url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");  // whatever the environment says
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.message.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, request.fresh_connection ? 0L : 60L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request.fresh_connection ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, request.fresh_connection ? 1L : 0L);
  if (request.too_long == OutgoingRequest::TooLong::fail) {
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_body_bytes));
  }
}

void set_tls(CURL* easy, const OutgoingRequest& request) {
  static const bool hashed = has_hashed_certificates(system_ca_directory);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                   static_cast<long>(request.tls13_only ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, request.insecure_skip_verify ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request.insecure_skip_verify ? 0L : 2L);
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, request.fresh_connection ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);  // a changed file counts at once
  if (!request.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  } else if (hashed) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, system_ca_directory);
  }
  if (!request.certificate_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, request.certificate_file.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, key_of(request).c_str());
    curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");  // or OpenSSL asks for a passphrase on the terminal, without end
  }
}

bool names_header(const OutgoingRequest& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const HttpHeader& header) {
    return header.name.size() == name.size() && strncasecmp(header.name.data(), name.data(), name.size()) == 0;
  });
}

// The URL, and where to connect for it.
void set_place(Transfer& transfer) {
  CURL* const easy = transfer.easy;
  const OutgoingRequest& request = transfer.request;
  using Family = OutgoingRequest::Family;
  const long family = request.family == Family::ipv4   ? CURL_IPRESOLVE_V4
                      : request.family == Family::ipv6 ? CURL_IPRESOLVE_V6
                                                       : CURL_IPRESOLVE_WHATEVER;
  curl_easy_setopt(easy, CURLOPT_IPRESOLVE, family);
  if (!request.unix_socket.empty()) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  std::string url = request.url;
  const auto parts = request.server_name.empty() ? Result<UrlParts>(Error{}) : parse_http_url(request.url);
  if (parts && parts->scheme == "https") {
    const auto bracketed = [](const std::string& host) {
      return host.find(':') == std::string::npos ? host : "[" + host + "]";
    };
    append(transfer.connect_to, "::" + bracketed(parts->host) + ":" + std::to_string(parts->port));
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer.connect_to.get());
    const bool usual = parts->port == 443;
    const auto port = usual ? std::string() : ":" + std::to_string(parts->port);
    if (!names_header(request, "Host")) append(transfer.headers, "Host: " + bracketed(parts->host) + port);
    url = url_with_host(url, bracketed(request.server_name));
  }
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
}

void set_request(Transfer& transfer) {
  CURL* const easy = transfer.easy;
  const OutgoingRequest& request = transfer.request;
  append(transfer.headers, "Expect:");  // no waiting for 100 Continue
  for (const auto& [name, value] : request.headers) {
    append(transfer.headers, value.empty() ? name + ";" : name + ": " + value);
  }
  set_place(transfer);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "sidewatch");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
  if (!request.body.empty() || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (!request.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERNAME, request.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, request.password.c_str());
  }
}

}  // namespace

struct HttpTransfers::State {
  explicit State(std::size_t kept) : kept_connections(kept), epoll(epoll_create1(EPOLL_CLOEXEC)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  const std::size_t kept_connections;
  const int epoll;
  CURLM* multi = nullptr;
  std::vector<CURL*> idle;
  std::map<Id, std::unique_ptr<Transfer>> under_way;
  std::vector<Id> impossible;  // that have failed without having been begun
  Id last_id = 0;
  std::optional<std::chrono::steady_clock::time_point> due;

  bool prepare(Transfer& transfer);
  std::unique_ptr<Transfer> take(Id id);
  void give_back(Transfer& transfer);
  void collect();
  static int on_socket(CURL*, curl_socket_t socket, int wanted, void* user, void* known);
  static int on_timer(CURLM*, long milliseconds, void* user);
};

HttpTransfers::State::~State() {
  for (auto& [id, transfer] : under_way) give_back(*transfer);
  for (CURL* easy : idle) curl_easy_cleanup(easy);
  if (multi != nullptr) curl_multi_cleanup(multi);
  if (epoll >= 0) close(epoll);
}

int HttpTransfers::State::on_socket(CURL*, curl_socket_t socket, int wanted, void* user, void* known) {
  State& state = *static_cast<State*>(user);
  epoll_event event{};
  event.data.fd = socket;
  event.events = ((wanted & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((wanted & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
  if (wanted == CURL_POLL_REMOVE) {
    epoll_ctl(state.epoll, EPOLL_CTL_DEL, socket, nullptr);
  } else if (epoll_ctl(state.epoll, known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) == 0) {
    curl_multi_assign(state.multi, socket, &state);
  }
  return 0;
}

int HttpTransfers::State::on_timer(CURLM*, long milliseconds, void* user) {
  State& state = *static_cast<State*>(user);
  state.due.reset();
  if (milliseconds >= 0) state.due = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  return 0;
}

bool HttpTransfers::State::prepare(Transfer& transfer) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (multi == nullptr && epoll >= 0 && (multi = curl_multi_init()) != nullptr) {
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(kept_connections));
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  }
  if (multi == nullptr) return false;
  if (idle.empty()) {
    transfer.easy = curl_easy_init();
  } else {
    transfer.easy = idle.back();
    idle.pop_back();
  }
  return transfer.easy != nullptr;
}

// The handle forgets every option of the request; connections and the DNS cache are the multi handle's.
void HttpTransfers::State::give_back(Transfer& transfer) {
  if (transfer.easy == nullptr) return;
  curl_multi_remove_handle(multi, transfer.easy);
  curl_easy_reset(transfer.easy);
  if (idle.size() < max_idle_handles) {
    idle.push_back(transfer.easy);
  } else {
    curl_easy_cleanup(transfer.easy);
  }
  transfer.easy = nullptr;
}

std::unique_ptr<Transfer> HttpTransfers::State::take(Id id) {
  const auto found = under_way.find(id);
  if (found == under_way.end()) return nullptr;
  auto transfer = std::move(found->second);
  under_way.erase(found);
  return transfer;
}

void HttpTransfers::State::collect() {
  for (const Id id : std::exchange(impossible, {})) {
    if (const auto transfer = take(id)) {
      std::string problem = problem_with(transfer->request);
      auto error = problem.empty() ? HttpError{HttpFailure::network, "libcurl could not be initialised"}
                                   : HttpError{HttpFailure::bad_request, std::move(problem)};
      transfer->done({std::move(error), {}});
    }
  }
  int left = 0;
  while (multi != nullptr) {
    const CURLMsg* message = curl_multi_info_read(multi, &left);
    if (message == nullptr) return;
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    Id id = 0;
    for (const auto& [key, transfer] : under_way) {
      if (transfer->easy == message->easy_handle) id = key;
    }
    const auto transfer = take(id);
    if (!transfer) continue;
    read_trace(*transfer);
    HttpResult result = outcome(code, *transfer);
    give_back(*transfer);
    transfer->done({std::move(result), std::move(transfer->trace)});
  }
}

HttpTransfers::HttpTransfers(std::size_t kept_connections) : state_(std::make_unique<State>(kept_connections)) {}
HttpTransfers::~HttpTransfers() = default;

HttpTransfers::Id HttpTransfers::start(const OutgoingRequest& request, Done done) {
  const Id id = ++state_->last_id;
  auto& transfer = *state_->under_way.emplace(id, std::make_unique<Transfer>()).first->second;
  transfer.request = request;
  transfer.answer.emplace(request.max_body_bytes);
  transfer.done = std::move(done);
  if (!problem_with(request).empty() || !state_->prepare(transfer)) {
    state_->impossible.push_back(id);
    state_->due = std::chrono::steady_clock::now();
    return id;
  }
  set_limits(transfer);
  set_tls(transfer.easy, transfer.request);
  set_request(transfer);
  curl_multi_add_handle(state_->multi, transfer.easy);
  return id;
}

void HttpTransfers::cancel(Id id) {
  if (const auto transfer = state_->take(id)) state_->give_back(*transfer);
}

int HttpTransfers::descriptor() const { return state_->epoll; }

std::optional<std::chrono::steady_clock::time_point> HttpTransfers::due() const { return state_->due; }

void HttpTransfers::step() {
  std::array<epoll_event, 64> ready{};
  const int count = epoll_wait(state_->epoll, ready.data(), static_cast<int>(ready.size()), 0);
  int running = 0;
  for (int i = 0; i < count && state_->multi != nullptr; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                     ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                     ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(state_->multi, event.data.fd, what, &running);
  }
  if (state_->due && *state_->due <= std::chrono::steady_clock::now()) {
    state_->due.reset();
    if (state_->multi != nullptr) curl_multi_socket_action(state_->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  state_->collect();
}

}  // namespace sidewatch
