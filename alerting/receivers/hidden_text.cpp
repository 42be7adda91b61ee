#include "alerting/receivers/hidden_text.h"

#include <algorithm>
#include <iterator>

#include "base/json.h"

namespace sidewatch {
namespace {

constexpr std::size_t shortest_secret = 4;
constexpr std::string_view hidden = "<...>";

void hide_one(std::string& text, std::string_view secret) {
  if (secret.size() < shortest_secret) return;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + hidden.size())) {
    text.replace(at, secret.size(), hidden);
  }
}

}  // namespace

std::string hide(std::string text, std::vector<std::string> secrets) {
  std::sort(secrets.begin(), secrets.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (const auto& secret : secrets) {
    hide_one(text, secret);
    const std::string quoted = json_quoted(secret);
    hide_one(text, std::string_view(quoted).substr(1, quoted.size() - 2));
  }
  return text;
}

std::vector<std::string> put_into(std::string_view text, const config::OutsideTexts* outside) {
  std::vector<std::string> found;
  if (outside == nullptr) return found;
  std::copy_if(outside->begin(), outside->end(), std::back_inserter(found), [&](const std::string& each) {
    return !each.empty() && text.find(each) != std::string_view::npos;
  });
  return found;
}

}  // namespace sidewatch
