// Go's fmt.Sprintf as far as templates use it: verbs %v %s %q %d %b %o %x %X %c %U %f %F %e %E %g %G %t %T %%, flags
// + - # 0 and space, width and precision (also *). What does not fit says so in the text, as in Go: %!d(string=x).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "alerting/template/value.h"

namespace sidewatch {

inline constexpr int max_printf_width = 1000;  // of a width or a precision; more is %!(BADWIDTH), %!(BADPREC)

std::string print_formatted(std::string_view format, std::span<const TemplateValue> arguments);

}  // namespace sidewatch
