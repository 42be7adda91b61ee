// The calendar, in UTC: each sample's value is seconds since 1970; without an argument it is the evaluation's time.
//
// Dates are counted from the 1st of January of a year that is, as the year 1, the first of a 400-year cycle, and so far
// back that every 64-bit time lies after it; the arithmetic wraps around as Go's does, so that even what NaN becomes
// agrees with Prometheus.
#include <cstdint>
#include <limits>

#include "metrics/promql/functions.h"

namespace sidewatch::promql::date {
namespace {

constexpr std::uint64_t day_seconds = 86'400;
constexpr std::int64_t first_year = -292'277'022'399;
constexpr std::uint64_t first_year_to_1970 = 9'223'372'028'715'321'600U;  // seconds
constexpr std::uint64_t days_of_400_years = 146'097;

std::uint64_t seconds_since_first_year(double unix_seconds) {
  constexpr double limit = 9'223'372'036'854'775'808.0;
  const bool fits = unix_seconds >= -limit && unix_seconds < limit;
  const std::int64_t whole = fits ? static_cast<std::int64_t>(unix_seconds) : std::numeric_limits<std::int64_t>::min();
  return static_cast<std::uint64_t>(whole) + first_year_to_1970;
}

struct Date {
  std::int64_t year;
  int month;        // from 1
  int day;          // from 1
  int day_of_year;  // from 1
};

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in(int month, std::int64_t year) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

Date date_of(double unix_seconds) {
  const std::uint64_t days = seconds_since_first_year(unix_seconds) / day_seconds;
  std::int64_t year = first_year + static_cast<std::int64_t>(days / days_of_400_years * 400);
  std::uint64_t rest = days % days_of_400_years;
  for (std::uint64_t length = 365; rest >= length; ++year) {
    rest -= length;
    length = is_leap(year + 1) ? 366 : 365;
  }
  Date date{year, 1, 0, static_cast<int>(rest) + 1};
  int day = static_cast<int>(rest);
  while (day >= days_in(date.month, year)) day -= days_in(date.month++, year);
  date.day = day + 1;
  return date;
}

template <class F>
Operand each(const CallContext& context, F&& function) {
  if (context.arguments.empty()) {
    const double now = static_cast<double>(to_ms(context.at)) / 1000;
    return Operand::of(Items{{context.pool.intern(Labels()), static_cast<double>(function(now))}});
  }
  Items items = std::move(context.arguments[0].items);
  for (Item& item : items) {
    item = {context.pool.without_name(item.labels), static_cast<double>(function(item.value))};
  }
  return Operand::of(std::move(items));
}

}  // namespace

Operand day_of_month(const CallContext& context) {
  return each(context, [](double value) { return date_of(value).day; });
}

// From 0, Sunday. The first of all days was a Monday.
Operand day_of_week(const CallContext& context) {
  return each(context, [](double value) { return (seconds_since_first_year(value) / day_seconds + 1) % 7; });
}

Operand day_of_year(const CallContext& context) {
  return each(context, [](double value) { return date_of(value).day_of_year; });
}

Operand days_in_month(const CallContext& context) {
  return each(context, [](double value) {
    const Date date = date_of(value);
    return days_in(date.month, date.year);
  });
}

Operand hour(const CallContext& context) {
  return each(context, [](double value) { return seconds_since_first_year(value) % day_seconds / 3600; });
}

Operand minute(const CallContext& context) {
  return each(context, [](double value) { return seconds_since_first_year(value) % 3600 / 60; });
}

Operand month(const CallContext& context) {
  return each(context, [](double value) { return date_of(value).month; });
}

Operand year(const CallContext& context) {
  return each(context, [](double value) { return date_of(value).year; });
}

}  // namespace sidewatch::promql::date
