#include "collectors/database/tls_key.h"

#include <fstream>
#include <string_view>

#include "base/tls_client.h"

namespace sidewatch::database {
namespace {

constexpr std::size_t most_lines = 1000;  // a certificate may stand before the key

// PKCS #8 (RFC 5958, 7468) and what OpenSSL wrote before ("Proc-Type: 4,ENCRYPTED", RFC 1421).
bool says_encrypted(std::string_view line) {
  return line.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY") || line.starts_with("Proc-Type: 4,ENCRYPTED");
}

}  // namespace

std::optional<Failure> trouble_with_key(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  for (std::size_t i = 0; i < most_lines && std::getline(file, line); ++i) {
    if (!says_encrypted(line)) continue;
    return Failure{FailureKind::login_refused, "TLS: " + path + ": " + std::string(encrypted_key_advice), true};
  }
  return std::nullopt;
}

}  // namespace sidewatch::database
