// A query's answer as text: a table for people, JSON as Prometheus's API has it, CSV for other programs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/query/answer.h"

namespace sidewatch {

// An instant vector is one line per series; a range is one line per time and one column per series, in as many blocks
// of columns as `columns` characters need. Times are UTC. Empty when the answer is.
std::string answer_as_table(const QueryAnswer& answer, std::size_t columns);

// {"status":"success","data":{"resultType":...,"result":...}}
std::string answer_as_json(const QueryAnswer& answer);

// A line per sample: series,time,value; RFC 4180.
std::string answer_as_csv(const QueryAnswer& answer);

// "2026-03-01 12:00:00", with milliseconds where there are some.
std::string utc_text(Time time);

// `text` with control characters (also those of C1) as \x1b: what a label holds must not speak to the terminal.
std::string printable(std::string_view text);

}  // namespace sidewatch
