// The files of config/rules as texts within the program; shipped_rules.h gives them to others.
#pragma once

#include <span>
#include <string_view>

namespace sidewatch {

struct ShippedText {
  std::string_view set;  // "host"
  std::string_view text;
};

std::span<const ShippedText> shipped_texts();

}  // namespace sidewatch
