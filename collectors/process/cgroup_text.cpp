// Lines, paths and their components, each taken off the front of a view.
#include "collectors/process/cgroup_text.h"

#include <algorithm>
#include <cstddef>

#include "collectors/proc_file.h"

namespace sidewatch {
namespace {

constexpr std::size_t container_id_digits = 64;

// Takes the path of the next line off the front of `rest`. False at the end.
bool next_path(std::string_view& rest, std::string_view& path) {
  for (std::string_view line; next_line(rest, line);) {
    const auto hierarchy = line.find(':');
    const auto controllers = hierarchy == std::string_view::npos ? hierarchy : line.find(':', hierarchy + 1);
    if (controllers == std::string_view::npos) continue;
    path = line.substr(controllers + 1);
    constexpr std::string_view suffix = " (deleted)";
    if (path.ends_with(suffix)) path.remove_suffix(suffix.size());
    return true;
  }
  return false;
}

template <class Holds>
bool any_path(std::string_view text, const Holds& holds) {
  for (std::string_view path; next_path(text, path);) {
    if (holds(path)) return true;
  }
  return false;
}

// Takes the next component off the front of `path`. False at the end.
bool next_component(std::string_view& path, std::string_view& component) {
  const auto begin = path.find_first_not_of('/');
  if (begin == std::string_view::npos) return false;
  path.remove_prefix(begin);
  component = path.substr(0, path.find('/'));
  path.remove_prefix(component.size());
  return true;
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// Its only run of exactly 64 digits, or nothing.
std::string_view container_id(std::string_view component) {
  for (std::size_t at = 0; at < component.size();) {
    const std::string_view rest = component.substr(at);
    const auto digits = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_hex) - rest.begin());
    if (digits == container_id_digits) return rest.substr(0, digits);
    at += digits + 1;
  }
  return {};
}

}  // namespace

bool in_cgroup(std::string_view text, std::string_view path) {
  return any_path(text, [path](std::string_view at) {
    return at.starts_with(path) && (at.size() == path.size() || at[path.size()] == '/');
  });
}

bool in_unit(std::string_view text, std::string_view unit) {
  const bool is_service = unit.find('.') == std::string_view::npos;
  const auto names = [unit, is_service](std::string_view component) {
    if (!is_service) return component == unit;
    return component.starts_with(unit) && component.substr(unit.size()) == ".service";
  };
  return any_path(text, [&names](std::string_view path) {
    for (std::string_view component; next_component(path, component);) {
      if (names(component)) return true;
    }
    return false;
  });
}

bool in_container(std::string_view text, std::string_view id) {
  return any_path(text, [id](std::string_view path) {
    for (std::string_view component; next_component(path, component);) {
      const auto found = container_id(component);
      if (!found.empty() && found.starts_with(id)) return true;
    }
    return false;
  });
}

std::string cgroup_list(std::string_view text) {
  std::string list = "[";
  for (std::string_view path; next_path(text, path);) {
    if (list.size() > 1) list += ' ';
    list += path;
  }
  return list + "]";
}

}  // namespace sidewatch
