// The command line: what a person may type and what is meant by it. Seam of CLI11.
#pragma once

#include <string>
#include <variant>

namespace sidewatch {

struct RunCommand {
  std::string config_path;
};
struct CheckCommand {
  std::string config_path;
};
struct ReferenceCommand {
  enum class Form { markdown, json_schema, metrics, functions };
  Form form = Form::markdown;
};
struct ExitCommand {  // --help, --version, or a mistake: the text has to be printed, then the process ends
  int code = 0;
  std::string text;
};
using Command = std::variant<RunCommand, CheckCommand, ReferenceCommand, ExitCommand>;

Command parse_command_line(int argc, const char* const* argv);

}  // namespace sidewatch
