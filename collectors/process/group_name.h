// What a group is called: a fixed text, or a template that process-exporter's configurations also use, filled in for
// each process, so that one entry makes as many groups as it finds names.
//
// {{.Comm}} {{.ExeBase}} {{.ExeFull}} {{.Username}} {{.PID}} {{.StartTime}} {{.Cgroups}}, and {{.Matches.x}} for what
// the group (?P<x>...) of a cmdline pattern (of several that have it, the last) matched. Written out as process-exporter writes them: ExeBase and ExeFull
// are of the first argument (which programs may set themselves), StartTime and Cgroups as Go prints them. Refuses the
// rest of Go's template language.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "base/result.h"
#include "collectors/process/description.h"

namespace sidewatch {

class GroupName {
 public:
  static constexpr std::size_t max_bytes = 256;  // what is longer is cut at a character

  // Error::what says what is wrong with the template, for people. {{.Matches.x}} is looked for in the patterns `cmdline`.
  static Result<GroupName> parse(std::string_view text, std::span<const Regex> cmdline);

  bool is_fixed() const;
  bool needs_start_time() const;
  DescribedTexts needs() const;

  // `start_seconds` since 1970, when it is known.
  std::string of(const ProcessDescription& process, std::optional<double> start_seconds) const;

 private:
  enum class Field : std::uint8_t { text, comm, exe_base, exe_full, username, pid, start_time, cgroups, match };
  struct Piece {
    Field field = Field::text;
    std::string text = {};    // or the name of the pattern's group
    Regex whole_cmdline = {};  // matches a whole command line when the pattern is found in it
  };
  static Result<Piece> parse_field(std::string_view expression, std::span<const Regex> cmdline);
  static Result<Piece> parse_match(std::string_view group, std::span<const Regex> cmdline);
  static void append(const Piece& piece, const ProcessDescription& process, std::optional<double> start_seconds,
                     std::string& out);

  std::vector<Piece> pieces_;
};

}  // namespace sidewatch
