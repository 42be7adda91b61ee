#include "config/files.h"

#include <glob.h>

#include <algorithm>

#include "config/expansion.h"

namespace sidewatch::config {
namespace {

// The directory is a name, not a pattern.
std::string escaped(const std::string& name) {
  std::string result;
  for (const char c : name) {
    if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

std::vector<std::string> files_matching(const std::string& pattern, const std::string& beside) {
  const std::string directory = directory_of(beside);
  if (!has_wildcard(pattern)) return {path_from(directory, pattern)};
  std::vector<std::string> files;
  glob_t found{};
  if (::glob(path_from(escaped(directory), pattern).c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace sidewatch::config
