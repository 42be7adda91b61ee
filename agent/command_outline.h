// What may be typed after `sidewatch`, as plain data: commands within commands, their options and what these take. The
// manual page and the completions for shells are written from it, so none of them can say what the program does not
// know.
// Made by parse_command_line() from the parser's own declarations; knows no parser.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace sidewatch {

struct OutlineOption {
  std::vector<std::string> names = {};    // as typed: "-c", "--config"; none for what is given without a name
  std::string value = {};                 // what it takes, as in "FILE"; empty: nothing
  std::vector<std::string> choices = {};  // what the value must be one of; empty: anything
  std::string help = {};
  bool positional = false;                // can be given without its name
  bool required = false;

  bool takes_value() const { return !value.empty(); }
  bool takes_path() const { return value == "FILE" || value == "DIR"; }
};

struct CommandOutline {
  std::string name = {};
  std::string help = {};    // a sentence
  std::string footer = {};  // examples and exit codes, lines as they are to be printed; empty: the whole program's
  std::vector<OutlineOption> options = {};
  std::vector<CommandOutline> commands = {};
};

// Calls `visit` with every command, each before those within it, and the words that lead to it: {"sidewatch", "query"}.
using CommandWords = std::vector<std::string>;
void for_each_command(const CommandOutline& program,
                      const std::function<void(const CommandWords&, const CommandOutline&)>& visit);

// sidewatch(1), in the man macros of troff.
std::string manual_page(const CommandOutline& program, const std::string& version);

enum class Shell { bash, zsh, fish };

// What the shell is to source, or finds where it looks for completions.
std::string completion(const CommandOutline& program, Shell shell);

}  // namespace sidewatch
