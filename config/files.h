// Which files a pattern in a configuration names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sidewatch::config {

// True when `pattern` contains *, ? or [, so that naming nothing is not a mistake.
bool has_wildcard(std::string_view pattern);

// The files that `pattern` names, sorted by name, whatever the locale. A relative pattern starts at the directory of
// `beside`, the configuration file it stands in. A pattern without wildcards is the name itself, existing or not.
std::vector<std::string> files_matching(const std::string& pattern, const std::string& beside);

}  // namespace sidewatch::config
