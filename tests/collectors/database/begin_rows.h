// An answer that a test begins with all its columns at once.
#pragma once

#include <string>
#include <vector>

#include "collectors/database/sql.h"

namespace sidewatch::database {

inline void begin_rows(Rows& rows, const std::vector<std::string>& names, const QueryLimits& limits) {
  rows.begin(limits);
  for (const auto& name : names) rows.add_column(name);
}

}  // namespace sidewatch::database
