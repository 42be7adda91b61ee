// Regular expressions in linear time (RE2 syntax), bounded in size. The only way a pattern that a person wrote is run.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace sidewatch {

class Regex {
 public:
  Regex() = default;  // matches nothing

  // Error::what is RE2's reason ("missing ): (abc"); patterns over 1 MiB of program are refused.
  static Result<Regex> compile(std::string_view pattern);

  bool full_match(std::string_view text) const;     // the whole text
  bool partial_match(std::string_view text) const;  // somewhere in the text
  const std::string& pattern() const { return pattern_; }

 private:
  std::shared_ptr<const re2::RE2> compiled_;
  std::string pattern_;
};

}  // namespace sidewatch
