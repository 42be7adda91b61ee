// Any bytes as an expression: parsed, printed, parsed again and evaluated over a small store with odd samples.
//
// Beside not crashing it must hold that the canonical spelling is a fixed point, and that a prepared query answers like
// a fresh evaluation, the second time too.
#include <bit>
#include <cstdint>
#include <cstdlib>
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
  check_evaluation(*expression);
  return 0;
}
