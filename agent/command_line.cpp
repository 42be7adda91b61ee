#include "agent/command_line.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>
#include <sstream>

#include "agent/command_outline.h"
#include "agent/command_texts.h"
#include "agent/exit_code.h"
#include "agent/unknown_command.h"
#include "agent/version.h"
#include "alerting/shipped_rules.h"

namespace sidewatch {
namespace {

void add_query(CLI::App& app, QueryCommand& command) {
  auto* query = app.add_subcommand("query", "Ask a running agent, or a file of samples, and show the answer");
  query->footer(help::query_examples);
  query->add_option("expression", command.expression, "What is asked, as PromQL")->required()->type_name("EXPR");
  auto* url = query->add_option("--url", command.url, "The agent, or a Prometheus")->type_name("URL");
  query->add_option("--load", command.load, "A file of samples instead of an agent; - is standard input")
      ->type_name("FILE")
      ->excludes(url);
  query->add_option("--at,--time", command.at,
                    "When: 2026-03-01T12:00:00Z, seconds since 1970, or how long ago (10m). Default: now; of a file its "
                    "newest sample")
      ->type_name("TIME");
  query->add_option("--range", command.range, "Every step of so long before that time, as in 1h")->type_name("DURATION");
  query->add_option("--step", command.step, "How far the steps are apart. Default: what makes a readable answer")
      ->type_name("DURATION");
  const auto form = [&command](QueryCommand::Form chosen) {
    return [&command, chosen](std::int64_t) { command.form = chosen; };
  };
  auto* plot = query->add_flag_function("--plot", form(QueryCommand::Form::plot),
                                        "Draw it, over the last hour if no --range is given");
  auto* json = query->add_flag_function("--json", form(QueryCommand::Form::json), "As Prometheus's API answers");
  auto* csv = query->add_flag_function("--csv", form(QueryCommand::Form::csv), "One line per sample: series,time,value");
  plot->excludes(json)->excludes(csv);
  json->excludes(csv);
}

void add_init(CLI::App& app, InitCommand& command) {
  auto* init = app.add_subcommand("init", "Look at this machine, container or pod and write a configuration for it");
  init->footer(help::init_examples);
  init->add_option("-o,--output", command.output, "Where to write it. Default: standard output")->type_name("FILE");
  init->add_flag("--force", command.force, "Write over a file that is there already");
  init->add_option("--root", command.root, "Another machine, whose /proc, /sys and /etc stand in this directory")
      ->type_name("DIR");
  init->add_flag_function(
      "--no-probe", [&command](std::int64_t) { command.probe = false; }, "Ask no local port for /metrics");
}

void add_test(CLI::App& app, TestCommand& command) {
  auto* test = app.add_subcommand("test", "Run unit tests of rules: given these samples, do these alerts fire?");
  test->footer(help::test_examples);
  test->add_option("files", command.files, "Test files, as promtool test rules takes them")->required()->type_name("FILE");
}

void add_routes(CLI::App& app, RouteTestCommand& command) {
  auto* routes = app.add_subcommand("routes", "Try the routes of a configuration");
  routes->require_subcommand(1);
  routes->footer(help::routes_examples);
  auto* test = routes->add_subcommand("test", "Say who would be told of an alert with these labels");
  test->footer(help::routes_examples);
  test->add_option("-c,--config", command.config_path, "The configuration, a YAML file")->required()->type_name("FILE");
  test->add_option("labels", command.labels, "The alert's labels, as in severity=critical; those of agent.labels are added")
      ->type_name("LABEL=VALUE");
}

void add_top_series(CLI::App& app, TopSeriesCommand& command) {
  auto* top = app.add_subcommand("top-series", "Show which metrics and labels of a running agent have the most series");
  top->footer(help::top_series_examples);
  top->add_option("--url", command.url, "The agent, or a Prometheus")->type_name("URL");
  top->add_option("--limit", command.limit, "How many lines of each table. Default: 10")->check(CLI::Range(1, 1000))->type_name("N");
}

void add_notify(CLI::App& app, NotifyTestCommand& command) {
  auto* notify = app.add_subcommand("notify", "Try out a receiver");
  notify->require_subcommand(1);
  notify->footer(help::notify_examples);
  auto* test = notify->add_subcommand("test", "Send a receiver a message that is made up, and show what it answers");
  test->footer(help::notify_examples);
  test->add_option("receiver", command.receiver, "Its name in the configuration")->required()->type_name("RECEIVER");
  test->add_option("-c,--config", command.config_path, "The configuration. Default: /etc/sidewatch/sidewatch.yaml")
      ->type_name("FILE");
  static const std::map<std::string, NotifyTestCommand::Level> levels = {
      {"warning", NotifyTestCommand::Level::warning},
      {"critical", NotifyTestCommand::Level::critical},
      {"resolved", NotifyTestCommand::Level::resolved}};
  std::vector<std::string> words;
  for (const auto& [word, level] : levels) words.push_back(word);
  test->add_option_function<std::string>(
          "--level", [&command](const std::string& word) { command.level = levels.at(word); },
          "What the message says. Default: warning")
      ->check(CLI::IsMember(words))
      ->type_name("LEVEL");
}

void add_url(CLI::App& command, std::string& url) {
  command.add_option("--url", url, "The agent. Default: http://127.0.0.1:9766")->type_name("URL");
}

void add_silence(CLI::App& app, SilenceCommand& command) {
  auto* silence = app.add_subcommand("silence", "Keep alerts quiet for a while");
  silence->footer(help::silence_examples);
  silence->require_subcommand(1);
  auto* add = silence->add_subcommand("add", "Tell nobody of the alerts with these labels; prints the silence's id");
  add->add_option("matchers", command.words, "What alerts have: label=value, != , =~ (a regular expression), !~")
      ->required()->type_name("MATCHER");
  add->add_option("--for", command.length, "How long. Default: 1h")->type_name("DURATION");
  add->add_option("--comment", command.comment, "Why")->type_name("TEXT");
  add->add_option("--by", command.by, "Who. Default: the user who types")->type_name("NAME");
  add->callback([&command] { command.what = SilenceCommand::What::add; });
  auto* list = silence->add_subcommand("ls", "Show the silences that hold or will");
  list->add_flag("--all", command.all, "Also those that have ended");
  list->callback([&command] { command.what = SilenceCommand::What::list; });
  auto* expire = silence->add_subcommand("expire", "End silences now");
  expire->add_option("ids", command.words, "As silence ls shows them")->required()->type_name("ID");
  expire->callback([&command] { command.what = SilenceCommand::What::expire; });
  for (auto* each : {add, list, expire}) add_url(*each, command.url);
}

void add_outbox(CLI::App& app, OutboxCommand& command) {
  auto* outbox = app.add_subcommand("outbox", "Show, try again or drop the messages that wait, and the dead letters");
  outbox->footer(help::outbox_examples);
  outbox->require_subcommand(1);
  auto* list = outbox->add_subcommand("ls", "Show what waits for each receiver and why, and the dead letters");
  list->add_option("--limit", command.limit, "How many lines of each receiver, and of dead letters. Default: 20")
      ->check(CLI::Range(1, 1000))->type_name("N");
  list->add_flag("--json", command.json, "As the API answers");
  list->add_flag("--dead", command.dead, "Only the dead letters");
  auto* retry = outbox->add_subcommand("retry", "Try now what waits; send dead letters again");
  auto* all = retry->add_flag("--all", command.all, "What waits for all receivers");
  retry->add_flag("--dead", command.dead, "Not what waits but dead letters: of that receiver, or all there are");
  retry->add_option("--to", command.to, "Send dead letters to this receiver instead of their own")->type_name("RECEIVER");
  auto* drop = outbox->add_subcommand("drop", "Drop for good what waits, or dead letters");
  drop->add_flag("--dead", command.dead, "Not what waits but dead letters: of that receiver, or all there are");
  drop->add_flag("--yes", command.yes, "Do it, where more than one message is meant");
  for (auto* each : {list, retry, drop}) {
    auto* receiver = each->add_option("--receiver", command.receiver, "Of this receiver")->type_name("NAME");
    if (each != list) each->add_option("id", command.id, "One message, as outbox ls shows it")->type_name("ID")->excludes(receiver);
    if (each == retry) all->excludes(receiver)->excludes(each->get_option("id"));
    add_url(*each, command.url);
  }
  list->callback([&command] { command.what = OutboxCommand::What::list; });
  retry->callback([&command] { command.what = OutboxCommand::What::retry; });
  drop->callback([&command] { command.what = OutboxCommand::What::drop; });
}

void add_alerts(CLI::App& app, AlertsCommand& command) {
  auto* alerts = app.add_subcommand("alerts", "Show what is pending or firing");
  alerts->footer("Exit codes: 0 answered, 1 nobody answered, 2 the command line is wrong.");
  add_url(*alerts, command.url);
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

// The parser says what an option takes as "SET:{host,process}" or "N:INT in [1 - 1000]".
OutlineOption outline(const CLI::Option& option) {
  OutlineOption out{.names = names_of(option), .help = option.get_description()};
  const std::string type = option.get_type_size_max() == 0 ? "" : option.get_type_name();
  out.value = type.substr(0, type.find(':'));
  const auto open = type.find('{');
  for (auto at = open; at != std::string::npos && type[at] != '}';) {
    const auto end = type.find_first_of(",}", at + 1);
    out.choices.push_back(type.substr(at + 1, end - at - 1));
    at = end;
  }
  out.positional = option.get_positional();
  out.required = option.get_required();
  return out;
}

CommandOutline outline(const CLI::App& app) {
  CommandOutline out{.name = app.get_name(), .help = app.get_description()};
  const auto* parent = app.get_parent();
  if (parent == nullptr || app.get_footer() != parent->get_footer()) out.footer = app.get_footer();
  for (const auto* option : app.get_options()) out.options.push_back(outline(*option));
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    out.commands.push_back(outline(*command));
  }
  return out;
}

// What `reference` prints about the command line itself.
struct AboutCommands {
  bool manual = false;
  std::string shell;

  void declare(CLI::App& reference) {
    auto* page = reference.add_flag("--man", manual, "Instead the manual page sidewatch(1)");
    auto* script = reference.add_option("--completion", shell, "Instead what makes this shell complete the commands")
                       ->check(CLI::IsMember({"bash", "zsh", "fish"}))
                       ->type_name("SHELL")
                       ->excludes(page);
    for (const char* other : {"--json-schema", "--metrics", "--functions", "--rules"}) {
      page->excludes(reference.get_option(other));
      script->excludes(reference.get_option(other));
    }
  }

  bool asked() const { return manual || !shell.empty(); }

  std::string text(const CLI::App& app) const {
    if (manual) return manual_page(outline(app), std::string(version()));
    return completion(outline(app), shell == "bash" ? Shell::bash : shell == "zsh" ? Shell::zsh : Shell::fish);
  }
};

}  // namespace

Command parse_command_line(int argc, const char* const* argv) {
  CLI::App app(help::description);
  app.name("sidewatch");
  app.footer(help::examples);
  app.set_version_flag("--version", "sidewatch " + std::string(version()));
  app.require_subcommand(1);

  std::string run_config;
  auto* run = app.add_subcommand("run", "Watch, until SIGTERM or SIGINT");
  run->add_option("-c,--config", run_config, "The configuration, a YAML file")->required()->type_name("FILE");

  std::string check_config;
  auto* check = app.add_subcommand("check", "Say what a configuration would watch, or everything that is wrong with it");
  // Also as run takes it: whoever has just typed one of the two types the other.
  check->add_option("-c,--config,config", check_config, "The configuration, a YAML file")->required()->type_name("FILE");

  InitCommand init;
  add_init(app, init);
  TestCommand test;
  add_test(app, test);
  QueryCommand query;
  add_query(app, query);
  RouteTestCommand route_test;
  add_routes(app, route_test);
  TopSeriesCommand top_series;
  add_top_series(app, top_series);
  NotifyTestCommand notify_test;
  add_notify(app, notify_test);
  SilenceCommand silence;
  add_silence(app, silence);
  OutboxCommand outbox;
  add_outbox(app, outbox);
  AlertsCommand alerts;
  add_alerts(app, alerts);

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
  std::string rule_set;
  const auto sets = shipped_rule_sets();
  reference->add_option("--rules", rule_set, "Instead the rules that shipped_rules gives, as they are written")
      ->check(CLI::IsMember(std::vector<std::string>(sets.begin(), sets.end())))
      ->type_name("SET")
      ->excludes("--json-schema")
      ->excludes("--metrics")
      ->excludes("--functions");
  AboutCommands about;
  about.declare(*reference);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& parsed) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(parsed, out, err);
    if (code == 0) return ExitCommand{exit_ok, out.str()};
    const auto unknown = unknown_command(outline(app), {argv + std::min(argc, 1), argv + argc});
    if (unknown) return ExitCommand{exit_configuration, *unknown};
    return ExitCommand{exit_configuration, err.str()};
  }
  if (*run) return RunCommand{run_config};
  if (*check) return CheckCommand{check_config};
  if (about.asked()) return ExitCommand{exit_ok, about.text(app)};
  if (!rule_set.empty()) return ReferenceCommand{ReferenceCommand::Form::rules, rule_set};
  if (functions) return ReferenceCommand{ReferenceCommand::Form::functions};
  if (app.got_subcommand("init")) return init;
  if (app.got_subcommand("test")) return test;
  if (app.got_subcommand("notify")) return notify_test;
  if (app.got_subcommand("routes")) return route_test;
  if (app.got_subcommand("silence")) return silence;
  if (app.got_subcommand("outbox")) return outbox;
  if (app.got_subcommand("alerts")) return alerts;
  if (app.got_subcommand("query")) return query;
  if (app.got_subcommand("top-series")) return top_series;
  if (metrics) return ReferenceCommand{ReferenceCommand::Form::metrics};
  return ReferenceCommand{json_schema ? ReferenceCommand::Form::json_schema : ReferenceCommand::Form::markdown};
}

}  // namespace sidewatch
