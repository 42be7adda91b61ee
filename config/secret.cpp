#include "config/expansion.h"
#include "config/regular_file.h"
#include "config/section.h"

namespace sidewatch::config {

Secret Secret::of_text(std::string text) {
  Secret secret;
  secret.text_ = std::move(text);
  return secret;
}

Secret Secret::of_file(std::string path) {
  Secret secret;
  secret.path_ = std::move(path);
  return secret;
}

bool Secret::empty() const { return text_.empty() && path_.empty(); }

std::string Secret::reveal() const {
  if (path_.empty()) return text_;
  auto content = read_regular_file(path_, max_expanded_file_bytes);
  return content ? without_line_end(std::move(*content)) : std::string();
}

}  // namespace sidewatch::config
