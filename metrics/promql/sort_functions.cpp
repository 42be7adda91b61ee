// The functions that put a vector in order. Equals stay as they are, and a query over a range of time, whose result is
// a matrix, knows no order.
#include <algorithm>
#include <cmath>
#include <string>

#include "metrics/promql/functions.h"

namespace sidewatch::promql::sort {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes a run of digits, or of anything else, off the front.
std::string_view take_run(std::string_view& text) {
  const bool digits = is_digit(text.front());
  const auto end = std::ranges::find_if(text, [=](char c) { return is_digit(c) != digits; });
  const std::string_view run = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(run.size());
  return run;
}

int sign(std::strong_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

int compare_digits(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  return a.size() != b.size() ? sign(a.size() <=> b.size()) : sign(a <=> b);
}

// "disk2" before "disk10": runs of digits are compared as numbers.
int compare_naturally(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const bool numbers = is_digit(a.front()) && is_digit(b.front());
    const std::string_view run_a = take_run(a);
    const std::string_view run_b = take_run(b);
    const int order = numbers ? compare_digits(run_a, run_b) : sign(run_a <=> run_b);
    if (order != 0) return order;
  }
  return sign(a.size() <=> b.size());
}

// Less than, equal to or greater than 0: by the labels that the call names, then by all of them.
int compare_labels(const Call& call, const Labels& a, const Labels& b) {
  for (std::size_t i = 1; i < call.arguments.size(); ++i) {
    const std::string& name = text_argument(call, i);
    const int order = compare_naturally(a.get(name), b.get(name));
    if (order != 0) return order;
  }
  return sign(a <=> b);
}

// NaN stands last, whichever way the numbers go.
template <class Before>
Operand by_value(const CallContext& context, Before before) {
  Items items = std::move(context.arguments[0].items);
  std::ranges::stable_sort(items, [before](const Item& a, const Item& b) {
    if (std::isnan(a.value) || std::isnan(b.value)) return !std::isnan(a.value) && std::isnan(b.value);
    return before(a.value, b.value);
  });
  return Operand::of(std::move(items));
}

template <class Before>
Operand by_labels(const CallContext& context, Before before) {
  Items items = std::move(context.arguments[0].items);
  std::ranges::stable_sort(items, [&](const Item& a, const Item& b) {
    return before(compare_labels(context.call, context.pool.labels(a.labels), context.pool.labels(b.labels)));
  });
  return Operand::of(std::move(items));
}

}  // namespace

Operand ascending(const CallContext& context) {
  return by_value(context, [](double a, double b) { return a < b; });
}
Operand descending(const CallContext& context) {
  return by_value(context, [](double a, double b) { return a > b; });
}
Operand by_label(const CallContext& context) {
  return by_labels(context, [](int order) { return order < 0; });
}
Operand by_label_descending(const CallContext& context) {
  return by_labels(context, [](int order) { return order > 0; });
}

}  // namespace sidewatch::promql::sort
