#include "agent/unknown_command.h"

#include <algorithm>
#include <string_view>

#include "config/wording.h"

namespace sidewatch {
namespace {

std::vector<std::string_view> names_of(const std::vector<CommandOutline>& commands) {
  std::vector<std::string_view> names;
  for (const auto& command : commands) names.push_back(command.name);
  return names;
}

std::string with_the_known(const std::string& sentence, const std::string& typed, const CommandOutline& command) {
  return "sidewatch: " + sentence + " There are: " + config::list_of(names_of(command.commands)) + "\n" + typed +
         " --help says what each does\n";
}

}  // namespace

std::optional<std::string> unknown_command(const CommandOutline& program, const std::vector<std::string>& words) {
  const CommandOutline* command = &program;
  std::string typed = program.name;
  for (const auto& word : words) {
    if (command->commands.empty() || word.starts_with('-')) return std::nullopt;
    const auto found = std::find_if(command->commands.begin(), command->commands.end(),
                                    [&word](const CommandOutline& each) { return each.name == word; });
    if (found == command->commands.end()) {
      const auto meant = config::nearest(word, names_of(command->commands));
      return with_the_known("there is no command " + config::quote(word) +
                                (meant ? ", did you mean '" + std::string(*meant) + "'?" : "."),
                            typed, *command);
    }
    command = &*found;
    typed += " " + word;
  }
  if (command->commands.empty()) return std::nullopt;
  return with_the_known("a command is missing after '" + typed + "'.", typed, *command);
}

}  // namespace sidewatch
