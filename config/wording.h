// The words of error messages: quoting what somebody wrote, and guessing what they meant.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidewatch::config {

// 'text' in single quotes, cut after 60 characters, with control characters shown as \n or \x1b.
std::string quote(std::string_view text);

// The one of `known` that `written` most likely was meant to be: at most two letters wrong, missing, doubled or
// swapped, or the only one that begins with it.
std::optional<std::string_view> nearest(std::string_view written, const std::vector<std::string_view>& known);

// "a, b, c"; beyond `most` entries "..." stands for the rest.
std::string list_of(const std::vector<std::string_view>& words, std::size_t most = 20);

}  // namespace sidewatch::config
