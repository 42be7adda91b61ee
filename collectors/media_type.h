// What a Content-Type says without its parameters: "application/json" of "Application/JSON; charset=utf-8".
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace sidewatch {

inline std::string media_type_of(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find_first_of("; \t")));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return type;
}

}  // namespace sidewatch
