// The seam of RE2.
#include "base/regex.h"

#include <re2/re2.h>

#include <array>
#include <charconv>
#include <vector>

#include "base/capturing_regex.h"
#include "base/utf8.h"

namespace sidewatch {
namespace {

constexpr std::int64_t max_program_bytes = 1 << 20;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

// The place held by a $: its name, and where the text goes on after it.
struct Placeholder {
  std::string_view name;
  std::string_view rest;
};

// `text` begins after the $. Nothing where no name follows or its brace is not closed.
std::optional<Placeholder> placeholder(std::string_view text) {
  static const re2::RE2 name_start("[\\pL\\p{Nd}_]+");
  const bool braced = text.starts_with('{');
  if (braced) text.remove_prefix(1);
  re2::StringPiece rest = piece(text);
  if (!re2::RE2::Consume(&rest, name_start)) return std::nullopt;
  Placeholder found{text.substr(0, text.size() - rest.size()), {rest.data(), rest.size()}};
  if (!braced) return found;
  if (!found.rest.starts_with('}')) return std::nullopt;
  found.rest.remove_prefix(1);
  return found;
}

// The group's number, or -1. A number with a leading zero is a name.
int group_number(std::string_view name, const re2::RE2& compiled) {
  int number = -1;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end && (name.size() == 1 || name.front() != '0')) return number;
  const auto& named = compiled.NamedCapturingGroups();
  const auto found = named.find(std::string(name));
  return found == named.end() ? -1 : found->second;
}

std::string expanded(std::string_view replacement, const re2::RE2& compiled,
                     const std::vector<re2::StringPiece>& groups, std::size_t enough_bytes) {
  std::string out;
  while (out.size() <= enough_bytes) {
    const std::size_t dollar = replacement.find('$');
    out += replacement.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with('$')) {
      replacement.remove_prefix(1);
      out += '$';
    } else if (const auto found = placeholder(replacement)) {
      const int number = group_number(found->name, compiled);
      if (number >= 0 && static_cast<std::size_t>(number) < groups.size()) {
        const re2::StringPiece& group = groups[static_cast<std::size_t>(number)];
        out += std::string_view(group.data(), group.size());
      }
      replacement = found->rest;
    } else {
      out += '$';
    }
  }
  return out;
}

std::optional<std::string> expand_match(const re2::RE2& pattern, re2::RE2::Anchor anchor, std::string_view text,
                                        std::string_view replacement, std::size_t enough_bytes) {
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(pattern.NumberOfCapturingGroups()) + 1);
  if (!pattern.Match(piece(text), 0, text.size(), anchor, groups.data(), static_cast<int>(groups.size()))) {
    return std::nullopt;
  }
  return expanded(replacement, pattern, groups, enough_bytes);
}

// `pattern` with (?<name> as RE2 2023 and earlier want it: (?P<name>. What stands behind a backslash or in brackets is
// not a group.
std::string with_known_groups(std::string_view pattern) {
  std::string out;
  bool in_brackets = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    out += pattern[i];
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      out += pattern[++i];
    } else if (in_brackets) {
      in_brackets = pattern[i] != ']';
    } else if (pattern[i] == '[') {
      in_brackets = true;
      for (const char literal : {'^', ']'}) {
        if (i + 1 < pattern.size() && pattern[i + 1] == literal) out += pattern[++i];
      }
    } else if (pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() && pattern[i + 3] != '=' &&
               pattern[i + 3] != '!') {
      out += "?P<";
      i += 2;
    }
  }
  return out;
}

}  // namespace

Result<CapturingRegex> CapturingRegex::compile(std::string_view pattern) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(max_program_bytes);
  auto compiled = std::make_shared<const re2::RE2>(with_known_groups(pattern), options);
  if (!compiled->ok()) return Error{compiled->error(), ""};
  const auto groups = static_cast<std::size_t>(compiled->NumberOfCapturingGroups());
  if (groups > max_groups) return Error{"more than " + std::to_string(max_groups) + " groups", ""};
  CapturingRegex regex;
  regex.names_.resize(groups);
  for (const auto& [number, name] : compiled->CapturingGroupNames()) {
    regex.names_[static_cast<std::size_t>(number) - 1] = name;
  }
  regex.compiled_ = std::move(compiled);
  regex.pattern_ = std::string(pattern);
  return regex;
}

bool CapturingRegex::matches(std::string_view text) const {
  return compiled_ && compiled_->Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

bool CapturingRegex::match(std::string_view text, std::vector<std::string_view>& groups) const {
  std::array<re2::StringPiece, max_groups + 1> found;
  const std::size_t count = names_.size() + 1;
  if (!compiled_ || !compiled_->Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, found.data(),
                                      static_cast<int>(count))) {
    return false;
  }
  groups.resize(count);
  for (std::size_t i = 0; i < count; ++i) groups[i] = {found[i].data(), found[i].size()};
  return true;
}

Result<Regex> Regex::compile(std::string_view pattern) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(max_program_bytes);
  auto compiled = std::make_shared<const re2::RE2>(piece(pattern), options);
  if (!compiled->ok()) return Error{compiled->error(), ""};
  Regex regex;
  regex.compiled_ = std::move(compiled);
  regex.pattern_ = std::string(pattern);
  return regex;
}

bool Regex::full_match(std::string_view text) const {
  return compiled_ && re2::RE2::FullMatch(piece(text), *compiled_);
}

bool Regex::partial_match(std::string_view text) const {
  return compiled_ && re2::RE2::PartialMatch(piece(text), *compiled_);
}

std::optional<std::string> Regex::expand_full_match(std::string_view text, std::string_view replacement,
                                                    std::size_t enough_bytes) const {
  if (!compiled_) return std::nullopt;
  return expand_match(*compiled_, re2::RE2::ANCHOR_BOTH, text, replacement, enough_bytes);
}

std::optional<std::string> Regex::expand_partial_match(std::string_view text, std::string_view replacement,
                                                       std::size_t enough_bytes) const {
  if (!compiled_) return std::nullopt;
  return expand_match(*compiled_, re2::RE2::UNANCHORED, text, replacement, enough_bytes);
}

// A match of nothing directly behind another match does not count.
std::string Regex::replace_all(std::string_view text, std::string_view replacement, std::size_t enough_bytes) const {
  if (!compiled_) return std::string(text);
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(compiled_->NumberOfCapturingGroups()) + 1);
  std::string out;
  std::size_t copied = 0;  // how much of the text is in `out`
  std::size_t at = 0;
  bool matched = false;
  while (at <= text.size() && out.size() <= enough_bytes &&
         compiled_->Match(piece(text), at, text.size(), re2::RE2::UNANCHORED, groups.data(),
                          static_cast<int>(groups.size()))) {
    const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    const std::size_t end = begin + groups[0].size();
    if (end > begin || begin > copied || !matched) {
      out += text.substr(copied, begin - copied);
      out += expanded(replacement, *compiled_, groups, enough_bytes);
      copied = end;
      matched = true;
    }
    at = end;
    if (end > begin) continue;
    ++at;  // on to the next character
    while (at < text.size() && continues_character(text[at])) ++at;
  }
  out += text.substr(copied);
  return out;
}

}  // namespace sidewatch
