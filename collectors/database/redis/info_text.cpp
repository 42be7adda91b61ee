#include "collectors/database/redis/info_text.h"

#include <cmath>

#include "collectors/database/number.h"

namespace sidewatch::database::redis {

bool InfoLines::next(InfoLine& line) {
  while (!rest_.empty()) {
    const auto end = rest_.find('\n');
    std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.starts_with("# ")) {
      section_ = text.substr(2);
      continue;
    }
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    line = {section_, text.substr(0, colon), text.substr(colon + 1)};
    return true;
  }
  return false;
}

bool next_pair(std::string_view& rest, std::string_view& key, std::string_view& value) {
  while (!rest.empty()) {
    const auto end = rest.find(',');
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const auto equal = pair.find('=');
    if (equal == std::string_view::npos) continue;
    key = pair.substr(0, equal);
    value = pair.substr(equal + 1);
    return true;
  }
  return false;
}

std::string_view value_in(std::string_view list, std::string_view key) {
  std::string_view name;
  std::string_view value;
  while (next_pair(list, name, value)) {
    if (name == key) return value;
  }
  return {};
}

std::optional<double> number_of(std::string_view text) {
  if (text == "ok" || text == "true" || text == "yes") return 1;
  if (text == "err" || text == "fail" || text == "false" || text == "no") return 0;
  const auto value = whole_number(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

}  // namespace sidewatch::database::redis
