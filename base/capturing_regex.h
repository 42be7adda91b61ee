// Regular expressions in linear time (RE2 syntax) that say what their groups matched: for taking lines of text apart.
//
// Beside base/regex.h for whoever needs the parts of a match without a text being made of them. Its seam is regex.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace sidewatch {

class CapturingRegex {
 public:
  static constexpr std::size_t max_groups = 64;

  CapturingRegex() = default;  // matches nothing

  // Takes (?<name>...) for (?P<name>...), as Perl, JavaScript and Go 1.22 write it. Error::what is RE2's reason; patterns
  // over 1 MiB of program or with more than max_groups groups are refused.
  static Result<CapturingRegex> compile(std::string_view pattern);

  // The name of each group, the first one first; empty for one that has none.
  const std::vector<std::string>& group_names() const { return names_; }

  bool matches(std::string_view text) const;  // somewhere in the text; cheaper than match()

  // The first match in the text: `groups` becomes the whole match and then each group, as parts of `text`; one that took
  // no part in the match is empty.
  bool match(std::string_view text, std::vector<std::string_view>& groups) const;

  const std::string& pattern() const { return pattern_; }  // as it was written

 private:
  std::shared_ptr<const re2::RE2> compiled_;
  std::vector<std::string> names_;
  std::string pattern_;
};

}  // namespace sidewatch
