// The command line: what a person may type and what is meant by it. Seam of CLI11.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace sidewatch {

struct RunCommand {
  std::string config_path;
};
struct CheckCommand {
  std::string config_path;
};
struct InitCommand {
  std::string output = {};  // a file; empty: standard output
  std::string root = {};    // where another machine's /proc, /sys and /etc stand; empty: this machine
  bool force = false;       // also over a file that is there
  bool probe = true;        // ask local ports for /metrics
};
struct ReferenceCommand {
  enum class Form { markdown, json_schema, metrics, functions, rules };
  Form form = Form::markdown;
  std::string rule_set = {};  // of the form rules
};
struct QueryCommand {
  enum class Form { table, plot, json, csv };
  std::string expression;
  std::string url = "http://127.0.0.1:9766";
  std::string load;  // a file of samples instead of an agent; "-" is standard input
  std::string at;    // these three as they were typed; empty: not given
  std::string range;
  std::string step;
  Form form = Form::table;
};
struct TopSeriesCommand {
  std::string url = "http://127.0.0.1:9766";
  int limit = 10;  // of each table
};
struct NotifyTestCommand {
  enum class Level { warning, critical, resolved };
  std::string receiver;
  std::string config_path = "/etc/sidewatch/sidewatch.yaml";
  Level level = Level::warning;
};
struct SilenceCommand {
  enum class What { add, list, expire };
  What what = What::list;
  std::string url = "http://127.0.0.1:9766";
  std::vector<std::string> words;  // add: matchers; expire: ids
  std::string length = "1h";       // add
  std::string comment;
  std::string by;    // empty: who types
  bool all = false;  // list: also those that ended
};
struct OutboxCommand {
  enum class What { list, retry, drop };
  What what = What::list;
  std::string url = "http://127.0.0.1:9766";
  std::string id;  // empty: not given
  std::string receiver;
  std::string to;     // retry: the receiver that dead letters go to
  bool all = false;   // retry
  bool dead = false;  // the dead letters, and only these
  bool yes = false;   // drop: without being asked back
  bool json = false;  // list
  int limit = 20;     // list: rows of each receiver, and of the dead letters
};
struct AlertsCommand {
  std::string url = "http://127.0.0.1:9766";
};
struct TestCommand {
  std::vector<std::string> files;
};
struct RouteTestCommand {
  std::string config_path = {};
  std::vector<std::string> labels = {};  // NAME=VALUE, as they were typed
};
struct ExitCommand {  // --help, --version, or a mistake: the text has to be printed, then the process ends
  int code = 0;
  std::string text;
};
using Command = std::variant<RunCommand, CheckCommand, InitCommand, TestCommand, RouteTestCommand, QueryCommand,
                             TopSeriesCommand, NotifyTestCommand, SilenceCommand, OutboxCommand, AlertsCommand,
                             ReferenceCommand, ExitCommand>;

Command parse_command_line(int argc, const char* const* argv);

}  // namespace sidewatch
