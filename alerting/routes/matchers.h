// What a person writes to choose alerts: severity="critical", team=~"pay.*". Alertmanager's matchers.
//
// A value stands in double quotes (\" \\ and \n inside), or without them when it has neither comma, quote nor brace.
// Several matchers are separated by commas, and all of them must hold; braces around the whole are allowed. A label that
// an alert does not have counts as empty. Regular expressions are RE2 and must match the whole value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/labels.h"
#include "metrics/matcher.h"

namespace sidewatch {

// At least one. Error::what is a sentence for whoever wrote it.
Result<std::vector<Matcher>> parse_matchers(std::string_view text);

bool all_match(const std::vector<Matcher>& matchers, const Labels& labels);

// What matchers see of an alert: its labels and, where it has no `instance`, the name of its machine as that; an empty
// `host` adds none. Silences, routes, /api/v2/alerts and what is sent to an Alertmanager all go by it.
Labels labels_to_match(const Labels& labels, const std::string& host);

// severity="critical", team=~"pay.*"
std::string to_string(const std::vector<Matcher>& matchers);

}  // namespace sidewatch
