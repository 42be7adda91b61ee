// What a certificate says: whose it is, whose word it is, and when it begins and ends. The seam of OpenSSL's X.509.
//
// It tells and does not judge: whether a certificate is to be trusted is decided in a TLS handshake
// (base/tls_client.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct x509_st;  // OpenSSL's

namespace sidewatch {

struct Certificate {
  std::string subject;    // as RFC 2253 writes names, the way Go does: CN=shop.example,O=Shop
  std::string issuer;
  std::string serial;     // hexadecimal
  std::string sha256;     // of its DER form, hexadecimal
  std::string names;      // the DNS names that it is for: "shop.example,www.shop.example"
  std::int64_t not_before = 0;  // seconds since 1970
  std::int64_t not_after = 0;
  std::string issuer_key, subject_key;  // DER of the names, to be compared

  bool is_issued_by(const Certificate& other) const { return issuer_key == other.subject_key; }
};

Certificate describe_certificate(const x509_st& certificate);
std::int64_t certificate_end(const x509_st& certificate);  // its not_after alone

// Every certificate of a PEM text, in its order; other blocks are passed over. An Error where a certificate's block
// cannot be read, or where there is none.
Result<std::vector<Certificate>> read_certificates(std::string_view pem);

// Whether the directory has certificates under their hashes, as OpenSSL looks them up one by one. Reading the bundle
// file instead costs more than a megabyte.
bool has_hashed_certificates(const char* directory);

// Whether a private key (PEM) can be read only by who types its passphrase, and what is said of it: nobody is there to
// type it.
bool has_passphrase(const std::string& key_file);
bool is_encrypted_key(std::string_view pem);
inline constexpr std::string_view encrypted_key_advice =
    "the private key is encrypted with a passphrase, and nobody is there to type it: give a key without one, which the "
    "agent alone may read (openssl pkey -in KEY -out NEW_KEY)";

}  // namespace sidewatch
