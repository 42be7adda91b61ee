// What is a mistake in a template although Go would read it: it would go wrong whenever it is rendered. Only what is
// certain is said, so nothing that works is refused.
#pragma once

#include <optional>

#include "alerting/template/lexer.h"
#include "alerting/template/tree.h"

namespace sidewatch {

std::optional<TemplateMistake> find_mistake(const TemplateTree& tree);

}  // namespace sidewatch
