// Percent-encoding of targets and forms.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidewatch {

// `a=1&b=x+y&c` as names and values in order, both decoded; '+' is a blank. The first '=' ends the name, so that
// `query=up{job="x"}` may be written as people type it. A '%' without two hex digits stays as it is.
void decode_query(std::string_view text, std::vector<std::pair<std::string, std::string>>& params);

// `text` as a name or a value of such a form.
std::string encode_query(std::string_view text);

// Decodes %XX only.
std::string decode_path(std::string_view text);

}  // namespace sidewatch
