// Lines, paths and their components, each taken off the front of a view.
#include "collectors/process/cgroup_membership.h"

#include <algorithm>
#include <cstddef>

#include "collectors/proc_file.h"

namespace sidewatch {
namespace {

constexpr std::size_t container_id_digits = 64;

template <class Holds>
bool any_path(std::string_view text, const Holds& holds) {
  for (CgroupLine line; next_cgroup(text, line);) {
    if (holds(line.path)) return true;
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

// Its first run of exactly 64 digits, or nothing.
std::string_view container_id_in(std::string_view component) {
  for (std::size_t at = 0; at < component.size();) {
    const std::string_view rest = component.substr(at);
    const auto digits = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_hex) - rest.begin());
    if (digits == container_id_digits) return rest.substr(0, digits);
    at += digits + 1;
  }
  return {};
}

}  // namespace

bool next_cgroup(std::string_view& rest, CgroupLine& out) {
  for (std::string_view line; next_line(rest, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    constexpr std::string_view suffix = " (deleted)";
    out = {line.substr(0, first), line.substr(first + 1, second - first - 1), line.substr(second + 1), false};
    out.deleted = out.path.ends_with(suffix);
    if (out.deleted) out.path.remove_suffix(suffix.size());
    return true;
  }
  return false;
}

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
      const auto found = container_id_in(component);
      if (!found.empty() && found.starts_with(id)) return true;
    }
    return false;
  });
}

std::string_view container_id_of(std::string_view text) {
  std::string_view id;
  any_path(text, [&id](std::string_view path) {
    for (std::string_view component; id.empty() && next_component(path, component);) id = container_id_in(component);
    return !id.empty();
  });
  return id;
}

std::string_view service_of(std::string_view text) {
  if (!container_id_of(text).empty()) return {};
  std::string_view service;
  any_path(text, [&service](std::string_view path) {
    constexpr std::string_view suffix = ".service";
    for (std::string_view component; next_component(path, component);) {
      if (component.ends_with(suffix)) service = component.substr(0, component.size() - suffix.size());
    }
    return !service.empty();
  });
  return service.starts_with("user@") ? std::string_view() : service;
}

std::string_view cgroup_path_of(std::string_view text) {
  std::string_view v2;
  std::string_view memory;
  for (CgroupLine line; next_cgroup(text, line);) {
    if (line.controllers.empty()) v2 = line.path;
    if (line.controllers == "memory") memory = line.path;
  }
  return memory.empty() ? v2 : memory;
}

std::string cgroup_list(std::string_view text) {
  std::string list = "[";
  for (CgroupLine line; next_cgroup(text, line);) {
    if (list.size() > 1) list += ' ';
    list += line.path;
  }
  return list + "]";
}

}  // namespace sidewatch
