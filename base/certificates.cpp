#include "base/certificates.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <fstream>
#include <istream>
#include <memory>
#include <sstream>

namespace sidewatch {
namespace {

constexpr std::size_t max_names_bytes = 1024;
constexpr std::size_t max_key_lines = 1000;  // certificates may stand before the key

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const { Free(object); }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, FreeWith<Free>>;

std::string hexadecimal(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

std::string text_of(const X509_NAME* name) {
  const Owned<BIO, BIO_free> out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
  char* bytes = nullptr;
  const long count = BIO_get_mem_data(out.get(), &bytes);
  return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : std::string();
}

std::string key_of(const X509_NAME* name) {
  const unsigned char* bytes = nullptr;
  std::size_t count = 0;
  if (X509_NAME_get0_der(name, &bytes, &count) != 1) return {};
  return {reinterpret_cast<const char*>(bytes), count};
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(timegm(&parts)) : 0;
}

std::string names_of(const X509& certificate) {
  std::string all;
  auto* const names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && all.size() < max_names_bytes; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    if (!all.empty()) all += ',';
    all.append(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(names);
  return all;
}

std::string serial_of(const X509& certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(&certificate);
  return hexadecimal(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial)));
}

// The newer form says so in its first line, the older one in its second.
bool holds_encrypted_key(std::istream& in) {
  std::string line;
  for (std::size_t lines = 0; lines < max_key_lines && std::getline(in, line); ++lines) {
    if (line.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY") || line.starts_with("Proc-Type: 4,ENCRYPTED")) return true;
  }
  return false;
}

}  // namespace

Certificate describe_certificate(const x509_st& certificate) {
  Certificate facts;
  facts.subject = text_of(X509_get_subject_name(&certificate));
  facts.issuer = text_of(X509_get_issuer_name(&certificate));
  facts.subject_key = key_of(X509_get_subject_name(&certificate));
  facts.issuer_key = key_of(X509_get_issuer_name(&certificate));
  facts.serial = serial_of(certificate);
  facts.names = names_of(certificate);
  facts.not_before = seconds_of(X509_get0_notBefore(&certificate));
  facts.not_after = seconds_of(X509_get0_notAfter(&certificate));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int count = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &count) == 1) {
    facts.sha256 = hexadecimal(digest.data(), count);
  }
  return facts;
}

std::int64_t certificate_end(const x509_st& certificate) { return seconds_of(X509_get0_notAfter(&certificate)); }

Result<std::vector<Certificate>> read_certificates(std::string_view pem) {
  constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view begin_trusted = "-----BEGIN TRUSTED CERTIFICATE-----";
  std::vector<Certificate> all;
  for (std::size_t at = 0; at < pem.size();) {
    const auto found = std::min(pem.find(begin, at), pem.find(begin_trusted, at));
    if (found == std::string_view::npos) break;
    const auto rest = pem.substr(found);
    const Owned<BIO, BIO_free> in(BIO_new_mem_buf(rest.data(), static_cast<int>(rest.size())));
    const Owned<X509, X509_free> certificate(PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr));
    if (!certificate) return Error{"certificate " + std::to_string(all.size() + 1) + " in it is damaged", ""};
    all.push_back(describe_certificate(*certificate));
    at = pem.size() - static_cast<std::size_t>(BIO_pending(in.get()));
  }
  if (all.empty()) return Error{"there is no certificate (PEM, -----BEGIN CERTIFICATE-----) in it", ""};
  return all;
}

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

bool is_encrypted_key(std::string_view pem) {
  std::istringstream in{std::string(pem)};
  return holds_encrypted_key(in);
}

bool has_passphrase(const std::string& key_file) {
  std::ifstream in(key_file);
  return holds_encrypted_key(in);
}

}  // namespace sidewatch
