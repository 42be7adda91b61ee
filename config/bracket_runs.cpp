#include "config/bracket_runs.h"

#include <algorithm>

namespace sidewatch::config {

std::optional<std::string> shortened_bracket_runs(std::string_view text, std::size_t most) {
  std::optional<std::string> shortened;
  std::size_t run = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '[' || c == '{') {
      if (++run <= most + 1) continue;
      if (!shortened) shortened = text;
      (*shortened)[i] = ' ';
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      run = 0;
    }
  }
  return shortened;
}

}  // namespace sidewatch::config
