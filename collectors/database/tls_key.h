// Private keys that are encrypted with a passphrase: OpenSSL inside of a client library would ask for it on the terminal
// and wait. There is nobody to ask, so it is said before it comes to that.
#pragma once

#include <optional>
#include <string>

#include "collectors/database/failure.h"

namespace sidewatch::database {

// What is wrong with a key (a file in PEM) for somebody who has no passphrase for it. Nothing where the file cannot be
// read, which the library says better.
std::optional<Failure> trouble_with_key(const std::string& path);

}  // namespace sidewatch::database
