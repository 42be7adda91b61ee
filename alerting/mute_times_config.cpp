#include "alerting/mute_times_config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "config/wording.h"

namespace sidewatch {
namespace {

using config::Located;
using config::Section;
using Text = Located<std::string>;

constexpr std::size_t longest_name = 64;
constexpr std::size_t most_mute_times = 100;
constexpr std::size_t most_times = 100;  // of one mute time
constexpr int first_year = 1970;
constexpr int last_year = 2999;

constexpr std::array<std::string_view, 7> day_names{"sunday",   "monday", "tuesday", "wednesday",
                                                     "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> month_names{"january",   "february", "march",    "april",
                                                       "may",       "june",     "july",     "august",
                                                       "september", "october",  "november", "december"};

// What came out of ${...} is not shown.
std::string said(const Text& text) { return text.expanded ? "this" : config::quote(text.value); }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// "mon-fri" is two ends, "mon" is the same one twice. A dash at the beginning of an end is its sign: "-7--1".
std::pair<std::string_view, std::string_view> ends_of(std::string_view text) {
  const auto dash = text.find('-', 1);
  if (dash == std::string_view::npos) return {trimmed(text), trimmed(text)};
  return {trimmed(text.substr(0, dash)), trimmed(text.substr(dash + 1))};
}

std::optional<int> number_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Writing with Alertmanager's colon is the likeliest mistake of those who come from there.
bool has_colon(Section& section, const Text& text, std::string_view example) {
  if (text.value.find(':') == std::string::npos) return false;
  section.problem(text.mark, said(text) + ": a range is written with a dash, like " + std::string(example));
  return true;
}

// --- days and months: words, ranges of which may go round the end ---

struct Words {
  std::string_view what;
  std::string_view example;
  std::span<const std::string_view> names;
};
constexpr Words day_words{"day of the week", "mon-fri", day_names};
constexpr Words month_words{"month", "jan-mar", month_names};

std::optional<std::size_t> index_of(std::string_view word, const Words& words) {
  for (std::size_t i = 0; i < words.names.size(); ++i) {
    if (word == words.names[i] || word == words.names[i].substr(0, 3)) return i;
  }
  return std::nullopt;
}

std::string not_a_word(const Text& text, std::string_view word, const Words& words) {
  std::string problem = said(text) + " is not a " + std::string(words.what);
  const auto near = config::nearest(word, {words.names.begin(), words.names.end()});
  if (near && !text.expanded) return problem + ", did you mean '" + std::string(*near) + "'?";
  return problem + ", write it like " + std::string(words.example);
}

// Sets a bit for each name, from `base` on.
template <std::size_t Size>
void read_words(Section& section, std::string_view key, std::string_view help, const Words& words, std::size_t base,
                std::bitset<Size>& out) {
  std::vector<Text> texts;
  section.optional(key, texts, help);
  if (!section.has(key)) return;
  if (texts.empty()) section.problem(key, "there is nothing in it; leave `" + std::string(key) + "` out to mean all");
  std::bitset<Size> bits;
  for (const auto& text : texts) {
    if (has_colon(section, text, words.example)) continue;
    const std::string written = lower(text.value);
    const auto [first_word, last_word] = ends_of(written);
    const auto first = index_of(first_word, words);
    const auto last = index_of(last_word, words);
    if (!first || !last) {
      section.problem(text.mark, not_a_word(text, first ? last_word : first_word, words));
      continue;
    }
    for (std::size_t i = *first;; i = (i + 1) % words.names.size()) {
      bits.set(base + i);
      if (i == *last) break;
    }
  }
  if (bits.any()) out = bits;
}

// --- dates and years: numbers ---

struct Numbers {
  std::string_view rule;  // behind the quoted text
  std::string_view example;
  bool (*fits)(int number);
};
constexpr Numbers date_numbers{" is not a day of the month: 1 to 31, or -1 for the last day, -2 for the one before it",
                               "1-7 or -7--1", [](int date) { return date != 0 && date >= -31 && date <= 31; }};
constexpr Numbers year_numbers{" is not a year like 2026 or years like 2026-2028", "2026-2028",
                               [](int year) { return year >= first_year && year <= last_year; }};

void read_numbers(Section& section, std::string_view key, std::string_view help, const Numbers& numbers,
                  std::vector<NumberRange>& out) {
  std::vector<Text> texts;
  section.optional(key, texts, help);
  if (section.has(key) && texts.empty()) {
    section.problem(key, "there is nothing in it; leave `" + std::string(key) + "` out to mean all");
  }
  for (const auto& text : texts) {
    if (has_colon(section, text, numbers.example)) continue;
    const auto [first_text, last_text] = ends_of(text.value);
    const auto first = number_of(first_text);
    const auto last = number_of(last_text);
    if (!first || !last || !numbers.fits(*first) || !numbers.fits(*last)) {
      section.problem(text.mark, said(text) + std::string(numbers.rule));
    } else if ((*first < 0) == (*last < 0) && *last < *first) {
      section.problem(text.mark, said(text) + " ends before it begins");
    } else {
      out.push_back({*first, *last});
    }
  }
}

// --- times of the day ---

std::optional<std::chrono::minutes> time_of_day(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 2 || text.size() != colon + 3) return std::nullopt;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!is_digit(text[0]) || !is_digit(text[colon + 1])) return std::nullopt;
  const auto hours = number_of(text.substr(0, colon));
  const auto minutes = number_of(text.substr(colon + 1));
  if (!hours || !minutes || *minutes > 59) return std::nullopt;
  const auto time = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return time <= std::chrono::hours(24) ? std::optional(time) : std::nullopt;
}

void read_time(Section& section, std::string_view key, std::string_view help, std::chrono::minutes& out) {
  std::optional<Text> text;
  section.optional(key, text, help);
  if (!text) return;
  const auto time = time_of_day(text->value);
  if (time) {
    out = *time;
  } else {
    section.problem(text->mark, said(*text) + " is not a time of the day, write it like 07:30 (00:00 to 24:00)");
  }
}

MuteWindow read_window(Section& section) {
  MuteWindow window;
  read_words(section, "days", "days of the week: [mon-fri, sunday]; without it all", day_words, 0, window.days);
  read_time(section, "from", "when it begins by the clock: 22:00; 00:00 when it is not said", window.from);
  read_time(section, "to",
            "when it ends, this minute not included: 07:00; one not later than `from` is on the next day. 24:00, "
            "midnight, when it is not said", window.to);
  read_numbers(section, "dates", "days of the month: [1-7, 15]; -1 is the last day, -7--1 the last seven", date_numbers,
               window.dates);
  read_words(section, "months", "[jan-mar, december]", month_words, 1, window.months);
  read_numbers(section, "years", "[2026, 2028-2030]", year_numbers, window.years);
  return window;
}

// What no single key shows.
void check_window(Section& section, const MuteWindow& window) {
  if (section.describing()) return;
  const std::array keys{"days", "from", "to", "dates", "months", "years"};
  if (std::none_of(keys.begin(), keys.end(), [&section](const char* key) { return section.has(key); })) {
    section.problem(section.mark(), "this would mute always: say when, with from and to, days, dates, months or years");
  } else if (window.from == std::chrono::hours(24)) {
    section.problem("from", "24:00 is the end of the day: write 00:00, which is the beginning of the next");
  } else if (window.from == window.to) {
    section.problem("to", "`from` and `to` are the same; leave both out for the whole day");
  } else if (!ever_opens(window)) {
    section.problem(section.mark(), "there is no such day: its dates, months and years never come together");
  }
}

// --- the whole of an entry ---

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

// europe/berlin, Berlin and Europe/Berln are meant to be Europe/Berlin.
std::optional<std::string> zone_meant_by(const std::string& written) {
  const auto names = ZoneClock::names();
  const std::string wanted = lower(written);
  for (const auto& name : names) {
    if (lower(name) == wanted || lower(name).ends_with("/" + wanted)) return name;
  }
  const auto near = config::nearest(written, {names.begin(), names.end()});
  return near && written.find('/') != std::string::npos ? std::optional<std::string>(*near) : std::nullopt;
}

ZoneClock read_zone(Section& section) {
  Text name{.value = "UTC", .mark = {}};
  section.optional("time_zone", name,
                   "whose clocks are meant, by its IANA name: Europe/Berlin. The machine's own setting plays no part");
  if (section.describing() || !section.has("time_zone")) return ZoneClock();
  auto zone = ZoneClock::named(name.value);
  if (zone) return *zone;
  const auto meant = name.expanded ? std::nullopt : zone_meant_by(name.value);
  section.problem(name.mark, said(name) + ": " +
                                 (meant ? "there is no such time zone, did you mean '" + *meant + "'?"
                                                           : zone.error().what));
  return ZoneClock();
}

struct MuteEntry {
  Text name;
  MuteTime mute;
};

MuteEntry read_entry(Section& section) {
  MuteEntry entry;
  section.required("name", entry.name, "how routes call it: letters, digits, - _ .");
  if (section.has("name") && !is_name(entry.name.value)) {
    section.problem("name", "a mute time's name is up to 64 letters, digits, '-', '_' and '.'");
  }
  entry.mute.name = entry.name.value;
  entry.mute.zone = read_zone(section);
  section.each("times", "when it is: each entry is a time of its own; what one says must all hold", [&](Section& time) {
    entry.mute.windows.push_back(read_window(time));
    check_window(time, entry.mute.windows.back());
  });
  if (section.describing()) return entry;
  if (!section.has("times") || entry.mute.windows.empty()) {
    section.problem("times",
                    "this mute time has no `times`: say when it is, like times: [{from: \"22:00\", to: \"07:00\"}]");
  } else if (entry.mute.windows.size() > most_times) {
    section.problem("times", "a mute time has at most " + std::to_string(most_times) + " entries");
  }
  return entry;
}

void check_names(Section& top, const std::vector<MuteEntry>& entries) {
  std::map<std::string, config::Mark> first;
  for (const auto& entry : entries) {
    if (entry.name.value.empty()) continue;
    const auto [known, fresh] = first.emplace(entry.name.value, entry.name.mark);
    if (fresh) continue;
    const config::Mark& at = known->second;
    top.problem(entry.name.mark, "there is a mute time '" + entry.name.value + "' already, at " + at.file + ":" +
                                     std::to_string(at.line) + ":" + std::to_string(at.column));
  }
}

}  // namespace

void configure_mute_times(Section& top, std::vector<MuteTime>& mutes) {
  std::vector<MuteEntry> entries;
  top.each("mute_times",
           "times at which the routes that name them tell nobody; what still fires at the end is told then",
           [&](Section& section) { entries.push_back(read_entry(section)); });
  if (top.describing()) return;
  check_names(top, entries);
  if (entries.size() > most_mute_times) {
    top.problem("mute_times", "there are at most " + std::to_string(most_mute_times) + " mute times");
  }
  for (auto& entry : entries) mutes.push_back(std::move(entry.mute));
}

}  // namespace sidewatch
