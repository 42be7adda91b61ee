// Tables that commands print for people, and what stands in their cells.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"

namespace sidewatch {

using TableRow = std::vector<std::string>;

// Columns two blanks apart, as wide as their widest cell; the last is not filled up.
std::string text_table(const std::vector<TableRow>& rows);

// What somebody else wrote, without what a terminal would obey.
std::string cell(std::string_view text);

// How far a time is away: `ahead` + "5m", or "5m" + `behind`; empty without a time.
std::string how_far(const std::optional<WallTime>& time, WallTime now, std::string_view ahead, std::string_view behind);

// What an alert is about: "team=shop, mountpoint=/srv", of its labels as JSON.
std::string labels_but_the_name(const JsonValue& labels);

}  // namespace sidewatch
