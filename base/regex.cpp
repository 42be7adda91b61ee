// The seam of RE2.
#include "base/regex.h"

#include <re2/re2.h>

namespace sidewatch {
namespace {

constexpr std::int64_t max_program_bytes = 1 << 20;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

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

}  // namespace sidewatch
