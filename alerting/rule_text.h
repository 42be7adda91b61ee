// What the readers of alerting and of recording rules share: expressions and templates as they are written, and where
// in the file their mistakes stand.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alerting/rule.h"
#include "alerting/template.h"
#include "config/section.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

using LocatedTexts = std::map<std::string, config::Located<std::string>>;
using NamedTemplates = std::vector<std::pair<std::string, Template>>;

std::string quoted(std::string_view text);
std::string place(const config::Mark& mark);  // "file:line:column"

// The place in the file of an error inside a scalar: `where` is "line:column" in its text, or a byte offset.
config::Mark place_inside(const config::Located<std::string>& text, std::string_view where);
config::Mark place_inside(const config::Located<std::string>& text, std::size_t offset);

// The name under `key` ("alert", "record"): not empty, not too long.
std::string read_rule_name(config::Section& section, std::string_view key, const config::Located<std::string>& name);

// An expression that gives one value per entity. Absent: it was a problem, and is reported.
std::optional<promql::Expression> read_expression(config::Section& section, const config::Located<std::string>& text);

// False: it is none, and reported.
bool check_label_name(config::Section& section, std::string_view name, const config::Mark& mark);

// A template as it is written; a mistake in it is reported at its place, and gives one that renders as "".
Template read_template(config::Section& section, const config::Located<std::string>& text, TemplateChecks checks);

// Templates by name. Those of `inherited` stay where `texts` has none of their name.
NamedTemplates read_templates(config::Section& section, const LocatedTexts& texts, RuleSource source,
                              const NamedTemplates& inherited = {});

}  // namespace sidewatch
