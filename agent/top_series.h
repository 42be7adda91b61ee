// `sidewatch top-series`: which metrics and labels have the most series, and what the budgets kept out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/command_line.h"
#include "agent/query/command.h"

namespace sidewatch {

CommandResult run_top_series(const TopSeriesCommand& command);

// What /api/v1/status/tsdb answered, in tables for people; empty when it is no such answer. A Prometheus's answer may be
// shown as well: it lacks the table of what was kept out.
std::string top_series_as_tables(std::string_view body);

}  // namespace sidewatch
