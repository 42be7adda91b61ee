// Any bytes as an expression: parsed, printed, parsed again and evaluated over a small store with odd samples.
//
// Beside not crashing it must hold that the canonical spelling is a fixed point, in lines too, that a prepared query
// answers like a fresh evaluation, the second time too, and that a range query answers like an evaluation at each step.
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "metrics/promql/expression.h"
#include "tests/metrics/promql/fill.h"

namespace sidewatch::promql {
namespace {

Fixture& small_store() {
  static Fixture* const fixture = [] {
    auto* const made = new Fixture;  // lives as long as the process: nothing to destroy at exit
    made->add("up", {{"job", "a"}, {"i", "1"}}, 0, 15, "1 1 0 stale _ 1 1");
    made->add("up", {{"job", "a"}, {"i", "2"}}, 0, 15, "1 1 1 1 1 1 1");
    made->add("up", {{"job", "b"}, {"i", "1"}}, 5, 15, "0 NaN Inf -Inf 0 -0");
    made->add("c", {{"job", "a"}}, 0, 10, "0 10 20 5 15 1e300 1e308 2 3");
    made->add("c", {{"job", "ü"}}, 0, 10, "1 2 3 4 5 6 7 8 9");
    return made;
  }();
  return *fixture;
}

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (a != a && b != b);
}

bool same(const Value& a, const Value& b) {
  if (a.index() != b.index()) return false;
  if (const auto* number = std::get_if<double>(&a)) return same(*number, std::get<double>(b));
  if (const auto* vector = std::get_if<Vector>(&a)) {
    const auto& other = std::get<Vector>(b);
    if (vector->size() != other.size()) return false;
    for (std::size_t i = 0; i < other.size(); ++i) {
      if ((*vector)[i].labels != other[i].labels || !same((*vector)[i].value, other[i].value)) return false;
    }
  }
  return true;
}

void check_evaluation(const Expression& expression) {
  const Options options{.limits = {.max_samples = 10'000, .max_touched_samples = 10'000, .max_series = 1000}};
  PreparedQuery prepared(expression);
  for (const std::int64_t ms : {0, 61'234, 95'000}) {
    const auto fresh = evaluate(expression, small_store().store(), time_at_ms(ms), options);
    for (int round = 0; round < 2; ++round) {
      const auto again = prepared.evaluate(small_store().store(), time_at_ms(ms), options);
      require(static_cast<bool>(fresh) == static_cast<bool>(again));
      require(fresh ? same(*fresh, *again) : fresh.error().text() == again.error().text());
    }
  }
}

// The value of `labels` at `at`, or null.
const Point* find(const Matrix& matrix, const Labels& labels, Time at) {
  for (const Series& series : matrix) {
    if (series.labels != labels) continue;
    for (const Point& point : series.points) {
      if (point.time == at) return &point;
    }
  }
  return nullptr;
}

bool is_limit(const Error& error) {
  return error.what.find("limit of") != std::string::npos || error.what.find("too many samples") != std::string::npos;
}

// Where the range has an answer: it may fail where no single instant does, for labels that meet at different instants.
void check_range(const Expression& expression) {
  if (expression.to_string().find("@ ") != std::string::npos) return;  // start() and end() mean something else there
  const Options options{.limits = {.max_samples = 10'000, .max_touched_samples = 10'000, .max_series = 1000}};
  const RangeSpec range{time_at_ms(-3000), time_at_ms(110'000), Duration(7500)};
  const auto matrix = evaluate_range(expression, small_store().store(), range, options);
  if (!matrix) return;
  std::size_t points = 0;
  for (Time at = range.start; at <= range.end; at += range.step) {
    const auto value = evaluate(expression, small_store().store(), at, options);
    require(value || is_limit(value.error()));
    if (!value) return;
    const auto* number = std::get_if<double>(&*value);
    const Vector vector = number ? Vector{{Labels(), *number}} : std::get<Vector>(*value);
    for (const VectorSample& sample : vector) {
      const Point* point = find(*matrix, sample.labels, at);
      require(point != nullptr && same(point->value, sample.value));
    }
    points += vector.size();
  }
  for (const Series& series : *matrix) points -= series.points.size();
  require(points == 0);
}

}  // namespace
}  // namespace sidewatch::promql

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidewatch::promql;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto expression = Expression::parse(text);
  if (!expression) {
    require(!expression.error().what.empty() && !expression.error().where.empty());
    return 0;
  }
  const std::string spelled = expression->to_string();
  if (const auto again = Expression::parse(spelled)) require(again->to_string() == spelled);
  else require(spelled.size() > text.size());  // only a limit that the longer spelling exceeds may refuse it
  const auto lines = Expression::parse(format(*expression));
  require(!lines || lines->to_string() == spelled);
  check_evaluation(*expression);
  check_range(*expression);
  return 0;
}
