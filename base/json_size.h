// How much a JSON text would become when it is parsed, told before it is parsed.
#pragma once

#include <cstddef>
#include <string_view>

namespace sidewatch {

// At least as many values as `text` has, members and elements of all depths counted, and hardly more: its commas and
// opening brackets outside of texts, and one. A value takes about 100 bytes of memory, and "0," only two of the text. Of
// what is not JSON, any number.
std::size_t count_json_values(std::string_view text);

}  // namespace sidewatch
