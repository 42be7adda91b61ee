#include "alerting/blank_text.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace sidewatch {
namespace {

struct CodeRange {
  char32_t first, last;
};

// White_Space, and of the format characters those that stand for nothing by themselves.
constexpr std::array unseen = {
    CodeRange{0x09, 0x0D},     CodeRange{0x20, 0x20},     CodeRange{0x85, 0x85},     CodeRange{0xA0, 0xA0},
    CodeRange{0xAD, 0xAD},     CodeRange{0x1680, 0x1680}, CodeRange{0x180E, 0x180E}, CodeRange{0x2000, 0x200F},
    CodeRange{0x2028, 0x202F}, CodeRange{0x205F, 0x2064}, CodeRange{0x2066, 0x206F}, CodeRange{0x3000, 0x3000},
    CodeRange{0xFEFF, 0xFEFF},
};

}  // namespace

bool is_blank(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character character = first_character(text);
    const bool is_unseen = std::any_of(unseen.begin(), unseen.end(), [&](const CodeRange& range) {
      return character.code >= range.first && character.code <= range.last;
    });
    if (!is_unseen) return false;
    text.remove_prefix(character.bytes);
  }
  return true;
}

}  // namespace sidewatch
