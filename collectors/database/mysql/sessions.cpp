// Who is connected and what they do: the process list by command and state, and the transactions of InnoDB.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/database/mysql/queries.h"
#include "collectors/database/mysql/series_row.h"
#include "collectors/database/mysql/value.h"

namespace sidewatch::database::mysql {
namespace {

constexpr std::size_t most_processlist_rows = 2000;

// The host without the port behind its last colon.
constexpr const char* processlist_sql = R"(
SELECT user AS mysql_user,
       LEFT(host, CHAR_LENGTH(host) - IF(LOCATE(':', host) > 0, CHAR_LENGTH(SUBSTRING_INDEX(host, ':', -1)) + 1, 0))
         AS client_host,
       COALESCE(command, '') AS command_name,
       COALESCE(state, '') AS state_name,
       COUNT(*) AS processes,
       SUM(time) AS seconds,
       MAX(time) AS longest
FROM information_schema.processlist
WHERE id <> CONNECTION_ID()
GROUP BY 1, 2, 3, 4)";

constexpr Metric threads_metric =
    gauge("mysql_info_schema_processlist_threads", "The number of threads split by current state.");
constexpr Metric seconds_metric = gauge("mysql_info_schema_processlist_seconds",
                                        "The number of seconds threads have used split by current state.", "seconds");
constexpr Metric by_user_metric =
    gauge("mysql_info_schema_processlist_processes_by_user", "The number of processes by user.");
constexpr Metric by_host_metric =
    gauge("mysql_info_schema_processlist_processes_by_host", "The number of processes by host.");
constexpr Metric old_threads_metric = gauge(
    "mysql_info_schema_threads", "The number of threads (connections) split by current state (as older dashboards ask).");
constexpr Metric old_seconds_metric =
    gauge("mysql_info_schema_threads_seconds",
          "The number of seconds threads (connections) have used split by current state (as older dashboards ask).",
          "seconds");
constexpr Metric active_metric = gauge("sidewatch_mysql_connections_active", "Clients whose statement runs or waits.");
constexpr Metric idle_metric = gauge("sidewatch_mysql_connections_idle", "Clients that have nothing to do.");
constexpr Metric waiting_metric =
    gauge("sidewatch_mysql_connections_waiting", "Clients that wait for a lock on a table or its definition.");
constexpr Metric longest_query_metric =
    gauge("sidewatch_mysql_longest_query_seconds", "For how long the oldest statement of a client runs.", "seconds");

constexpr const char* transactions_sql = R"(
SELECT COUNT(*) AS transactions,
       COALESCE(SUM(trx_state = 'LOCK WAIT'), 0) AS blocked,
       COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())), 0) AS longest,
       COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_wait_started, NOW())), 0) AS longest_wait
FROM information_schema.innodb_trx)";
constexpr Metric transactions_metric = gauge("sidewatch_mysql_transactions", "InnoDB transactions that are open.");
constexpr Metric blocked_metric =
    gauge("sidewatch_mysql_blocked_transactions", "InnoDB transactions that wait for a row lock of another one.");
constexpr Metric longest_transaction_metric =
    gauge("sidewatch_mysql_longest_transaction_seconds", "Age of the oldest open InnoDB transaction.", "seconds");
constexpr Metric longest_wait_metric =
    gauge("sidewatch_mysql_longest_lock_wait_seconds", "For how long a transaction waits for a row lock.", "seconds");

// "Waiting for table metadata lock" -> "waiting_for_table_metadata_lock", as mysqld_exporter writes states.
std::string state_label(std::string_view text) {
  if (text.empty()) return "unknown";
  std::string label;
  for (const char c : text) {
    if (std::string_view(";,:.()").find(c) != std::string_view::npos) continue;
    if (c == ' ' || c == '-') {
      label += '_';
    } else {
      label += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return label;
}

bool waits_for_lock(std::string_view state) { return state.starts_with("Waiting for") && state.ends_with("lock"); }

// What is a client's, and not a thread of the server's own.
bool is_client(std::string_view user, std::string_view command) {
  return user != "system user" && user != "event_scheduler" && command != "Daemon" && !command.starts_with("Binlog Dump");
}

class ProcesslistSink final : public RowSink {
 public:
  explicit ProcesslistSink(const SinkContext& context)
      : catalog_(context.catalog),
        labels_(context.labels),
        active_(catalog_.series(active_metric, labels_)),
        idle_(catalog_.series(idle_metric, labels_)),
        waiting_(catalog_.series(waiting_metric, labels_)),
        longest_(catalog_.series(longest_query_metric, labels_)) {}

  std::optional<Failure> take(const Rows& rows, Batch& batch) override {
    if (rows.columns() < 7) return Failure{FailureKind::malformed, "the answer has not all columns", false};
    states_.clear();
    old_states_.clear();
    users_.clear();
    hosts_.clear();
    clients_ = {};
    for (std::size_t row = 0; row < rows.size(); ++row) take_row(rows, row);
    series_.begin();
    write(batch);
    series_.end();
    return std::nullopt;
  }

 private:
  struct Sum {
    double threads = 0;
    double seconds = 0;
  };
  struct Clients {
    double active = 0;
    double idle = 0;
    double waiting = 0;
    double longest = 0;
  };
  using Counts = std::map<std::string, double, std::less<>>;

  void take_row(const Rows& rows, std::size_t row) {
    const auto text = [&](std::size_t column) { return rows.cell(row, column).value_or(""); };
    const double count = number_in(text(4)).value_or(0);
    const double seconds = number_in(text(5)).value_or(0);
    const std::string command = state_label(text(2));
    const std::string state = state_label(text(3));
    auto& sum = states_[{command, state}];
    sum.threads += count;
    sum.seconds += seconds;
    auto& old = old_states_[text(3).empty() && text(2) == "Sleep" ? "idle" : state];
    old.threads += count;
    old.seconds += seconds;
    users_[std::string(text(0))] += count;
    hosts_[text(1).empty() ? "unknown" : std::string(text(1))] += count;
    if (!is_client(text(0), text(2))) return;
    (text(2) == "Sleep" ? clients_.idle : clients_.active) += count;
    if (waits_for_lock(text(3))) clients_.waiting += count;
    if (text(2) == "Query" || text(2) == "Execute") {
      clients_.longest = std::max(clients_.longest, number_in(text(6)).value_or(0));
    }
  }

  void write(Batch& batch) {
    const auto add = [&](std::string_view kind, const std::string& key, const Metric& metric, const Labels& labels,
                         double value) {
      key_.assign(kind).append(key);
      batch.add(series_.get(key_, [&] { return catalog_.series(metric, labels); }), value);
    };
    for (const auto& [key, sum] : states_) {
      const auto& [command, state] = key;
      const auto labels = labels_.with("command", command).with("state", state);
      const auto both = command + "\n" + state;
      add("t", both, threads_metric, labels, sum.threads);
      add("s", both, seconds_metric, labels, sum.seconds);
    }
    for (const auto& [state, sum] : old_states_) {
      add("T", state, old_threads_metric, labels_.with("state", state), sum.threads);
      add("S", state, old_seconds_metric, labels_.with("state", state), sum.seconds);
    }
    for (const auto& [user, n] : users_) add("u", user, by_user_metric, labels_.with("mysql_user", user), n);
    for (const auto& [host, n] : hosts_) add("h", host, by_host_metric, labels_.with("client_host", host), n);
    batch.add(active_, clients_.active);
    batch.add(idle_, clients_.idle);
    batch.add(waiting_, clients_.waiting);
    batch.add(longest_, clients_.longest);
  }

  Catalog& catalog_;
  const Labels labels_;
  SeriesHandle active_;
  SeriesHandle idle_;
  SeriesHandle waiting_;
  SeriesHandle longest_;
  SeriesRow series_;
  std::string key_;
  std::map<std::pair<std::string, std::string>, Sum> states_;  // command and state
  std::map<std::string, Sum, std::less<>> old_states_;
  Counts users_;
  Counts hosts_;
  Clients clients_;
};

}  // namespace

std::unique_ptr<RowSink> make_processlist_sink(const SinkContext& context) {
  return std::make_unique<ProcesslistSink>(context);
}

std::vector<Metric> processlist_metrics() {
  return {threads_metric,     seconds_metric, by_user_metric, by_host_metric, old_threads_metric,
          old_seconds_metric, active_metric,  idle_metric,    waiting_metric, longest_query_metric};
}

std::vector<AskedQuery> session_queries(const MysqlConfig& config) {
  (void)config;
  Query processlist;
  processlist.name = "info_schema.processlist";
  processlist.max_rows = most_processlist_rows;
  Query transactions;
  transactions.name = "info_schema.innodb_trx";
  return {{processlist, processlist_sql, {}, make_processlist_sink},
          {transactions,
           transactions_sql,
           {value("transactions", transactions_metric), value("blocked", blocked_metric),
            value("longest", longest_transaction_metric), value("longest_wait", longest_wait_metric)},
           {}}};
}

}  // namespace sidewatch::database::mysql
