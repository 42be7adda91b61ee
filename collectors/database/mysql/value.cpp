#include "collectors/database/mysql/value.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "collectors/database/number.h"

namespace sidewatch::database::mysql {
namespace {

struct Word {
  std::string_view text;
  double value;
};
constexpr std::array kWords{Word{"yes", 1},         Word{"on", 1},          Word{"no", 0},
                            Word{"off", 0},         Word{"disabled", 0},    Word{"connecting", 0},
                            Word{"preparing", 0},   Word{"primary", 1},     Word{"non-primary", 0},
                            Word{"disconnected", 0}};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// The digits at [at, at + size); a leading blank is none. -1 when there is anything else.
int digits(std::string_view text, std::size_t at, std::size_t size) {
  if (at + size > text.size()) return -1;
  auto part = text.substr(at, size);
  if (part.size() == 2 && part.front() == ' ') part.remove_prefix(1);
  int number = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
  return error == std::errc() && end == part.data() + part.size() ? number : -1;
}

struct Day {
  int year;
  int month;
  int day;
};

// "12:00:00" at `at` of that day.
std::optional<double> seconds_of(const Day& day, std::string_view text, std::size_t at) {
  const int hour = digits(text, at, 2);
  const int minute = digits(text, at + 3, 2);
  const int second = digits(text, at + 6, 2);
  const auto date = std::chrono::year(day.year) / day.month / day.day;
  if (day.month < 1 || day.day < 1 || !date.ok() || hour < 0 || hour > 23 || minute < 0 || second < 0) return {};
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return static_cast<double>(days) * 86400 + hour * 3600 + minute * 60 + second;
}

std::optional<double> date_in(std::string_view text) {
  constexpr std::string_view sql = "2026-11-21 12:00:00";
  if (text.size() == sql.size() && text[4] == '-' && text[7] == '-' && text[10] == ' ' && text[13] == ':') {
    return seconds_of({digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)}, text, 11);
  }
  constexpr std::string_view certificate = "Nov 21 12:00:00 2026 GMT";  // as OpenSSL writes it
  if (text.size() != certificate.size() || !text.ends_with(" GMT") || text[9] != ':') return {};
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (!text.starts_with(kMonths[i])) continue;
    return seconds_of({digits(text, 16, 4), static_cast<int>(i) + 1, digits(text, 4, 2)}, text, 7);
  }
  return {};
}

}  // namespace

std::optional<double> number_in(std::string_view text) {
  if (text.empty()) return {};
  const bool starts_as_number = (text.front() >= '0' && text.front() <= '9') || text.front() == '-' || text.front() == '.';
  if (const auto value = whole_number(text); value && starts_as_number) return value;
  for (const auto& word : kWords) {
    if (same_word(text, word.text)) return word.value;
  }
  return date_in(text);
}

std::string name_of(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool legal = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!legal) c = '_';
  }
  return name;
}

ServerVersion version_in(std::string_view text) {
  ServerVersion version;
  const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
  version.number = parse_version(text.substr(0, digits)).value_or(0);
  const std::string_view mark = "mariadb";
  const auto found = std::search(text.begin(), text.end(), mark.begin(), mark.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
  version.flavour = found != text.end() ? "mariadb" : "mysql";
  return version;
}

}  // namespace sidewatch::database::mysql
