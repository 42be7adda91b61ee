#include "base/json_size.h"

namespace sidewatch {

std::size_t count_json_values(std::string_view text) {
  std::size_t values = 1;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text && c == '\\') {
      ++i;  // what is escaped ends nothing
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == ',' || c == '[' || c == '{')) {
      ++values;
    }
  }
  return values;
}

}  // namespace sidewatch
