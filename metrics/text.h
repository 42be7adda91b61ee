// The small rules about text that the catalog, the exposition and the query language share: what a legal name is, and
// how a value and a label value are written.
//
// The appending functions are on the hot path: they write into a buffer that grows, and know no locale.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidewatch {

// A sample value as both formats write it: shortest digits that read back equal; NaN, +Inf, -Inf. Whole numbers below
// 10^15 are written without an exponent.
void append_value(std::string& buffer, double value);

// `text` with \, " and newline escaped as a label value (both formats).
void append_escaped_label_value(std::string& buffer, std::string_view text);

bool is_legal_metric_name(std::string_view name);  // [a-zA-Z_:][a-zA-Z0-9_:]*
bool is_legal_label_name(std::string_view name);   // [a-zA-Z_][a-zA-Z0-9_]*

// The nearest legal name: every illegal character becomes '_', and a leading digit gets one in front of it.
std::string mend_metric_name(std::string_view name);
std::string mend_label_name(std::string_view name);

}  // namespace sidewatch
