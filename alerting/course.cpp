#include "alerting/course.h"

#include <limits>

#include "alerting/rule_value.h"

namespace sidewatch {
namespace {

constexpr std::string_view name_label = "__name__";

}  // namespace

Course::Course(const Rule& rule) : value_(*rule.expr) {
  if (!rule.by_presence) return;
  if (auto comparing = split_comparison(*rule.expr)) value_ = std::move(comparing->value);
}

std::vector<double> Course::of(const Labels& entity, const Store& store, Time at, const promql::Options& options) {
  if (!values_) values_ = evaluate(store, at, options);
  const auto found = values_->find(entity.without(name_label));
  return found == values_->end() ? std::vector<double>() : found->second;
}

// Where the expression has no answer (too many series for its limits), a message goes without.
Course::ByEntity Course::evaluate(const Store& store, Time at, const promql::Options& options) const {
  const Time start = at - (course_points - 1) * course_step;
  const auto matrix = promql::evaluate_range(value_, store, {start, at, course_step}, options);
  ByEntity courses;
  if (!matrix) return courses;
  for (const auto& series : *matrix) {
    auto& course = courses[series.labels.without(name_label)];
    course.resize(course_points, std::numeric_limits<double>::quiet_NaN());
    for (const auto& point : series.points) {
      const auto place = static_cast<std::size_t>((point.time - start) / course_step);
      if (place < course.size()) course[place] = point.value;
    }
  }
  return courses;
}

}  // namespace sidewatch
