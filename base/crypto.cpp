#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace sidewatch {
namespace {

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string digest_text(const std::array<unsigned char, EVP_MAX_MD_SIZE>& digest, unsigned length) {
  return std::string(reinterpret_cast<const char*>(digest.data()), length);
}

}  // namespace

std::string sha256(std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(data.data(), data.size(), digest.data(), &length, EVP_sha256(), nullptr);
  return digest_text(digest, length);
}

struct Sha256::Context {
  EVP_MD_CTX* const of = EVP_MD_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(of); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { EVP_DigestInit_ex(context_->of, EVP_sha256(), nullptr); }
Sha256::~Sha256() = default;
void Sha256::add(std::string_view data) { EVP_DigestUpdate(context_->of, data.data(), data.size()); }

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context_->of, digest.data(), &length);
  return digest_text(digest, length);
}

std::string md5(std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(data.data(), data.size(), digest.data(), &length, EVP_md5(), nullptr);
  return digest_text(digest, length);
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  static constexpr unsigned char no_key = 0;  // OpenSSL takes a null key for "the key of last time"
  HMAC(EVP_sha256(), key.empty() ? &no_key : bytes(key), static_cast<int>(key.size()), bytes(data), data.size(),
       digest.data(), &length);
  return digest_text(digest, length);
}

std::string to_hex(std::string_view data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(data.size() * 2);
  for (const char c : data) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string to_base64(std::string_view data) {
  std::string text((data.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock adds a NUL
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes(data),
                                     static_cast<int>(data.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Result<std::string> from_base64(std::string_view text) {
  // EVP_DecodeBlock forgives surrounding blanks and returns the padding as zero bytes: neither is wanted.
  if (text.size() % 4 != 0 || text.find_first_of(" \t\r\n") != std::string_view::npos) return Error{"not base64", ""};
  std::string data(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(data.data()), bytes(text),
                                     static_cast<int>(text.size()));
  if (length < 0) return Error{"not base64", ""};
  std::size_t padding = 0;
  if (text.ends_with("==")) {
    padding = 2;
  } else if (text.ends_with('=')) {
    padding = 1;
  }
  data.resize(static_cast<std::size_t>(length) - padding);
  return data;
}

std::string random_bytes(std::size_t count) {
  std::string data(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = getrandom(data.data() + filled, count - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) std::abort();  // a kernel without getrandom: keys must never be guessable instead
    filled += static_cast<std::size_t>(got);
  }
  return data;
}

void end_crypto_of_thread() { OPENSSL_thread_stop(); }

}  // namespace sidewatch
