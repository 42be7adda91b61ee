// Whether anything of a text can be seen: services refuse texts of which they see nothing, and people learn nothing
// from them.
#pragma once

#include <string_view>

namespace sidewatch {

// True of what has blanks of any kind alone, line ends, and characters without a width, as Unicode 15 has them.
bool is_blank(std::string_view text);

}  // namespace sidewatch
