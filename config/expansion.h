// ${NAME}, ${NAME:-default}, ${file:/path} and $$ inside a value.
//
// Works on the text of one scalar after the YAML has been read, so what a variable holds can never change the
// structure. A `$` before anything else than `{` or `$` stays as it is, because templates contain {{ $value }}, and so
// does ${1}: a number names no variable, but a group in the replacement of a regular expression. Like in a shell, the
// default also stands for a variable that is set but empty. Nothing is expanded twice.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidewatch::config {

inline constexpr std::size_t max_expanded_file_bytes = 64 * 1024;

struct Expansion {
  struct Problem {
    std::size_t offset = 0;  // of the ${ in the text
    std::string text;        // never what a variable or a file contains
  };

  std::string text;
  bool changed = false;                    // some ${...} was replaced
  std::optional<std::string> only_file;    // the text was exactly one ${file:...}: its path
  std::vector<std::string> outside;        // what came out of the environment and of files, in order
  std::optional<Problem> problem;
};

// Files with a relative path are looked for in `directory` (empty: the current one). Without an environment nothing is
// expanded: the text stays as it is.
Expansion expand(std::string_view text,
                 const std::function<std::optional<std::string>(const std::string&)>& environment,
                 const std::string& directory);

// `path` seen from `directory`.
std::string path_from(const std::string& directory, std::string_view path);

// Everything up to the last slash, empty when there is none.
std::string directory_of(const std::string& path);

// Less one line end.
std::string without_line_end(std::string text);

}  // namespace sidewatch::config
