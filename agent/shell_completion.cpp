// Completions for bash, zsh and fish from the outline of the command line. All three complete the same: a command, the
// options of the commands typed so far, and after an option what it takes: a path, one of its choices, or nothing at
// all where only the person knows (an address, a duration).
#include <algorithm>

#include "agent/command_outline.h"

namespace sidewatch {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

std::string with_each(std::string_view text, std::string_view characters, std::string_view before) {
  std::string out;
  for (const char c : text) {
    if (characters.find(c) != std::string_view::npos) out += before;
    out += c;
  }
  return out;
}

// Within single quotes of bash and zsh, where nothing but a single quote means anything.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

bool takes_paths_without_a_name(const CommandOutline& command) {
  return std::any_of(command.options.begin(), command.options.end(),
                     [](const OutlineOption& option) { return option.positional && option.takes_path(); });
}

std::vector<std::string> option_names(const CommandOutline& command) {
  std::vector<std::string> names;
  for (const auto& option : command.options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

std::vector<std::string> command_names(const CommandOutline& command) {
  std::vector<std::string> names;
  for (const auto& within : command.commands) names.push_back(within.name);
  return names;
}

// --- bash

std::string bash_after_option(const CommandWords& words, const OutlineOption& option) {
  std::vector<std::string> patterns;
  for (const auto& name : option.names) patterns.push_back(quoted(joined(words, " ") + " " + name));
  std::string out = "    " + joined(patterns, "|") + ")\n";
  if (option.takes_path()) {
    out += "      compopt -o filenames\n      mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n";
  } else if (!option.choices.empty()) {
    out += "      mapfile -t COMPREPLY < <(compgen -W " + quoted(joined(option.choices, " ")) + " -- \"$current\")\n";
  }
  return out + "      return ;;\n";
}

std::string bash_completion(const CommandOutline& program) {
  std::string commands;
  std::string after_options;
  std::string words_of;
  for_each_command(program, [&](const CommandWords& words, const CommandOutline& command) {
    if (words.size() > 1) commands += (commands.empty() ? "" : "|") + quoted(joined(words, " "));
    for (const auto& option : command.options) {
      if (option.takes_value() && !option.names.empty()) after_options += bash_after_option(words, option);
    }
    words_of += "    " + quoted(joined(words, " ")) + ") options=" + quoted(joined(option_names(command), " ")) +
                " commands=" + quoted(joined(command_names(command), " ")) +
                " paths=" + (takes_paths_without_a_name(command) ? "yes" : "no") + " ;;\n";
  });
  return "# Completion of " + program.name + " for bash: put it into ~/.local/share/bash-completion/completions/" +
         program.name +
         ".\n_sidewatch() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} typed=sidewatch\n"
         "  local options='' commands='' paths=no at\n"
         "  COMPREPLY=()\n"
         "  if [[ $current == = ]]; then current=''  # --option=\n"
         "  elif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
         "  for (( at = 1; at < COMP_CWORD; at++ )); do\n"
         "    case \"$typed ${COMP_WORDS[at]}\" in\n      " +
         commands +
         ")\n        typed+=\" ${COMP_WORDS[at]}\" ;;\n    esac\n  done\n"
         "  case \"$typed $previous\" in\n" +
         after_options + "  esac\n  case \"$typed\" in\n" + words_of +
         "  esac\n"
         "  if [[ $current == -* ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
         "  elif [[ $paths == yes ]]; then\n"
         "    compopt -o filenames\n"
         "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
         "  else\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$current\")\n"
         "  fi\n}\ncomplete -F _sidewatch " +
         program.name + "\n";
}

// --- zsh

std::string zsh_function(const CommandWords& words) {
  std::string name = "_" + joined(words, "_");
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string zsh_value(const OutlineOption& option) {
  if (!option.takes_value()) return "";
  const std::string action = option.takes_path()         ? "_files"
                             : !option.choices.empty() ? "(" + joined(option.choices, " ") + ")"
                                                       : " ";
  return ":" + with_each(option.value, ":\\", "\\") + ":" + action;
}

std::string zsh_arguments(const CommandOutline& command) {
  std::string out;
  for (const auto& option : command.options) {
    for (const auto& name : option.names) {
      out += " \\\n    " + quoted(name + (option.takes_value() && name.starts_with("--") ? "=" : "") + "[" +
                                  with_each(option.help, "[]:\\", "\\") + "]" + zsh_value(option));
    }
  }
  if (takes_paths_without_a_name(command)) out += " \\\n    '*:FILE:_files'";
  return out;
}

std::string zsh_completion(const CommandOutline& program) {
  std::string functions;
  for_each_command(program, [&](const CommandWords& words, const CommandOutline& command) {
    std::string body = "  _arguments";
    if (!command.commands.empty()) {
      std::string list;
      std::string branches;
      for (const auto& within : command.commands) {
        list += " " + quoted(within.name + ":" + within.help);
        CommandWords longer = words;
        longer.push_back(within.name);
        branches += "        " + within.name + ") " + zsh_function(longer) + " ;;\n";
      }
      body = "  local line state\n  local -a commands=(" + list + ")\n  _arguments -C" + zsh_arguments(command) +
             " \\\n    '1: :->command' '*:: :->rest'\n  case $state in\n    command) _describe command commands ;;\n"
             "    rest)\n      case $line[1] in\n" + branches + "      esac ;;\n  esac\n";
    } else {
      body += zsh_arguments(command) + "\n";
    }
    functions += "\n" + zsh_function(words) + "() {\n" + body + "}\n";
  });
  return "#compdef " + program.name + "\n# Completion of " + program.name +
         " for zsh: put it into a folder of $fpath, as _" + program.name + ".\n" + functions + "\n_" + program.name + " \"$@\"\n";
}

// --- fish

std::string fish_quoted(std::string_view text) { return "'" + with_each(text, "'\\", "\\") + "'"; }

// A function of fish: true when exactly these commands were typed, one within the other.
std::string fish_typed(const CommandOutline& program) {
  std::string commands;
  for_each_command(program, [&](const CommandWords& words, const CommandOutline&) {
    if (words.size() > 1) commands += " " + fish_quoted(joined(words, " "));
  });
  return "function __sidewatch_typed\n  set -l typed " + program.name +
         "\n  for word in (commandline -opc)[2..]\n    switch \"$typed $word\"\n      case" + commands +
         "\n        set typed \"$typed $word\"\n    end\n  end\n  test \"$typed\" = \"$argv\"\nend\n";
}

std::string fish_option(const std::string& before, const OutlineOption& option) {
  std::string out = before;
  for (const auto& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (option.takes_path()) {
    out += " -r -F";
  } else if (!option.choices.empty()) {
    out += " -x -a " + fish_quoted(joined(option.choices, " "));
  } else if (option.takes_value()) {
    out += " -x";
  }
  return out + " -d " + fish_quoted(option.help) + "\n";
}

std::string fish_completion(const CommandOutline& program) {
  std::string out = "# Completion of " + program.name + " for fish: put it into ~/.config/fish/completions/" +
                    program.name + ".fish.\n" + fish_typed(program) + "complete -c " + program.name + " -f\n";
  for_each_command(program, [&](const CommandWords& words, const CommandOutline& command) {
    const std::string before = "complete -c " + program.name + " -n " + fish_quoted("__sidewatch_typed " + joined(words, " "));
    for (const auto& within : command.commands) {
      out += before + " -a " + within.name + " -d " + fish_quoted(within.help) + "\n";
    }
    for (const auto& option : command.options) {
      if (!option.names.empty()) out += fish_option(before, option);
    }
    if (takes_paths_without_a_name(command)) out += before + " -F\n";
  });
  return out;
}

}  // namespace

std::string completion(const CommandOutline& program, Shell shell) {
  switch (shell) {
    case Shell::bash: return bash_completion(program);
    case Shell::zsh: return zsh_completion(program);
    case Shell::fish: return fish_completion(program);
  }
  return "";
}

}  // namespace sidewatch
