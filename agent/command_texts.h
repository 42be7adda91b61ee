// What `--help` and the manual page say around the options: what each command is for, examples, exit codes. Texts alone,
// of command_line.cpp.
#pragma once

namespace sidewatch::help {

inline constexpr const char* description =
    "sidewatch stands beside a service: it samples the host, the service's processes and itself, judges the samples\n"
    "against warning and critical thresholds written in YAML, tells people (chat, phone, mail, pager, webhook), and\n"
    "serves everything to Prometheus at /metrics.";

inline constexpr const char* examples =
    "Examples\n"
    "  sidewatch init --output sidewatch.yaml         look around and write a configuration to start from\n"
    "  sidewatch check sidewatch.yaml                 say what would be watched, or all that is wrong with the file\n"
    "  sidewatch run --config sidewatch.yaml          watch\n"
    "  sidewatch query 'rate(node_cpu_seconds_total[1m])'   ask the agent that runs here\n"
    "  sidewatch notify test oncall                   send a receiver a test message, show its answer\n"
    "  sidewatch outbox ls                            which messages wait for whom, and why\n"
    "  sidewatch top-series                           which of its metrics have most series\n"
    "  curl http://127.0.0.1:9766/metrics             what Prometheus sees\n"
    "  curl http://127.0.0.1:9766/api/v1/alerts       what fires now\n"
    "  kill -HUP PID                                  read the configuration again; a bad one changes nothing\n"
    "\n"
    "Exit codes: 0 well ended, 1 the environment does not allow it (a busy port, a state directory that cannot be\n"
    "written), 2 the configuration or the command line is wrong.";

inline constexpr const char* query_examples =
    "Examples\n"
    "  sidewatch query 'node_load1'                             the value now, a line per series\n"
    "  sidewatch query 'node_load1' --at 10m                    ten minutes ago\n"
    "  sidewatch query 'rate(node_network_receive_bytes_total[1m])' --range 1h --plot\n"
    "                                                           the last hour, drawn\n"
    "  sidewatch query 'up == 0' --range 6h --step 1m           the last six hours, a line per minute\n"
    "  sidewatch query 'sum(up)' --url http://prometheus:9090   a Prometheus answers as well\n"
    "  sidewatch query 'increase(requests_total[1m])' --load samples.om --at 1700000060\n"
    "                                                           no agent at all: over a file\n"
    "  curl -s http://127.0.0.1:8080/metrics | sidewatch query 'topk(3, http_requests_total)' --load -\n"
    "\n"
    "The expression is PromQL; put it in single quotes, and behind -- where it begins with a minus. A file of samples is\n"
    "OpenMetrics text (timestamps in seconds, ends with # EOF) or Prometheus text (timestamps in milliseconds, or none at\n"
    "all: then they are of the time --at).\n"
    "\n"
    "Exit codes: 0 answered (also when the answer is empty), 1 nobody answered or the expression has no value, 2 the\n"
    "expression or the command line is wrong.";

inline constexpr const char* init_examples =
    "Examples\n"
    "  sidewatch init                                 show what it would write, and on standard error what it found\n"
    "  sudo sidewatch init --output /etc/sidewatch/sidewatch.yaml\n"
    "  sidewatch init --root /host > sidewatch.yaml   in a container, of the machine whose / is mounted at /host\n"
    "\n"
    "It reads /proc, /sys and /etc/passwd and asks the local ports of services, not those of databases, for /metrics,\n"
    "once. It changes nothing, needs no rights and copies no secret; as root it sees whose every port is.\n"
    "\n"
    "Exit codes: 0 written, 1 the machine could not be looked at or the file not be written (it is there already), 2 the\n"
    "command line is wrong.";

inline constexpr const char* test_examples =
    "A test file is what promtool reads: rule_files, and tests with input_series, alert_rule_test and promql_expr_test.\n"
    "docs/testing-rules.md shows one to start from.\n"
    "\n"
    "Exit codes: 0 all passed, 1 a test failed, 2 a file cannot be read or is wrong.";

inline constexpr const char* routes_examples =
    "Examples\n"
    "  sidewatch routes test --config sidewatch.yaml severity=critical team=payments\n"
    "\n"
    "Exit codes: 0 answered, 2 the configuration or the command line is wrong.";

inline constexpr const char* top_series_examples =
    "Every combination of a metric and its labels is a series, and costs memory here and in whatever scrapes it. This asks\n"
    "the agent which metrics, labels and pairs have most of them, and which metrics the budgets (limits.max_series and\n"
    "limits.max_series_per_metric) kept series out of.\n"
    "\n"
    "Exit codes: 0 answered, 1 nobody answered, 2 the command line is wrong.";

inline constexpr const char* notify_examples =
    "Examples\n"
    "  sidewatch notify test oncall                     send the receiver `oncall` a made-up warning\n"
    "  sidewatch notify test oncall --level resolved    and the message that it is over\n"
    "\n"
    "It shows the request and the answer, with secrets replaced by <...>. A running agent is not involved; run it as the\n"
    "user that the agent runs as where secrets are read from files.\n"
    "\n"
    "Exit codes: 0 the receiver took the message, 1 it did not, 2 the configuration or the command line is wrong.";

inline constexpr const char* silence_examples =
    "Examples\n"
    "  sidewatch silence add alertname=HostDiskFull mountpoint=/srv --for 2h --comment 'new disk'\n"
    "  sidewatch silence add 'severity!=critical' 'team=~\"shop|pay.*\"'\n"
    "  sidewatch silence ls\n"
    "  sidewatch silence expire 3f1c0b1e-8d7b-4a55-9a45-0c3a6f1d7b11\n"
    "\n"
    "While a silence holds, alerts that match all of its matchers are not told. What still fires when it ends is told then,\n"
    "once. Alertmanager's amtool works too: amtool --alertmanager.url=http://127.0.0.1:9766 silence query\n"
    "\n"
    "Exit codes: 0 done, 1 nobody answered or the agent refused, 2 the command line is wrong.";

inline constexpr const char* outbox_examples =
    "Examples\n"
    "  sidewatch outbox ls                            what waits for whom and why, and the dead letters\n"
    "  sidewatch outbox retry --receiver oncall       its token is right again: try all of it now\n"
    "  sidewatch outbox retry --dead                  send again what was refused for good\n"
    "  sidewatch outbox drop 59008ca9f058ca7c-01a1fc662347-1-60afd34b\n"
    "  sidewatch outbox drop --receiver oncall        says how many it would drop; with --yes it does\n"
    "\n"
    "What is sent again bears its old Idempotency-Key. What is dropped is gone: nobody will hear of it.\n"
    "\n"
    "Exit codes: 0 done, 1 nobody answered, the agent refused or some dead letters stay, 2 the command line is wrong.";

}  // namespace sidewatch::help
