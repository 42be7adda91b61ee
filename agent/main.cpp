// The program: what the command line asks for, done.

#include <cstdio>
#include <variant>

#include "agent/agent.h"
#include "agent/command_line.h"
#include "agent/exit_code.h"
#include "agent/metric_reference.h"
#include "agent/settings.h"

namespace sidewatch {
namespace {

int perform(const RunCommand& command) { return run_agent(command.config_path); }

int perform(const CheckCommand& command) { return check_config(command.config_path); }

int perform(const ReferenceCommand& command) {
  const auto text = [&command] {
    switch (command.form) {
      case ReferenceCommand::Form::markdown: return reference_as_markdown();
      case ReferenceCommand::Form::json_schema: return reference_as_json_schema();
      case ReferenceCommand::Form::metrics: break;
    }
    return metrics_as_markdown();
  };
  std::fputs(text().c_str(), stdout);
  return exit_ok;
}

int perform(const ExitCommand& command) {
  std::fputs(command.text.c_str(), command.code == exit_ok ? stdout : stderr);
  return command.code;
}

}  // namespace
}  // namespace sidewatch

int main(int argc, char** argv) {
  return std::visit([](const auto& command) { return sidewatch::perform(command); },
                    sidewatch::parse_command_line(argc, argv));
}
