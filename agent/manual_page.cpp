// sidewatch(1) from the outline of the command line. Text that people wrote is escaped line by line: troff takes a dot
// at the beginning of a line for a request, a backslash for the beginning of an escape and a minus for a hyphen.
#include <algorithm>

#include "agent/command_outline.h"

namespace sidewatch {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

// Lines as they are, such as examples: nothing is filled, and nothing broken.
std::string as_it_is(const std::string& text) {
  return ".nf\n" + escaped(text) + (text.ends_with('\n') ? "" : "\n") + ".fi\n";
}

std::string tag(const OutlineOption& option) {
  std::string names;
  for (const auto& name : option.names) names += (names.empty() ? "\\fB" : "\\fR, \\fB") + escaped(name);
  const std::string value = "\\fI" + escaped(option.value) + "\\fR";
  if (names.empty()) return value;
  return names + "\\fR" + (option.takes_value() ? " " + value : "");
}

bool is_help(const OutlineOption& option) {
  return std::find(option.names.begin(), option.names.end(), "--help") != option.names.end();
}

std::string synopsis(const CommandWords& words, const CommandOutline& command) {
  std::string out = "\\fB" + escaped(joined(words, " ")) + "\\fR";
  bool has_options = false;
  for (const auto& option : command.options) {
    if (!option.required && !option.positional && !is_help(option)) has_options = true;
  }
  if (has_options) out += " [\\fIOPTIONS\\fR]";
  for (const auto& option : command.options) {
    if (!option.required) continue;
    out += option.names.empty() || option.positional ? " \\fI" + escaped(option.value) + "\\fR"
                                                     : " \\fB" + escaped(option.names.back()) + "\\fR \\fI" +
                                                           escaped(option.value) + "\\fR";
  }
  return out + "\n";
}

std::string options_of(const CommandOutline& command, bool with_help) {
  std::string out;
  for (const auto& option : command.options) {
    if (is_help(option) && !with_help) continue;
    out += ".TP\n" + tag(option) + "\n" + escaped(option.help);
    if (!option.choices.empty()) out += ": " + escaped(joined(option.choices, ", "));
    out += "\n";
  }
  return out;
}

constexpr const char* files =
    ".SH FILES\n"
    ".TP\n\\fI/etc/sidewatch/sidewatch.yaml\\fR\nThe configuration of sidewatch.service.\n"
    ".TP\n\\fI/etc/sidewatch/instance.yaml\\fR\n"
    "The configuration of sidewatch@NAME.service, which stands beside NAME.service.\n"
    ".TP\n\\fI/etc/default/sidewatch\\fR, \\fI/etc/default/sidewatch\\-NAME\\fR\n"
    "NAME=value lines for ${NAME} in the configuration of sidewatch.service and of sidewatch@NAME.service.\n"
    ".TP\n\\fI/var/lib/sidewatch\\fR, \\fI/var/lib/sidewatch@NAME\\fR\n"
    "What survives a crash: alerts, unsent messages, samples.\n"
    ".TP\n\\fI/usr/share/doc/sidewatch\\fR\nEvery key, every metric, every rule, and how alerts behave.\n";

constexpr const char* signals =
    ".SH SIGNALS\n"
    ".TP\n\\fBSIGTERM\\fR, \\fBSIGINT\\fR\nEnd well.\n"
    ".TP\n\\fBSIGHUP\\fR\nRead the configuration again; one with a mistake changes nothing.\n";

}  // namespace

void for_each_command(const CommandOutline& program,
                      const std::function<void(const CommandWords&, const CommandOutline&)>& visit) {
  const std::function<void(CommandWords, const CommandOutline&)> walk = [&](CommandWords words,
                                                                            const CommandOutline& command) {
    words.push_back(command.name);
    visit(words, command);
    for (const auto& within : command.commands) walk(words, within);
  };
  walk({}, program);
}

std::string manual_page(const CommandOutline& program, const std::string& version) {
  std::string out =
      ".TH " + upper(program.name) + " 1 \"\" \"" + program.name + " " + version + "\" \"User Commands\"\n";
  out += ".SH NAME\n" + program.name + " \\- watch a machine and its services, and tell people what is wrong\n";
  out += ".SH SYNOPSIS\n";
  std::string commands;
  for_each_command(program, [&](const CommandWords& words, const CommandOutline& command) {
    if (!command.commands.empty()) return;
    out += synopsis(words, command) + ".br\n";
    commands += ".SS " + escaped(joined({words.begin() + 1, words.end()}, " ")) + "\n" + escaped(command.help) +
                (command.help.ends_with('?') ? "\n" : ".\n") + options_of(command, false);
    if (!command.footer.empty()) commands += ".PP\n" + as_it_is(command.footer);
  });
  out += ".SH DESCRIPTION\n" + escaped(program.help) + "\n";
  out += ".SH OPTIONS\n" + options_of(program, true);
  out += ".SH COMMANDS\n" + commands;
  out += ".SH EXAMPLES AND EXIT STATUS\n" + as_it_is(program.footer);
  return out + signals + files;
}

}  // namespace sidewatch
