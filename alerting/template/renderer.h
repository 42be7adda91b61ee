// Walks a template's tree and writes its text, as Go's text/template does.
//
// Everything is bounded: the steps of one rendering, its queries, its text, and how deep templates call each other.
#pragma once

#include <string>

#include "alerting/template.h"
#include "alerting/template/tree.h"

namespace sidewatch {

// Throws a TemplateFailure.
std::string render_tree(const TemplateTree& tree, const TemplateData& data);

}  // namespace sidewatch
