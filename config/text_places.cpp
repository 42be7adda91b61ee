#include "config/text_places.h"

#include <algorithm>
#include <tuple>

#include "base/utf8.h"

namespace sidewatch::config {
namespace {

struct Place {
  int line = 1;
  int column = 1;
  auto operator<=>(const Place&) const = default;
};

Place end_of(std::string_view text) {
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  Place end;
  for (const char c : text) {
    if (c == '\n') {
      end = {end.line + 1, 1};
    } else if (!continues_character(c)) {
      ++end.column;
    }
  }
  return end;
}

}  // namespace

Mark place_in_text(std::string_view text, const Mark& mark, const TextPlaces& places, int line, int column) {
  const Place wanted = std::min(Place{line, column}, end_of(text));
  Mark place = mark;
  if (!places) {
    place.column += wanted.column - 1;
    return place;
  }
  const auto behind = std::upper_bound(places->begin(), places->end(), wanted, [](const Place& at, const auto& stretch) {
    return at < Place{stretch.line, stretch.column};
  });
  if (behind == places->begin()) return place;
  const TextStretch& stretch = *std::prev(behind);
  place.line = stretch.file_line;
  place.column = stretch.file_column + (stretch.line == wanted.line ? wanted.column - stretch.column : 0);
  return place;
}

}  // namespace sidewatch::config
