// Regular expressions in linear time (RE2 syntax), bounded in size. The only way a pattern that a person wrote is run.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
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

  // When the whole text matches: `replacement` with $1, ${1}, $name and ${name} filled in by what the groups matched, as
  // Go's Regexp.Expand does: a name is as long as it can be, $$ is a dollar sign, an unknown group is empty. Ends early
  // once the result is longer than `enough_bytes`.
  std::optional<std::string> expand_full_match(std::string_view text, std::string_view replacement,
                                               std::size_t enough_bytes) const;

  // The same for the first match anywhere in the text, as Go's Regexp.ExpandString does with FindStringSubmatchIndex.
  std::optional<std::string> expand_partial_match(std::string_view text, std::string_view replacement,
                                                  std::size_t enough_bytes) const;

  // `text` with every match replaced, `replacement` filled in likewise, as Go's Regexp.ReplaceAllString does. It ends
  // once it is longer than `enough_bytes`.
  std::string replace_all(std::string_view text, std::string_view replacement, std::size_t enough_bytes) const;

  const std::string& pattern() const { return pattern_; }

 private:
  std::shared_ptr<const re2::RE2> compiled_;
  std::string pattern_;
};

}  // namespace sidewatch
