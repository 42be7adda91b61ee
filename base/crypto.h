// The few cryptographic functions the agent needs: the seam of OpenSSL's libcrypto. Bytes travel as std::string.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sidewatch {

std::string sha256(std::string_view data);                             // 32 bytes
std::string md5(std::string_view data);                                // 16 bytes; to spread things, not to protect them
std::string hmac_sha256(std::string_view key, std::string_view data);  // 32 bytes; any key length (RFC 2104)

// SHA-256 of what comes piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view data);
  std::string finish();  // 32 bytes; nothing is added afterwards

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string to_hex(std::string_view bytes);     // lower case
std::string to_base64(std::string_view bytes);  // RFC 4648 section 4, with padding
Result<std::string> from_base64(std::string_view text);

// Gives back what OpenSSL keeps for the calling thread: for one that may be ending while the process does.
void end_crypto_of_thread();

// From the kernel (getrandom): unpredictable, and never fails once the machine has started.
std::string random_bytes(std::size_t count);

}  // namespace sidewatch
