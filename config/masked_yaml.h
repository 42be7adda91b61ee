// A configuration as it is in force, for people to see: all files merged, comments gone, secrets replaced.
//
// What was written stays as written: a ${VARIABLE} is not expanded, so nothing out of the environment or a file is shown.
#pragma once

#include <set>
#include <string>

#include "config/node.h"

namespace sidewatch::config {

// `secrets`: the texts, as written, that must not be seen, wherever they stand. A user and password in a URL are not
// shown either.
std::string masked_yaml(const Node& root, const std::set<std::string>& secrets);

}  // namespace sidewatch::config
