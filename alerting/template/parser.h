// From tokens to a tree, refusing what Go's text/template refuses to read.
//
//     node     = text | {{ pipeline }} | {{ if pipeline }} .. {{ else if pipeline }} .. {{ else }} .. {{ end }}
//              | {{ with pipeline }} .. | {{ range [$i,] $x := pipeline }} .. | {{ break }} | {{ continue }}
//              | {{ define "name" }} .. {{ end }} | {{ template "name" [pipeline] }} | {{ block "name" pipeline }} ..
//     pipeline = [ $x := | $x = ] command { "|" command }
//     command  = function { operand } | operand
//     operand  = literal | nil | "." | "$" | $x | function | "(" pipeline ")", with { ".field" } behind it
#pragma once

#include <optional>
#include <string_view>

#include "alerting/template/lexer.h"
#include "alerting/template/tree.h"

namespace sidewatch {

std::optional<TemplateTree> parse_template(std::string_view text, TemplateMistake& mistake);

}  // namespace sidewatch
