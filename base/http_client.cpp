// The seam of libcurl (7.88). One easy handle driven by one multi handle, because only the multi interface can be woken
// from another thread (curl_multi_wakeup) and only it resolves names without stopping everything.
//
// Three things that libcurl would do otherwise:
// - MAXFILESIZE does not bind a chunked answer: the write callback counts.
// - A name server that does not answer would be waited for when the handle is given up, long after the deadline:
//   QUICK_EXIT lets the resolver thread end by itself.
// - An empty proxy text switches the environment's http_proxy off; a null pointer would not.
//
// SIGPIPE must be ignored by the process (main does): libcurl cannot do it for one thread alone.
#include "base/http_client.h"

#include <curl/curl.h>
#include <dirent.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstring>
#include <mutex>

#include "base/link_local.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_header_bytes = 64 * 1024;
constexpr std::size_t max_headers = 64;
constexpr long max_kept_connections = 2;
constexpr const char* system_ca_directory = "/etc/ssl/certs";

// What the callbacks of one request share.
struct Transfer {
  const OutgoingRequest& request;
  OutgoingResponse response;
  std::size_t header_bytes = 0;
  bool headers_too_long = false;
  bool body_too_long = false;
  bool address_refused = false;
  std::array<char, CURL_ERROR_SIZE> message{};
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  const std::size_t room = transfer.request.max_body_bytes - transfer.response.body.size();
  transfer.response.body.append(data, std::min(bytes, room));
  if (bytes <= room) return bytes;
  transfer.body_too_long = true;
  return 0;  // ends the transfer
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  std::string_view line(data, size * count);
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > max_header_bytes) {
    transfer.headers_too_long = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) transfer.response.headers.clear();  // an answer after 100 Continue
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || transfer.response.headers.size() >= max_headers) return size * count;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && std::strchr(" \t\r\n", value.back()) != nullptr) value.remove_suffix(1);
  while (!value.empty() && std::strchr(" \t", value.front()) != nullptr) value.remove_prefix(1);
  transfer.response.headers.push_back({std::string(line.substr(0, colon)), std::string(value)});
  return size * count;
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

// Whether the directory has certificates under their hashes, as OpenSSL looks them up one by one. Reading the bundle
// file instead costs more than a megabyte.
bool has_hashed_certificates(const char* directory) {
  DIR* const entries = opendir(directory);
  if (entries == nullptr) return false;
  bool found = false;
  while (const dirent* entry = readdir(entries)) {
    const std::string_view name = entry->d_name;
    found = name.size() == 10 && name.ends_with(".0") &&
            std::all_of(name.begin(), name.begin() + 8, [](unsigned char c) { return std::isxdigit(c) != 0; });
    if (found) break;
  }
  closedir(entries);
  return found;
}

std::string problem_with(const OutgoingRequest& request) {
  if (!header_is_safe(request.method, "")) return "the method is not a word";
  if (const auto url = parse_http_url(request.url); !url) return url.error().what;
  for (const auto& [name, value] : request.headers) {
    if (!header_is_safe(name, "")) return "a header name holds a character that is not allowed in one";
    if (!header_is_safe(name, value)) return "the value of header '" + name + "' holds a control character";
  }
  if (!header_is_safe("Authorization", request.username + request.password)) {
    return "user name or password hold a control character";
  }
  return {};
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

HttpResult outcome(CURL* easy, CURLcode code, Transfer& transfer) {
  const std::string place = url_without_secrets(transfer.request.url) + ": ";
  if (transfer.headers_too_long) {
    return HttpError{HttpFailure::too_large,
                     place + "the answer has more than " + std::to_string(max_header_bytes) + " bytes of headers"};
  }
  const bool too_long = transfer.body_too_long || code == CURLE_FILESIZE_EXCEEDED;
  if (too_long && transfer.request.too_long == OutgoingRequest::TooLong::fail) {
    return HttpError{HttpFailure::too_large, place + "the answer is longer than " +
                                                 std::to_string(transfer.request.max_body_bytes) + " bytes"};
  }
  if (code == CURLE_OK || too_long) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    transfer.response.status = static_cast<int>(status);
    transfer.response.cut = too_long;
    return std::move(transfer.response);
  }
  if (code == CURLE_COULDNT_CONNECT && transfer.address_refused) {
    return HttpError{HttpFailure::address_refused,
                     place + "the host's address is link-local, which is refused unless allow_link_local is true"};
  }
  const char* reason = transfer.message[0] != '\0' ? transfer.message.data() : curl_easy_strerror(code);
  return HttpError{classify(code), place + reason};
}

}  // namespace

// What libcurl looks at while a request is under way.
struct Lists {
  curl_slist* headers = nullptr;
  curl_slist* connect_to = nullptr;

  Lists() = default;
  Lists(const Lists&) = delete;
  Lists& operator=(const Lists&) = delete;
  ~Lists() {
    curl_slist_free_all(headers);
    curl_slist_free_all(connect_to);
  }
};

struct HttpClient::State {
  std::mutex mutex;  // over making `multi`, which interrupt() needs
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  std::atomic<bool> interrupted = false;

  ~State() {
    if (easy != nullptr) curl_easy_cleanup(easy);
    if (multi != nullptr) curl_multi_cleanup(multi);
  }

  bool make_handles() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    const std::lock_guard lock(mutex);
    if (easy == nullptr) easy = curl_easy_init();
    if (multi == nullptr) {
      multi = curl_multi_init();
      if (multi != nullptr) curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, max_kept_connections);
    }
    return easy != nullptr && multi != nullptr;
  }

  void set_limits(Transfer& transfer) const;
  void set_tls(const OutgoingRequest& request) const;
  void set_request(const OutgoingRequest& request, curl_slist* headers) const;
  void set_place(const OutgoingRequest& request, Lists& lists) const;
  CURLcode run(Duration timeout) const;
};

void HttpClient::State::set_limits(Transfer& transfer) const {
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
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.message.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  if (request.too_long == OutgoingRequest::TooLong::fail) {
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_body_bytes));
  }
}

void HttpClient::State::set_tls(const OutgoingRequest& request) const {
  static const bool hashed = has_hashed_certificates(system_ca_directory);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, request.insecure_skip_verify ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request.insecure_skip_verify ? 0L : 2L);
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
    const auto& key = request.key_file.empty() ? request.certificate_file : request.key_file;
    curl_easy_setopt(easy, CURLOPT_SSLKEY, key.c_str());
  }
}

void HttpClient::State::set_request(const OutgoingRequest& request, curl_slist* headers) const {
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "sidewatch");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
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

// libcurl asks for, and verifies, the host of the URL: so another name stands there, and leads to the real host.
void HttpClient::State::set_place(const OutgoingRequest& request, Lists& lists) const {
  if (!request.unix_socket.empty()) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  const auto parts = parse_http_url(request.url);
  if (request.server_name.empty() || !parts || parts->scheme != "https") return;
  const auto bracketed = [](const std::string& host) { return host.find(':') == host.npos ? host : "[" + host + "]"; };
  const std::string port = std::to_string(parts->port);
  const std::string place = bracketed(parts->host) + ":" + port;
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  curl_url_set(url.get(), CURLUPART_URL, request.url.c_str(), 0);
  curl_url_set(url.get(), CURLUPART_HOST, bracketed(request.server_name).c_str(), 0);
  char* text = nullptr;
  if (curl_url_get(url.get(), CURLUPART_URL, &text, 0) == CURLUE_OK) curl_easy_setopt(easy, CURLOPT_URL, text);
  curl_free(text);
  lists.connect_to = curl_slist_append(nullptr, ("::" + place).c_str());
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, lists.connect_to);
  const bool usual_port = parts->port == 443;
  lists.headers = curl_slist_append(lists.headers, ("Host: " + (usual_port ? bracketed(parts->host) : place)).c_str());
}

// libcurl holds the deadline; ours, a second later, is for the case that it does not.
CURLcode HttpClient::State::run(Duration timeout) const {
  constexpr Duration longest_poll = std::chrono::seconds(1);
  const auto give_up = std::chrono::steady_clock::now() + timeout + std::chrono::seconds(1);
  for (;;) {
    if (interrupted) return CURLE_ABORTED_BY_CALLBACK;
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    if (std::chrono::steady_clock::now() >= give_up) return CURLE_OPERATION_TIMEDOUT;
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(longest_poll.count()), nullptr);
  }
}

HttpClient::HttpClient() : state_(std::make_unique<State>()) {}
HttpClient::~HttpClient() = default;

HttpResult HttpClient::send(const OutgoingRequest& request) {
  if (std::string problem = problem_with(request); !problem.empty()) {
    return HttpError{HttpFailure::bad_request, std::move(problem)};
  }
  if (!state_->make_handles()) return HttpError{HttpFailure::network, "libcurl could not be initialised"};

  Transfer transfer{request, {}, 0, false, false, false, {}};
  Lists lists;
  lists.headers = curl_slist_append(nullptr, "Expect:");  // no waiting for 100 Continue
  for (const auto& [name, value] : request.headers) {
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    lists.headers = curl_slist_append(lists.headers, line.c_str());
  }
  curl_easy_reset(state_->easy);  // keeps connections and the DNS cache, forgets every option
  state_->set_limits(transfer);
  state_->set_tls(request);
  curl_easy_setopt(state_->easy, CURLOPT_URL, request.url.c_str());
  state_->set_place(request, lists);
  state_->set_request(request, lists.headers);

  curl_multi_add_handle(state_->multi, state_->easy);
  const CURLcode code = state_->run(request.timeout);
  HttpResult result = state_->interrupted && code == CURLE_ABORTED_BY_CALLBACK
                          ? HttpError{HttpFailure::interrupted,
                                      url_without_secrets(request.url) + ": interrupted before an answer came"}
                          : outcome(state_->easy, code, transfer);
  curl_multi_remove_handle(state_->multi, state_->easy);
  curl_easy_reset(state_->easy);  // nothing may point to `transfer` any more
  return result;
}

void HttpClient::interrupt() {
  const std::lock_guard lock(state_->mutex);
  state_->interrupted = true;
  if (state_->multi != nullptr) curl_multi_wakeup(state_->multi);
}

Result<UrlParts> parse_http_url(const std::string& url) {
  if (!header_is_safe("Location", url) || url.find(' ') != std::string::npos) {
    return Error{"a URL cannot hold blanks or control characters", ""};
  }
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  const auto part = [&](CURLUPart which, unsigned flags) {
    char* text = nullptr;
    std::string copy;
    if (curl_url_get(parsed.get(), which, &text, flags) == CURLUE_OK) copy = text;
    curl_free(text);
    return copy;
  };
  const auto set = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME);
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return Error{"a URL starts with http:// or https:// here", ""};
  if (set == CURLUE_BAD_PORT_NUMBER) return Error{"the port of a URL is a number from 1 to 65535", ""};
  // curl takes the first part of the path of http:///path for the host.
  const bool no_host = scheme_end + 3 == url.size() || url[scheme_end + 3] == '/';
  if (set != CURLUE_OK || no_host) return Error{"not a URL, write https://host/path", ""};
  UrlParts parts;
  parts.scheme = part(CURLUPART_SCHEME, 0);
  if (parts.scheme != "http" && parts.scheme != "https") {
    return Error{"a URL starts with http:// or https:// here", ""};
  }
  parts.host = part(CURLUPART_HOST, 0);
  if (parts.host.size() > 2 && parts.host.front() == '[') parts.host = parts.host.substr(1, parts.host.size() - 2);
  parts.port = std::atoi(part(CURLUPART_PORT, CURLU_DEFAULT_PORT).c_str());
  parts.has_credentials = !part(CURLUPART_USER, 0).empty() || !part(CURLUPART_PASSWORD, 0).empty();
  parts.link_local = is_link_local_address(parts.host);
  return parts;
}

}  // namespace sidewatch
