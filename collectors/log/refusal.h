// Why a log file is not read, in words that say what to do about it.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace sidewatch::log {

// For a call that failed with `error_number`: where a right is missing, which, and whose file or directory it is.
Error why_unreadable(const std::string& path, int error_number);

Error why_not_listed(const std::string& directory, int error_number);

std::optional<Error> why_not_ordinary(const std::string& path, mode_t mode);

// A symbolic link leads wherever its owner wants. It is followed when root or the agent's own user made it, or whom the
// file belongs to; otherwise anybody who may write in a folder of logs could have the agent read what is not theirs.
std::optional<Error> why_not_followed(const std::string& path, uid_t owner_of_link, uid_t owner_of_file);

}  // namespace sidewatch::log
