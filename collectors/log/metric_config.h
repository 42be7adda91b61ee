// One metric of a log, as the configuration says it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/log/interpreter.h"
#include "config/section.h"

namespace sidewatch::log {

// Declares one element of `metrics`, whose lines have `format`; appends it when it is right. What a reload must notice is
// added to `fingerprint`.
void declare_metric(config::Section& section, const LineFormat& format, std::vector<LogMetric>& metrics,
                    std::string& fingerprint);

// A pattern of `key`; absent when there is none, or when it is wrong, which is then reported.
std::optional<CapturingRegex> declare_pattern(config::Section& section, std::string_view key, std::string_view help);

}  // namespace sidewatch::log
