// Strict YAML: one document, one mapping, nothing swallowed, bounded.
#pragma once

#include <cstddef>
#include <string>

#include "config/node.h"
#include "config/problem.h"

namespace sidewatch::config {

// What a key without a value is: a mistake, or the same as no key (as other programs have it).
enum class MissingValues { refused, absent };

struct YamlLimits {
  std::size_t max_depth = 64;
  std::size_t max_nodes = 100'000;  // of all files together
  std::size_t nodes_before = 0;     // what other files have used of it
  MissingValues missing_values = MissingValues::refused;
};

// The root mapping of `text`, which is the content of the `file`th file called `name`. Null when the file as a whole
// cannot be used; smaller mistakes are reported and leave a `broken` node. Every null comes with a problem.
NodePtr read_yaml(const std::string& text, const std::string& name, int file, const YamlLimits& limits,
                  Problems& problems);

}  // namespace sidewatch::config
