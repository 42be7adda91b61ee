// Texts without the secrets that stand in them: what is shown, logged or kept of requests and of answers to them.
//
// A secret is hidden wherever it stands, as it is or as JSON writes it. What is shorter than four bytes is left: it would
// hide half of every text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/outside_texts.h"

namespace sidewatch {

// `text` with <...> in the place of each of `secrets`; a secret that another one begins with hides nothing of that one.
std::string hide(std::string text, std::vector<std::string> secrets);

// What of `outside` stands in `text`, into which ${...} was put before. `outside` may be null.
std::vector<std::string> put_into(std::string_view text, const config::OutsideTexts* outside);

}  // namespace sidewatch
