// A template is cut into pieces once; filling it in is a walk over them.
#include "collectors/process/group_name.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>

#include "collectors/process/cgroup_membership.h"

namespace sidewatch {
namespace {

constexpr std::string_view match_prefix = ".Matches.";

std::string_view without_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Whether the pattern has a group of this name.
bool has_group(const Regex& pattern, std::string_view name) {
  return pattern.pattern().find("(?P<" + std::string(name) + ">") != std::string::npos;
}

// Go's filepath.Base.
std::string_view base_name(std::string_view path) {
  if (path.empty()) return ".";
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/") return path;
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// As Go prints a time.Time in UTC: "2023-11-14 22:13:30.5 +0000 UTC". The kernel counts hundredths.
std::string go_time(double seconds) {
  const auto hundredths = std::llround(seconds * 100);
  const auto whole = static_cast<std::time_t>(hundredths / 100);
  std::tm parts{};
  if (gmtime_r(&whole, &parts) == nullptr) return {};
  std::array<char, 64> text{};
  std::string out(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts));
  const int fraction = static_cast<int>(hundredths % 100);
  if (fraction != 0) {
    std::snprintf(text.data(), text.size(), ".%02d", fraction);
    out += text.data();
    if (out.ends_with('0')) out.pop_back();
  }
  return out + " +0000 UTC";
}

void cut(std::string& text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return;
  const auto continues = [&text](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  while (max_bytes > 0 && continues(max_bytes)) --max_bytes;
  text.resize(max_bytes);
}

}  // namespace

Result<GroupName> GroupName::parse(std::string_view text, std::span<const Regex> cmdline) {
  GroupName name;
  while (!text.empty()) {
    const auto open = text.find("{{");
    if (open != 0) name.pieces_.push_back({Field::text, std::string(text.substr(0, open)), {}});
    if (open == std::string_view::npos) break;
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos) return Error{"'{{' is not closed by '}}'", ""};
    auto piece = parse_field(without_blanks(text.substr(open + 2, close - open - 2)), cmdline);
    if (!piece) return piece.error();
    name.pieces_.push_back(std::move(*piece));
    text.remove_prefix(close + 2);
  }
  return name;
}

Result<GroupName::Piece> GroupName::parse_field(std::string_view expression, std::span<const Regex> cmdline) {
  constexpr std::array<std::pair<std::string_view, Field>, 7> fields = {{{".Comm", Field::comm},
                                                                         {".ExeBase", Field::exe_base},
                                                                         {".ExeFull", Field::exe_full},
                                                                         {".Username", Field::username},
                                                                         {".PID", Field::pid},
                                                                         {".StartTime", Field::start_time},
                                                                         {".Cgroups", Field::cgroups}}};
  for (const auto& [word, field] : fields) {
    if (expression == word) return Piece{field, {}, {}};
  }
  if (expression.starts_with(match_prefix)) return parse_match(expression.substr(match_prefix.size()), cmdline);
  return Error{"'{{" + std::string(expression) + "}}' is none of {{.Comm}}, {{.ExeBase}}, {{.ExeFull}}, {{.Username}}, "
                   "{{.Matches.NAME}}, {{.PID}}, {{.StartTime}}, {{.Cgroups}}", ""};
}

Result<GroupName::Piece> GroupName::parse_match(std::string_view group, std::span<const Regex> cmdline) {
  const std::string name(group);
  const auto pattern =
      std::find_if(cmdline.rbegin(), cmdline.rend(), [&](const Regex& one) { return has_group(one, name); });
  if (pattern == cmdline.rend()) {
    return Error{"'{{.Matches." + name + "}}': cmdline of this group has no (?P<" + name + ">...)", ""};
  }
  auto whole = Regex::compile("(?s:.*?)(?:" + pattern->pattern() + ")(?s:.*)");
  if (!whole) return whole.error();
  return Piece{Field::match, "${" + name + "}", std::move(*whole)};
}

bool GroupName::is_fixed() const {
  for (const auto& piece : pieces_) {
    if (piece.field != Field::text) return false;
  }
  return true;
}

bool GroupName::needs_start_time() const {
  for (const auto& piece : pieces_) {
    if (piece.field == Field::start_time) return true;
  }
  return false;
}

DescribedTexts GroupName::needs() const {
  DescribedTexts texts{false, false, false, false};
  for (const auto& piece : pieces_) {
    switch (piece.field) {
      case Field::exe_base:
      case Field::exe_full:
      case Field::match: texts.cmdline = true; break;
      case Field::username: texts.user = true; break;
      case Field::cgroups: texts.cgroups = true; break;
      case Field::text:
      case Field::comm:
      case Field::pid:
      case Field::start_time: break;
    }
  }
  return texts;
}

std::string GroupName::of(const ProcessDescription& process, std::optional<double> start_seconds) const {
  std::string name;
  for (const auto& piece : pieces_) append(piece, process, start_seconds, name);
  cut(name, max_bytes);
  return name;
}

void GroupName::append(const Piece& piece, const ProcessDescription& process, std::optional<double> start_seconds,
                       std::string& out) {
  const std::string_view program = process.argv0().empty() ? std::string_view(process.comm) : process.argv0();
  switch (piece.field) {
    case Field::text: out += piece.text; break;
    case Field::comm: out += process.comm; break;
    case Field::exe_base: out += process.argv0().empty() ? program : base_name(program); break;
    case Field::exe_full: out += program; break;
    case Field::username: out += process.user_name; break;
    case Field::pid: out += std::to_string(process.pid); break;
    case Field::start_time: out += start_seconds ? go_time(*start_seconds) : ""; break;
    case Field::cgroups: out += cgroup_list(process.cgroups); break;
    case Field::match:
      out += piece.whole_cmdline.expand_full_match(process.cmdline, piece.text, max_bytes).value_or("");
      break;
  }
}

}  // namespace sidewatch
