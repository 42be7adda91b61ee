// TLS over a connected socket that does not block: the seam of OpenSSL's libssl. It never waits: each call does what can
// be done now and says what the socket has to be waited for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/certificates.h"
#include "base/result.h"

namespace sidewatch {

struct TlsSettings {
  bool verify_certificate = true;
  bool verify_name = true;  // with verify_certificate
  std::string name;         // that the certificate has to be for (a host's name or an IP address), and is asked for
  std::string ca;           // a file in PEM; empty: the system's
  std::string cert;         // the client's, with `key`; or empty
  std::string key;
  bool tls13_only = false;  // otherwise TLS 1.2 or newer
};

// What a handshake agreed on, and whom the other side says that it is.
struct TlsPeer {
  std::string version;  // "TLS 1.3"
  std::string cipher;   // "TLS_AES_256_GCM_SHA384"
  Certificate certificate;
  std::int64_t earliest_expiry = 0;  // of the certificates that were sent; seconds since 1970
  std::optional<std::int64_t> verified_expiry;  // the earliest in the chain that was verified; absent: none was
};

// What is said where the other side ends the handshake because it has no version that we take.
inline constexpr std::string_view tls_too_old = "it speaks no version of TLS that is new enough";

// `ssl` is OpenSSL's SSL after its handshake (libcurl lends its own). Absent where no certificate was shown.
std::optional<TlsPeer> describe_tls_peer(void* ssl);

// Where a handshake fails for the date of a certificate and nothing else: when the first of those ends that were shown.
// Shared, for libcurl keeps its contexts for longer than whoever asked lives.
using RefusedExpiry = std::shared_ptr<std::optional<std::int64_t>>;

// Lets the handshakes of `context`, an SSL_CTX of OpenSSL that verifies (libcurl lends its own), note it. What they accept
// is the same.
RefusedExpiry note_refused_expiry(void* context);

class TlsClient {
 public:
  // `fd` stays the caller's and must outlive it. Fails where the files of the settings cannot be used.
  static Result<std::unique_ptr<TlsClient>> make(int fd, const TlsSettings& settings);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  enum class State {
    done,
    wants_read,   // wait until the socket can be read, then call again with the same arguments
    wants_write,
    closed,       // the other side ended the connection
    failed,       // `trouble` says why
  };
  struct Step {
    State state = State::done;
    std::size_t bytes = 0;  // read or written
    std::string trouble;    // for people; a certificate's fault is named
    bool certificate = false;  // what failed is that the other side's certificate does not hold, or ours is refused
  };

  Step shake_hands();
  Step read(char* bytes, std::size_t count);
  Step write(std::string_view bytes);

  std::optional<TlsPeer> peer() const;  // after the handshake
  std::optional<std::int64_t> refused_expiry() const;  // after one that failed

 private:
  struct Parts;
  explicit TlsClient(std::unique_ptr<Parts> parts);
  Step step_after(int result);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sidewatch
