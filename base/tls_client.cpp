#include "base/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace sidewatch {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};

// Why the system did not let it, or else the newest of OpenSSL's own words; and none of them left behind for the next call to find.
std::string library_words() {
  const unsigned long code = ERR_peek_last_error();
  const unsigned long cause = ERR_peek_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(cause)) return std::strerror(ERR_GET_REASON(cause));
  const char* words = code == 0 ? nullptr : ERR_reason_error_string(code);
  return words ? words : "it broke off";
}

bool is_address(const std::string& name) {
  in6_addr address{};
  return inet_pton(AF_INET, name.c_str(), &address) == 1 || inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

// OpenSSL would ask on the terminal, and wait for an answer.
int refuse_passphrase(char*, int, int, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

Result<void> load_key(SSL_CTX* context, const std::string& path) {
  bool asked = false;
  SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
  SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
  const bool loaded = SSL_CTX_use_PrivateKey_file(context, path.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (loaded) return {};
  const std::string words = library_words();
  if (asked) return Error{std::string(encrypted_key_advice), path};
  return Error{"no private key (PEM) that fits the certificate can be read: " + words, path};
}

Result<void> load_files(SSL_CTX* context, const TlsSettings& settings) {
  if (!settings.ca.empty() && SSL_CTX_load_verify_locations(context, settings.ca.c_str(), nullptr) != 1) {
    return Error{"no certificates (PEM) can be read: " + library_words(), settings.ca};
  }
  if (settings.ca.empty() && settings.verify_certificate) SSL_CTX_set_default_verify_paths(context);
  if (settings.cert.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, settings.cert.c_str()) != 1) {
    return Error{"no certificate (PEM) can be read: " + library_words(), settings.cert};
  }
  return load_key(context, settings.key);
}

Result<void> expect_name(SSL* ssl, const TlsSettings& settings) {
  if (settings.name.empty()) {
    if (!settings.verify_certificate || !settings.verify_name) return {};
    return Error{"no host's name to check the certificate against: give server_name", ""};
  }
  const bool address = is_address(settings.name);
  if (!address) SSL_set_tlsext_host_name(ssl, settings.name.c_str());
  if (!settings.verify_certificate || !settings.verify_name) return {};
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(expected, settings.name.c_str())
                          : X509_VERIFY_PARAM_set1_host(expected, settings.name.c_str(), settings.name.size());
  if (set != 1) return Error{"not a host's name", settings.name};
  return {};
}

std::optional<std::int64_t> earliest_expiry(const STACK_OF(X509)* chain) {
  std::optional<std::int64_t> earliest;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const auto end = certificate_end(*sk_X509_value(chain, i));
    if (!earliest || end < *earliest) earliest = end;
  }
  return earliest;
}

// Alerts of the other side with which it refuses our certificate, or wants one: in TLS 1.2 that is handshake_failure.
bool is_about_our_certificate(int reason) {
  const int alert = reason - SSL_AD_REASON_OFFSET;
  return alert == SSL_AD_HANDSHAKE_FAILURE || (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
         alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED || alert == TLS13_AD_CERTIFICATE_REQUIRED;
}

void free_refused_expiry(void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<RefusedExpiry*>(kept); }

int slot_of_refused_expiry() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_refused_expiry);
  return slot;
}

// OpenSSL looks at the dates last: what fails for one is otherwise trusted, and for the right name.
int on_verified(int holds, X509_STORE_CTX* verifying) {
  const int error = X509_STORE_CTX_get_error(verifying);
  if (holds == 1 || (error != X509_V_ERR_CERT_HAS_EXPIRED && error != X509_V_ERR_CERT_NOT_YET_VALID)) return holds;
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(verifying, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* noted =
      static_cast<const RefusedExpiry*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot_of_refused_expiry()));
  const X509* const refused = X509_STORE_CTX_get_current_cert(verifying);
  if (noted == nullptr || refused == nullptr) return holds;
  const auto end = certificate_end(*refused);  // it may be one of ours that was not shown
  **noted = std::min(end, earliest_expiry(X509_STORE_CTX_get0_untrusted(verifying)).value_or(end));
  return holds;
}

// A socket whose other side is gone must be an error, not a signal that ends the agent.
int send_without_signal(BIO* bio, const char* bytes, int count) {
  int fd = -1;
  BIO_get_fd(bio, &fd);
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(fd, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  if (sent < 0 && BIO_sock_should_retry(static_cast<int>(sent)) != 0) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

}  // namespace

struct TlsClient::Parts {
  std::unique_ptr<BIO_METHOD, void (*)(BIO_METHOD*)> method{nullptr, BIO_meth_free};
  std::unique_ptr<SSL_CTX, Free> context;
  RefusedExpiry refused_expiry;
  std::unique_ptr<SSL, Free> ssl;
};

TlsClient::TlsClient(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsClient::~TlsClient() = default;

Result<std::unique_ptr<TlsClient>> TlsClient::make(int fd, const TlsSettings& settings) {
  auto parts = std::make_unique<Parts>();
  parts->context.reset(SSL_CTX_new(TLS_client_method()));
  if (!parts->context) return Error{"no TLS: " + library_words(), ""};
  SSL_CTX* context = parts->context.get();
  SSL_CTX_set_min_proto_version(context, settings.tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, settings.verify_certificate ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (settings.verify_certificate) parts->refused_expiry = note_refused_expiry(context);
  if (auto loaded = load_files(context, settings); !loaded) return loaded.error();
  parts->ssl.reset(SSL_new(context));
  if (!parts->ssl) return Error{"no TLS: " + library_words(), ""};
  if (auto expected = expect_name(parts->ssl.get(), settings); !expected) return expected.error();

  const BIO_METHOD* socket = BIO_s_socket();
  parts->method.reset(BIO_meth_new(BIO_TYPE_SOCKET, "socket"));
  BIO_meth_set_write(parts->method.get(), send_without_signal);
  BIO_meth_set_read(parts->method.get(), BIO_meth_get_read(socket));
  BIO_meth_set_ctrl(parts->method.get(), BIO_meth_get_ctrl(socket));
  BIO_meth_set_create(parts->method.get(), BIO_meth_get_create(socket));
  BIO_meth_set_destroy(parts->method.get(), BIO_meth_get_destroy(socket));
  std::unique_ptr<BIO, Free> bio(BIO_new(parts->method.get()));
  if (!bio) return Error{"no TLS: " + library_words(), ""};
  BIO_set_fd(bio.get(), fd, BIO_NOCLOSE);
  BIO* owned = bio.release();
  SSL_set_bio(parts->ssl.get(), owned, owned);
  SSL_set_connect_state(parts->ssl.get());
  return std::unique_ptr<TlsClient>(new TlsClient(std::move(parts)));
}

TlsClient::Step TlsClient::step_after(int result) {
  const int error_number = errno;
  SSL* ssl = parts_->ssl.get();
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_NONE: return {State::done, static_cast<std::size_t>(result), {}, false};
    case SSL_ERROR_WANT_READ: return {State::wants_read, 0, {}, false};
    case SSL_ERROR_WANT_WRITE: return {State::wants_write, 0, {}, false};
    case SSL_ERROR_ZERO_RETURN: return {State::closed, 0, {}, false};
    default: break;
  }
  Step step;
  step.state = State::failed;
  const unsigned long code = ERR_peek_last_error();
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0) {
    step.certificate = true;
    step.trouble = std::string("its certificate does not hold: ") + X509_verify_cert_error_string(verdict);
  } else if (code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    step.state = State::closed;
    if (code == 0 && error_number != 0) step.trouble = std::strerror(error_number);
  } else {
    const int reason = ERR_GET_REASON(code);
    const char* words = ERR_reason_error_string(code);
    step.certificate = is_about_our_certificate(reason);
    step.trouble = words != nullptr ? words : "it broke off";
    if (reason == SSL_R_WRONG_VERSION_NUMBER) step.trouble = "what answers does not speak TLS";
    if (reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION || reason == SSL_R_UNSUPPORTED_PROTOCOL) step.trouble = tls_too_old;
  }
  ERR_clear_error();
  return step;
}

TlsClient::Step TlsClient::shake_hands() {
  ERR_clear_error();
  errno = 0;
  return step_after(SSL_do_handshake(parts_->ssl.get()));
}

TlsClient::Step TlsClient::read(char* bytes, std::size_t count) {
  ERR_clear_error();
  errno = 0;
  return step_after(SSL_read(parts_->ssl.get(), bytes, static_cast<int>(count)));
}

TlsClient::Step TlsClient::write(std::string_view bytes) {
  ERR_clear_error();
  errno = 0;
  return step_after(SSL_write(parts_->ssl.get(), bytes.data(), static_cast<int>(bytes.size())));
}

std::optional<TlsPeer> TlsClient::peer() const { return describe_tls_peer(parts_->ssl.get()); }

std::optional<std::int64_t> TlsClient::refused_expiry() const {
  return parts_->refused_expiry ? *parts_->refused_expiry : std::nullopt;
}

RefusedExpiry note_refused_expiry(void* context) {
  SSL_CTX* const verifier = static_cast<SSL_CTX*>(context);
  auto noted = std::make_shared<std::optional<std::int64_t>>();
  auto shared = std::make_unique<RefusedExpiry>(noted);
  if (SSL_CTX_set_ex_data(verifier, slot_of_refused_expiry(), shared.get()) != 1) return noted;
  (void)shared.release();  // the context's now
  SSL_CTX_set_verify(verifier, SSL_CTX_get_verify_mode(verifier), on_verified);
  return noted;
}

std::optional<TlsPeer> describe_tls_peer(void* connection) {
  SSL* const ssl = static_cast<SSL*>(connection);
  const X509* own = ssl == nullptr ? nullptr : SSL_get0_peer_certificate(ssl);
  if (own == nullptr) return std::nullopt;
  TlsPeer peer;
  const std::string version = SSL_get_version(ssl);  // "TLSv1.3"
  peer.version = version.starts_with("TLSv") ? "TLS " + version.substr(4) : version;
  if (peer.version == "TLS 1") peer.version = "TLS 1.0";
  if (const char* cipher = SSL_get_cipher_name(ssl)) peer.cipher = cipher;
  peer.certificate = describe_certificate(*own);
  peer.earliest_expiry = earliest_expiry(SSL_get_peer_cert_chain(ssl)).value_or(peer.certificate.not_after);
  if (SSL_get_verify_result(ssl) == X509_V_OK) peer.verified_expiry = earliest_expiry(SSL_get0_verified_chain(ssl));
  return peer;
}

}  // namespace sidewatch
