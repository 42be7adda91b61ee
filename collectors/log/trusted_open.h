// Opens a file for reading without being led astray: symbolic links, wherever they are on the way, are followed by hand,
// and only those that root, the agent's own user or the owner of the file made. Refuses those of anybody else, as whoever
// may write in a folder of logs could otherwise have the agent read what is not theirs.
#pragma once

#include <string>

#include "base/result.h"

namespace sidewatch::log {

// The descriptor. Error::what tells which right is missing, or whose link it was.
Result<int> open_trusted(const std::string& path);

}  // namespace sidewatch::log
