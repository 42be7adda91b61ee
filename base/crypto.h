// The few cryptographic functions the agent needs: the seam of OpenSSL's libcrypto. Bytes travel as std::string.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sidewatch {

std::string sha256(std::string_view data);                             // 32 bytes
std::string md5(std::string_view data);                                // 16 bytes; to spread things, not to protect them
std::string hmac_sha256(std::string_view key, std::string_view data);  // 32 bytes; any key length (RFC 2104)

std::string to_hex(std::string_view bytes);     // lower case
std::string to_base64(std::string_view bytes);  // RFC 4648 section 4, with padding
Result<std::string> from_base64(std::string_view text);

// From the kernel (getrandom): unpredictable, and never fails once the machine has started.
std::string random_bytes(std::size_t count);

}  // namespace sidewatch
