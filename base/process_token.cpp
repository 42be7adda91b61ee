#include "base/process_token.h"

#include "base/crypto.h"

namespace sidewatch {

const std::string& process_token() {
  static const std::string token = to_hex(random_bytes(16));
  return token;
}

}  // namespace sidewatch
