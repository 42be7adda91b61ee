#include "config/expansion.h"

#include <algorithm>

#include "config/regular_file.h"
#include "config/wording.h"

namespace sidewatch::config {
namespace {

using Lookup = std::function<std::optional<std::string>(const std::string&)>;

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_part = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), is_part);
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::string> file_content(std::string_view path, const std::string& directory) {
  const std::string what = "${file:" + std::string(path) + "}";
  if (path.empty()) return Error{"${file:} names no file, write ${file:/path}", ""};
  auto content = read_regular_file(path_from(directory, path), max_expanded_file_bytes);
  if (!content) return Error{what + ": " + content.error().what, ""};
  auto text = without_line_end(std::move(*content));
  if (find_bad_byte(text)) return Error{what + ": the file is not plain UTF-8 text", ""};
  return text;
}

// `outside`: gets the value, unless it is the default, which anybody can read in the file.
Result<std::string> variable(std::string_view inside, const Lookup& environment, std::vector<std::string>& outside) {
  const auto colon = inside.find(':');
  const std::string name(inside.substr(0, colon));
  if (!is_name(name)) {
    return Error{quote(name) + " is not the name of an environment variable; write $${ for the characters themselves",
                 ""};
  }
  std::optional<std::string_view> fallback;
  if (colon != std::string_view::npos) {
    if (!inside.substr(colon).starts_with(":-")) {
      return Error{"${" + name + ":...} is not understood, write ${" + name + ":-default} or ${file:/path}", ""};
    }
    fallback = inside.substr(colon + 2);
  }
  auto value = environment(name);
  if (fallback && (!value || value->empty())) return std::string(*fallback);
  if (!value) {
    const std::string with_default = "${" + name + ":-default}";
    return Error{"the environment variable " + name + " is not set; " + with_default + " would give it a default", ""};
  }
  if (find_bad_byte(*value)) return Error{"the environment variable " + name + " is not plain UTF-8 text", ""};
  outside.push_back(*value);
  return std::move(*value);
}

}  // namespace

Expansion expand(std::string_view text, const Lookup& environment, const std::string& directory) {
  Expansion expansion;
  if (!environment) {
    expansion.text = text;
    return expansion;
  }
  for (std::size_t at = 0; at < text.size();) {
    const auto dollar = std::min(text.find('$', at), text.size());
    expansion.text += text.substr(at, dollar - at);
    at = dollar;
    if (at == text.size()) break;
    const auto next = text.substr(at + 1, 1);
    if (next == "$") {
      expansion.text += '$';
      at += 2;
      continue;
    }
    if (next != "{") {
      expansion.text += '$';
      ++at;
      continue;
    }
    const auto end = text.find('}', at);
    const auto inside = text.substr(at + 2, end == std::string_view::npos ? end : end - at - 2);
    if (end != std::string_view::npos && is_number(inside)) {  // what a regular expression's group matched
      expansion.text += text.substr(at, end + 1 - at);
      at = end + 1;
      continue;
    }
    const bool from_file = inside.starts_with("file:");
    const auto refuse = [&](std::string why) {
      expansion.problem = Expansion::Problem{at, std::move(why)};
      return expansion;
    };
    if (end == std::string_view::npos) {
      return refuse("this ${ is never closed by }; write $${ for the characters themselves");
    }
    if (inside.find("${") != std::string_view::npos) return refuse("a ${...} cannot stand inside another one");
    auto value = from_file ? file_content(inside.substr(5), directory) : variable(inside, environment, expansion.outside);
    if (!value) return refuse(value.error().what);
    if (from_file) expansion.outside.push_back(*value);
    if (from_file && at == 0 && end + 1 == text.size()) expansion.only_file = path_from(directory, inside.substr(5));
    expansion.text += *value;
    expansion.changed = true;
    at = end + 1;
  }
  return expansion;
}

std::string path_from(const std::string& directory, std::string_view path) {
  if (directory.empty() || path.starts_with('/')) return std::string(path);
  return directory + (directory.ends_with('/') ? "" : "/") + std::string(path);
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string without_line_end(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace sidewatch::config
