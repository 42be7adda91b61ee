#include "metrics/selection.h"

#include <algorithm>
#include <functional>

namespace sidewatch {
namespace {

constexpr std::string_view name_label = "__name__";

constexpr std::size_t answers_kept = 128;

bool has_pattern(const Matcher& matcher) {
  return matcher.op() == Matcher::Op::regex || matcher.op() == Matcher::Op::not_regex;
}

}  // namespace

bool Selection::takes(std::string_view metric, const Labels& labels) {
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    const std::string& name = matchers_[i].name();
    if (!matches(i, name == name_label ? metric : labels.get(name))) return false;
  }
  return true;
}

bool Selection::matches(std::size_t matcher, std::string_view value) {
  if (!has_pattern(matchers_[matcher])) return matchers_[matcher].matches(value);
  auto& seen = seen_[matcher];
  if (seen.empty()) seen.resize(answers_kept, {{}, matchers_[matcher].matches({})});
  Answer& answer = seen[std::hash<std::string_view>{}(value) % answers_kept];
  if (answer.value != value) answer = {value, matchers_[matcher].matches(value)};
  return answer.matches;
}

bool Selection::takes_metric(std::string_view metric) const {
  return std::all_of(matchers_.begin(), matchers_.end(), [&](const Matcher& matcher) {
    return matcher.name() != name_label || matcher.matches(metric);
  });
}

}  // namespace sidewatch
