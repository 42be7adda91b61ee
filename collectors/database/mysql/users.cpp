// What each user has done, on request: MariaDB counts it while its variable userstat is ON.
#include "collectors/database/mysql/queries.h"

namespace sidewatch::database::mysql {
namespace {

using namespace std::chrono_literals;

constexpr Duration users_every = 15s;
constexpr std::size_t most_users = 500;

constexpr const char* users_sql =
    "SELECT user, total_connections, concurrent_connections, connected_time, busy_time, cpu_time, bytes_received, "
    "bytes_sent, binlog_bytes_written, rows_read, rows_sent, rows_deleted, rows_inserted, rows_updated, select_commands, "
    "update_commands, other_commands, commit_transactions, rollback_transactions, denied_connections, lost_connections, "
    "access_denied, empty_queries, total_ssl_connections, max_statement_time_exceeded "
    "FROM information_schema.user_statistics ORDER BY total_connections DESC LIMIT 500";

std::vector<Column> user_columns() {
  const auto total = [](std::string_view column, std::string_view name, std::string_view help) {
    return value(column, counter(name, help));
  };
  return {
      label("user"),
      total("total_connections", "mysql_info_schema_user_statistics_total_connections",
            "The number of connections created for this user."),
      value("concurrent_connections", gauge("mysql_info_schema_user_statistics_concurrent_connections",
                                            "The number of concurrent connections for this user.")),
      total("connected_time", "mysql_info_schema_user_statistics_connected_time_seconds_total",
            "The cumulative number of seconds elapsed while there were connections from this user."),
      total("busy_time", "mysql_info_schema_user_statistics_busy_seconds_total",
            "The cumulative number of seconds there was activity on connections from this user."),
      total("cpu_time", "mysql_info_schema_user_statistics_cpu_time_seconds_total",
            "The cumulative CPU time elapsed, in seconds, while servicing this user's connections."),
      total("bytes_received", "mysql_info_schema_user_statistics_bytes_received_total",
            "The number of bytes received from this user's connections."),
      total("bytes_sent", "mysql_info_schema_user_statistics_bytes_sent_total",
            "The number of bytes sent to this user's connections."),
      total("binlog_bytes_written", "mysql_info_schema_user_statistics_binlog_bytes_written_total",
            "The number of bytes written to the binary log from this user's connections."),
      total("rows_read", "mysql_info_schema_user_statistics_rows_read_total",
            "The number of rows read by this user's connections."),
      total("rows_sent", "mysql_info_schema_user_statistics_rows_sent_total",
            "The number of rows sent by this user's connections."),
      total("rows_deleted", "mysql_info_schema_user_statistics_rows_deleted_total",
            "The number of rows deleted by this user's connections."),
      total("rows_inserted", "mysql_info_schema_user_statistics_rows_inserted_total",
            "The number of rows inserted by this user's connections."),
      total("rows_updated", "mysql_info_schema_user_statistics_rows_updated_total",
            "The number of rows updated by this user's connections."),
      total("select_commands", "mysql_info_schema_user_statistics_select_commands_total",
            "The number of SELECT commands executed from this user's connections."),
      total("update_commands", "mysql_info_schema_user_statistics_update_commands_total",
            "The number of UPDATE commands executed from this user's connections."),
      total("other_commands", "mysql_info_schema_user_statistics_other_commands_total",
            "The number of other commands executed from this user's connections."),
      total("commit_transactions", "mysql_info_schema_user_statistics_commit_transactions_total",
            "The number of COMMIT commands issued by this user's connections."),
      total("rollback_transactions", "mysql_info_schema_user_statistics_rollback_transactions_total",
            "The number of ROLLBACK commands issued by this user's connections."),
      total("denied_connections", "mysql_info_schema_user_statistics_denied_connections_total",
            "The number of connections denied to this user."),
      total("lost_connections", "mysql_info_schema_user_statistics_lost_connections_total",
            "The number of this user's connections that were terminated uncleanly."),
      total("access_denied", "mysql_info_schema_user_statistics_access_denied_total",
            "The number of times this user's connections issued commands that were denied."),
      total("empty_queries", "mysql_info_schema_user_statistics_empty_queries_total",
            "The number of times this user's connections sent empty queries to the server."),
      total("total_ssl_connections", "mysql_info_schema_user_statistics_total_ssl_connections_total",
            "The number of times this user's connections connected using SSL to the server."),
      value("max_statement_time_exceeded",
            untyped("mysql_info_schema_user_statistics_max_statement_time_exceeded",
                    "The number of statements that were ended for taking longer than max_statement_time."))};
}

}  // namespace

std::vector<AskedQuery> user_queries(const MysqlConfig& config) {
  if (!config.user_statistics) return {};
  Query users;
  users.name = "info_schema.userstats";
  users.versions = mariadb();
  users.every = users_every;
  users.max_rows = most_users;
  return {{users, users_sql, user_columns(), {}}};
}

}  // namespace sidewatch::database::mysql
