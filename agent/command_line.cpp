#include "agent/command_line.h"

#include <CLI/CLI.hpp>

#include <sstream>

#include "agent/exit_code.h"
#include "agent/version.h"

namespace sidewatch {
namespace {

constexpr const char* description =
    "sidewatch stands beside a service: it samples the host, the service's processes and itself, judges the samples\n"
    "against warning and critical thresholds written in YAML, tells people through webhooks, and serves everything to\n"
    "Prometheus at /metrics.";

constexpr const char* examples =
    "Examples\n"
    "  sidewatch check sidewatch.yaml                 say what would be watched, or all that is wrong with the file\n"
    "  sidewatch run --config sidewatch.yaml          watch\n"
    "  curl http://127.0.0.1:9766/metrics             what Prometheus sees\n"
    "  curl http://127.0.0.1:9766/api/v1/alerts       what fires now\n"
    "  kill -HUP PID                                  read the configuration again; a bad one changes nothing\n"
    "\n"
    "Exit codes: 0 well ended, 1 the environment does not allow it (a busy port, a state directory that cannot be\n"
    "written), 2 the configuration or the command line is wrong.";

}  // namespace

Command parse_command_line(int argc, const char* const* argv) {
  CLI::App app(description);
  app.name("sidewatch");
  app.footer(examples);
  app.set_version_flag("--version", "sidewatch " + std::string(version()));
  app.require_subcommand(1);

  std::string run_config;
  auto* run = app.add_subcommand("run", "Watch, until SIGTERM or SIGINT");
  run->add_option("-c,--config", run_config, "The configuration, a YAML file")->required()->type_name("FILE");

  std::string check_config;
  auto* check = app.add_subcommand("check", "Say what a configuration would watch, or everything that is wrong with it");
  // Also as run takes it: whoever has just typed one of the two types the other.
  check->add_option("-c,--config,config", check_config, "The configuration, a YAML file")->required()->type_name("FILE");

  bool json_schema = false;
  auto* reference = app.add_subcommand("reference", "Print every configuration key with its type, default and meaning");
  bool metrics = false;
  auto* schema_flag = reference->add_flag("--json-schema", json_schema, "As a JSON Schema, for editors");
  auto* metrics_flag = reference->add_flag("--metrics", metrics, "Every metric instead, with type, unit and meaning");
  metrics_flag->excludes(schema_flag);
  bool functions = false;
  reference->add_flag("--functions", functions, "Every function of the query language instead")
      ->excludes(schema_flag)
      ->excludes(metrics_flag);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& parsed) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(parsed, out, err);
    if (code == 0) return ExitCommand{exit_ok, out.str()};
    return ExitCommand{exit_configuration, err.str()};
  }
  if (*run) return RunCommand{run_config};
  if (*check) return CheckCommand{check_config};
  if (functions) return ReferenceCommand{ReferenceCommand::Form::functions};
  if (metrics) return ReferenceCommand{ReferenceCommand::Form::metrics};
  return ReferenceCommand{json_schema ? ReferenceCommand::Form::json_schema : ReferenceCommand::Form::markdown};
}

}  // namespace sidewatch
