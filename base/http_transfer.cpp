// The seam of libcurl's easy handles (7.88).
//
// What libcurl would do otherwise:
// - MAXFILESIZE does not bind a chunked answer: the write callback counts.
// - A name server that does not answer would be waited for when the handle is given up, long after the deadline:
//   QUICK_EXIT lets the resolver thread end by itself. Where the addresses are given there is no such thread: RESOLVE
//   puts them where libcurl remembers what it has looked up, and + lets it forget them again.
// - An empty proxy text switches the environment's http_proxy off; a null pointer would not.
// - The name of TLS is the URL's host: for another one the URL is given that, and CONNECT_TO leads to the host.
#include "base/http_transfer.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/certificates.h"
#include "base/link_local.h"

namespace sidewatch {
namespace {

constexpr long remembered_seconds = 60;  // addresses, of connections that may be used again
constexpr int usual_proxy_port = 1080;   // libcurl's, where a proxy is written without one
constexpr const char* system_ca_directory = "/etc/ssl/certs";

static_assert(HttpTransfer::message_bytes == CURL_ERROR_SIZE);

void append(CurlList& list, const std::string& line) { list.reset(curl_slist_append(list.release(), line.c_str())); }

// Giving back another number than there are bytes ends the transfer.
std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  return static_cast<HttpTransfer*>(user)->answer->add_body({data, size * count}) ? size * count : 0;
}
std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  return static_cast<HttpTransfer*>(user)->answer->add_header_line({data, size * count}) ? size * count : 0;
}

// Connected, and about to ask: the only moment at which libcurl lends the TLS connection.
int on_connected(void* user, char* address, char*, int, int) {
  HttpTransfer& transfer = *static_cast<HttpTransfer*>(user);
  transfer.trace.address = transfer.request.unix_socket.empty() && address != nullptr ? address : "";
  const curl_tlssessioninfo* session = nullptr;
  if (curl_easy_getinfo(transfer.easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session != nullptr &&
      session->backend == CURLSSLBACKEND_OPENSSL && session->internals != nullptr) {
    transfer.trace.tls = describe_tls_peer(session->internals);
  }
  return CURL_PREREQFUNC_OK;
}

// About to begin TLS.
CURLcode on_context(CURL*, void* context, void* user) {
  static_cast<HttpTransfer*>(user)->refused_expiry = note_refused_expiry(context);
  return CURLE_OK;
}

// The address policy is held here, after name resolution, where a name cannot lie any more.
curl_socket_t on_open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  HttpTransfer& transfer = *static_cast<HttpTransfer*>(user);
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

HttpResult outcome_of(HttpTransfer& transfer, CURLcode code) {
  const OutgoingRequest& request = transfer.request;
  const std::string place = url_without_secrets(request.url) + ": ";
  HttpAnswer& answer = *transfer.answer;
  const bool body_too_long = answer.body_too_long() || code == CURLE_FILESIZE_EXCEEDED;
  const bool too_long = body_too_long || !answer.trouble().empty();
  if (too_long && request.too_long == OutgoingRequest::TooLong::fail) {
    const std::string bytes = std::to_string(request.max_body_bytes) + " bytes";
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
  const bool encrypted = code == CURLE_SSL_CERTPROBLEM &&
                         (transfer.given.key ? is_encrypted_key(*transfer.given.key) : has_passphrase(key_of(request)));
  if (encrypted) return HttpError{HttpFailure::tls, place + key_of(request) + ": " + std::string(encrypted_key_advice)};
  if (code == CURLE_SSL_CACERT_BADFILE && !request.ca_file.empty()) {
    return HttpError{HttpFailure::tls, place + request.ca_file + ": no certificates (PEM) can be read"};
  }
  const std::string_view reason = transfer.message[0] != '\0' ? transfer.message.data() : curl_easy_strerror(code);
  const bool too_old = code == CURLE_SSL_CONNECT_ERROR && (reason.find("alert protocol version") != reason.npos ||
                                                           reason.find("unsupported protocol") != reason.npos);
  if (code == CURLE_SSL_CONNECT_ERROR && reason.find("wrong version number") != reason.npos) {
    return HttpError{HttpFailure::tls, place + "what answers there does not speak TLS: is it http:// and not https://?"};
  }
  if (too_old) return HttpError{HttpFailure::tls, place + std::string(tls_too_old)};
  return HttpError{classify(code), place + std::string(reason), code == CURLE_PEER_FAILED_VERIFICATION};
}

double seconds_between(curl_off_t from, curl_off_t to) { return to > from ? static_cast<double>(to - from) / 1e6 : 0; }

void read_trace(HttpTransfer& transfer) {
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
  if (transfer.refused_expiry) trace.refused_expiry = *transfer.refused_expiry;
}

void set_limits(HttpTransfer& transfer) {
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
  const bool remember = !request.fresh_connection || !transfer.given.addresses.empty();
  curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, remember ? remembered_seconds : 0L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request.fresh_connection ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, request.fresh_connection ? 1L : 0L);
  if (request.too_long == OutgoingRequest::TooLong::fail) {
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_body_bytes));
  }
}

void set_file(CURL* easy, CURLoption as_file, CURLoption as_text, const std::string& file,
              const std::optional<std::string>& text) {
  if (!text) {
    curl_easy_setopt(easy, as_file, file.c_str());
    return;
  }
  curl_blob blob{const_cast<char*>(text->data()), text->size(), CURL_BLOB_NOCOPY};
  curl_easy_setopt(easy, as_text, &blob);
}

void set_tls(HttpTransfer& transfer) {
  CURL* const easy = transfer.easy;
  const OutgoingRequest& request = transfer.request;
  static const bool hashed = has_hashed_certificates(system_ca_directory);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                   static_cast<long>(request.tls13_only ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, request.insecure_skip_verify ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request.insecure_skip_verify ? 0L : 2L);
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, request.fresh_connection ? 0L : 1L);
  if (!request.insecure_skip_verify) {
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &transfer);
  }
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);  // a changed file counts at once
  if (!request.ca_file.empty()) {
    set_file(easy, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, request.ca_file, transfer.given.ca);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  } else if (hashed) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, system_ca_directory);
  }
  if (!request.certificate_file.empty()) {
    set_file(easy, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, request.certificate_file, transfer.given.certificate);
    set_file(easy, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, key_of(request), transfer.given.key);
    curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");  // or OpenSSL asks for a passphrase on the terminal, without end
  }
}

bool names_header(const OutgoingRequest& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const HttpHeader& header) {
    return header.name.size() == name.size() && strncasecmp(header.name.data(), name.data(), name.size()) == 0;
  });
}

// The addresses that were found for whom libcurl connects to.
void set_addresses(HttpTransfer& transfer) {
  if (transfer.given.addresses.empty()) return;
  const auto& proxy = transfer.request.proxy_url;
  const auto parts = parse_http_url(proxy.empty() ? transfer.request.url : proxy);
  if (!parts) return;
  std::string all;
  for (const auto& address : transfer.given.addresses) all += (all.empty() ? "" : ",") + address;
  append(transfer.addresses, "+" + parts->host + ":" + std::to_string(parts->port) + ":" + all);
  const auto usual_port = std::to_string(usual_proxy_port);
  if (!proxy.empty()) append(transfer.addresses, "+" + parts->host + ":" + usual_port + ":" + all);
  curl_easy_setopt(transfer.easy, CURLOPT_RESOLVE, transfer.addresses.get());
}

// The URL, and where to connect for it.
void set_place(HttpTransfer& transfer) {
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

void set_request(HttpTransfer& transfer) {
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

void FreeCurlList::operator()(curl_slist* list) const { curl_slist_free_all(list); }

void set_options(HttpTransfer& transfer) {
  transfer.answer.emplace(transfer.request.max_body_bytes);
  set_limits(transfer);
  set_tls(transfer);
  set_request(transfer);
  set_addresses(transfer);
}

HttpExchange exchange_of(HttpTransfer& transfer, int code) {
  read_trace(transfer);
  HttpResult result = outcome_of(transfer, static_cast<CURLcode>(code));
  return {std::move(result), std::move(transfer.trace)};
}

}  // namespace sidewatch
