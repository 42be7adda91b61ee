#include "alerting/receivers/fitted_text.h"

#include <algorithm>

#include "base/json.h"
#include "base/utf8.h"

namespace sidewatch {
namespace {

constexpr std::string_view ellipsis = "\xE2\x80\xA6";

std::size_t url_bytes(std::string_view text) {
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return 0;
  std::size_t end = std::min(text.find_first_of(" \t\r\n\"'<>`\\", scheme), text.size());
  while (end > scheme && std::string_view(".,:;!?)]}*_~|").find(text[end - 1]) != std::string_view::npos) --end;
  return end > scheme ? end : 0;
}

std::string with_note(std::string_view kept, std::size_t missing, const TextForm& form) {
  return form(kept) + std::string(ellipsis) + form(" (" + std::to_string(missing) + " more characters)");
}

// How many of the characters fit at most: `fits` is true up to there and false above.
template <class Fits>
std::size_t most_that_fits(const std::vector<std::size_t>& ends, const Fits& fits) {
  std::size_t low = 0;
  std::size_t high = ends.size();
  while (low < high) {
    const std::size_t middle = (low + high + 1) / 2;
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

}  // namespace

std::string as_it_is(std::string_view text) { return std::string(text); }

std::size_t count_bytes(std::string_view text) { return text.size(); }

std::size_t count_json_bytes(std::string_view text) { return json_quoted(text).size() - 2; }

std::size_t count_utf16_units(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (!continues_character(c)) units += byte >= 0xF0 ? 2 : 1;  // four bytes: above U+FFFF, two units
  }
  return units;
}

std::string fit(std::string_view raw, std::size_t limit, const TextForm& form, TextMeasure measure) {
  const std::string text = mend_utf8(raw);
  std::string whole = form(text);
  if (measure(whole) <= limit) return whole;
  std::vector<std::size_t> ends;  // of each character
  for (std::size_t at = 1; at <= text.size(); ++at) {
    if (at == text.size() || !continues_character(text[at])) ends.push_back(at);
  }
  const auto beginning = [&](std::size_t count) {
    return std::string_view(text).substr(0, count == 0 ? 0 : ends[count - 1]);
  };
  const auto noted = [&](std::size_t count) { return with_note(beginning(count), ends.size() - count, form); };
  if (measure(noted(0)) <= limit) {
    return noted(most_that_fits(ends, [&](std::size_t count) { return measure(noted(count)) <= limit; }));
  }
  const auto cut = [&](std::size_t count) { return form(beginning(count)) + std::string(ellipsis); };
  if (measure(cut(0)) > limit) return "";
  return cut(most_that_fits(ends, [&](std::size_t count) { return measure(cut(count)) <= limit; }));
}

std::string fit_before(std::string_view ending, std::string_view text, std::size_t limit, const TextForm& form,
                       TextMeasure measure) {
  const std::string end = form(ending);
  if (ending.empty() || !text.ends_with(ending) || 2 * measure(end) > limit) return fit(text, limit, form, measure);
  text.remove_suffix(ending.size());
  return fit(text, limit - measure(end), form, measure) + end;
}

std::vector<TextPart> split_at_urls(std::string_view text) {
  std::vector<TextPart> parts;
  std::size_t plain_from = 0;
  for (std::size_t at = text.find("http"); at != std::string_view::npos; at = text.find("http", at)) {
    const std::size_t bytes = url_bytes(text.substr(at));
    if (bytes == 0) {
      at += 4;
      continue;
    }
    if (at > plain_from) parts.push_back({text.substr(plain_from, at - plain_from), false});
    parts.push_back({text.substr(at, bytes), true});
    at += bytes;
    plain_from = at;
  }
  if (plain_from < text.size()) parts.push_back({text.substr(plain_from), false});
  return parts;
}

}  // namespace sidewatch
