// What ${...} stood for in a configuration: texts out of the environment and of files, most of them secrets.
//
// Whoever shows a text into which some were put (a request's body, what a program says) leaves them out.
#pragma once

#include <set>
#include <string>

namespace sidewatch::config {

using OutsideTexts = std::set<std::string>;

}  // namespace sidewatch::config
