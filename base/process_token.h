// What this process is known by to itself: whoever reads it back, over whatever detour, has asked itself.
#pragma once

#include <string>

namespace sidewatch {

const std::string& process_token();  // 32 random hexadecimal digits, the same until the process ends; any thread

// The header of a request for a page of metrics that carries it.
inline constexpr const char* scraper_header = "Sidewatch-Scraper";

}  // namespace sidewatch
