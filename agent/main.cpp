// The program: what the command line asks for, done.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <variant>

#include "agent/agent.h"
#include "agent/command_line.h"
#include "agent/exit_code.h"
#include "agent/init/command.h"
#include "agent/metric_reference.h"
#include "agent/notify_test.h"
#include "agent/outbox_command.h"
#include "agent/query/command.h"
#include "agent/route_test.h"
#include "agent/settings.h"
#include "agent/silence_command.h"
#include "agent/test_command.h"
#include "agent/top_series.h"
#include "alerting/shipped_rules.h"
#include "base/errand.h"
#include "base/time.h"
#include "metrics/promql/function_reference.h"

namespace sidewatch {
namespace {

int perform(const RunCommand& command) { return run_agent(command.config_path); }

int perform(const CheckCommand& command) { return check_config(command.config_path); }

int perform(const ReferenceCommand& command) {
  const auto text = [&command] {
    switch (command.form) {
      case ReferenceCommand::Form::markdown: return reference_as_markdown();
      case ReferenceCommand::Form::json_schema: return reference_as_json_schema();
      case ReferenceCommand::Form::functions: return promql::functions_as_markdown();
      case ReferenceCommand::Form::rules: return std::string(shipped_rule_text(command.rule_set));
      case ReferenceCommand::Form::metrics: break;
    }
    return metrics_as_markdown();
  };
  std::fputs(text().c_str(), stdout);
  return exit_ok;
}

int print(const CommandResult& result) {
  const bool written = std::fputs(result.out.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  const int error_number = errno;
  std::fputs(result.err.c_str(), stderr);
  if (written || result.code != exit_ok) return result.code;
  std::fprintf(stderr, "sidewatch: cannot write to standard output: %s\n", std::strerror(error_number));
  return exit_environment;
}

int perform(const QueryCommand& command) {
  const SystemClock clock;
  return print(run_query(command, standard_output(), clock.now()));
}

int perform(const TopSeriesCommand& command) { return print(run_top_series(command)); }

int perform(const NotifyTestCommand& command) { return print(run_notify_test(command)); }

WallTime wall_now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

int perform(const SilenceCommand& command) { return print(run_silence(command, wall_now(), this_user())); }

int perform(const OutboxCommand& command) { return print(run_outbox(command, wall_now())); }

int perform(const AlertsCommand& command) { return print(run_alerts(command, wall_now())); }

int perform(const InitCommand& command) { return print(run_init(command, real_surroundings())); }

int perform(const TestCommand& command) { return print(run_tests(command)); }

int perform(const RouteTestCommand& command) { return print(run_route_test(command)); }

int perform(const ExitCommand& command) {
  std::fputs(command.text.c_str(), command.code == exit_ok ? stdout : stderr);
  return command.code;
}

// Whoever started us may have closed standard input, output or error. The next file to be opened, such as the outbox's
// lock, would take that number, and the log would be written into it.
void fill_standard_descriptors() {
  int descriptor = open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = open("/dev/null", O_RDWR);
  if (descriptor >= 0) close(descriptor);
}

}  // namespace
}  // namespace sidewatch

int main(int argc, char** argv) {
  sidewatch::fill_standard_descriptors();
  try {
    const int code = std::visit([](const auto& command) { return sidewatch::perform(command); },
                                sidewatch::parse_command_line(argc, argv));
    if (sidewatch::errands_left_behind() == 0) return code;
    std::fflush(nullptr);
    std::_Exit(code);  // they may still use objects of static lifetime
  } catch (const std::exception& failure) {  // no memory or no thread, not even to begin with
    std::fprintf(stderr, "sidewatch: cannot start: %s\n", failure.what());
    return sidewatch::exit_environment;
  }
}
