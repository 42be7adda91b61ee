// A small file that is always whole: it is replaced at once or not at all, also when the power fails in between.
//
// For what must survive the process and is written as a whole each time. It follows no symbolic link and is readable by
// its owner alone.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sidewatch {

// Absent: there is no such file. Error: it cannot be read, is no regular file, or has more than `max_bytes`.
Result<std::optional<std::string>> read_kept_file(const std::string& path, std::size_t max_bytes);

// Writes beside it (`path`.new), waits for the disk, and puts it in its place. May take as long as a disk takes.
Result<void> write_kept_file(const std::string& path, std::string_view text);

}  // namespace sidewatch
