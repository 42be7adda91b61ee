#include "config/wording.h"

#include <algorithm>
#include <cstdio>

#include "base/utf8.h"

namespace sidewatch::config {
namespace {

constexpr std::size_t max_quoted_characters = 60;
constexpr std::size_t max_errors = 2;

void append_visible(std::string& out, char byte) {
  const auto code = static_cast<unsigned char>(byte);
  if (byte == '\n') {
    out += "\\n";
  } else if (byte == '\t') {
    out += "\\t";
  } else if (code < 0x20 || code == 0x7F) {
    char text[8];
    std::snprintf(text, sizeof text, "\\x%02x", static_cast<unsigned>(code));
    out += text;
  } else {
    out += byte;
  }
}

// Damerau-Levenshtein (optimal string alignment): how many letters to insert, delete, replace or swap with a neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace

std::string quote(std::string_view text) {
  std::string quoted = "'";
  std::size_t characters = 0;
  for (const char byte : text) {
    if (!continues_character(byte) && ++characters > max_quoted_characters) {
      quoted += "...";
      break;
    }
    append_visible(quoted, byte);
  }
  return quoted + "'";
}

std::optional<std::string_view> nearest(std::string_view written, const std::vector<std::string_view>& known) {
  const std::string meant = lower(written);
  std::optional<std::string_view> best;
  // A word of three letters with two of them wrong is another word.
  std::size_t best_distance = std::min(max_errors, meant.size() / 2) + 1;
  for (const auto word : known) {
    const auto difference = std::max(word.size(), meant.size()) - std::min(word.size(), meant.size());
    if (difference >= best_distance) continue;
    if (const auto apart = distance(meant, lower(word)); apart < best_distance) {
      best = word;
      best_distance = apart;
    }
  }
  if (best || meant.size() < 2) return best;
  for (const auto word : known) {  // "scrape_interval", "ca_file" where it is called interval, ca
    const auto part = lower(word);
    if (!meant.starts_with(part + "_") && !meant.ends_with("_" + part)) continue;
    if (best) return std::nullopt;
    best = word;
  }
  if (best) return best;
  for (const auto word : known) {
    if (!lower(word).starts_with(meant)) continue;
    if (best) return std::nullopt;
    best = word;
  }
  return best;
}

std::string list_of(const std::vector<std::string_view>& words, std::size_t most) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) list += ", ";
    if (i == most) return list + "...";
    list += words[i];
  }
  return list;
}

}  // namespace sidewatch::config
