// The version of this build, as --version and sidewatch_build_info show it.
#pragma once

#include <string_view>

namespace sidewatch {

std::string_view version();  // "0.1.0"

}  // namespace sidewatch
