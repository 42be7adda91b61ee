// Group Replication, on request: who is in the group and in which state, and what this member's certification does.
//
// A server that is in no group has one member without an id, or none: there are no series then.
#include "collectors/database/mysql/queries.h"

namespace sidewatch::database::mysql {
namespace {

constexpr std::size_t most_members = 100;  // a group has nine at most, per channel
constexpr std::uint32_t knows_roles = 80000;

constexpr const char* members_sql =
    "SELECT channel_name, member_id, member_host, member_port, member_state, member_role, member_version, 1 AS one "
    "FROM performance_schema.replication_group_members WHERE member_id <> ''";
constexpr const char* members_57_sql =
    "SELECT channel_name, member_id, member_host, member_port, member_state, 1 AS one "
    "FROM performance_schema.replication_group_members WHERE member_id <> ''";
constexpr const char* stats_sql =
    "SELECT count_transactions_in_queue, count_transactions_checked, count_conflicts_detected, "
    "count_transactions_rows_validating, count_transactions_remote_in_applier_queue, count_transactions_remote_applied, "
    "count_transactions_local_proposed, count_transactions_local_rollback "
    "FROM performance_schema.replication_group_member_stats WHERE member_id = @@server_uuid";
constexpr const char* stats_57_sql =
    "SELECT count_transactions_in_queue, count_transactions_checked, count_conflicts_detected, "
    "count_transactions_rows_validating FROM performance_schema.replication_group_member_stats "
    "WHERE member_id = @@server_uuid";

std::vector<Column> member_columns() {
  return {label("channel_name"), label("member_id"), label("member_host"), label("member_port"), label("member_state"),
          value("one", gauge("mysql_perf_schema_replication_group_member_info",
                             "Information about the replication group member: channel_name, member_id, member_host, "
                             "member_port, member_state. (member_role and member_version where available)"))};
}

std::vector<Column> stats_columns() {
  return {value("count_transactions_in_queue",
                gauge("mysql_perf_schema_transactions_in_queue",
                      "The number of transactions in the queue pending conflict detection checks.")),
          value("count_transactions_checked",
                counter("mysql_perf_schema_transactions_checked_total",
                        "The number of transactions that have been checked for conflicts.")),
          value("count_conflicts_detected",
                counter("mysql_perf_schema_conflicts_detected_total",
                        "The number of transactions that have not passed the conflict detection check.")),
          value("count_transactions_rows_validating",
                counter("mysql_perf_schema_transactions_rows_validating_total",
                        "Number of transaction rows which can be used for certification, but have not been garbage "
                        "collected."))};
}

}  // namespace

std::vector<AskedQuery> group_queries(const MysqlConfig& config) {
  if (!config.group_replication) return {};
  Query members;
  members.name = "perf_schema.replication_group_members";
  members.max_rows = most_members;
  Query stats;
  stats.name = "perf_schema.replication_group_member_stats";
  std::vector<AskedQuery> all;
  members.versions = stats.versions = oracle(0, knows_roles - 1);
  all.push_back({members, members_57_sql, member_columns(), {}});
  all.push_back({stats, stats_57_sql, stats_columns(), {}});
  members.versions = stats.versions = oracle(knows_roles);
  auto with_roles = member_columns();
  with_roles.push_back(label("member_role"));
  with_roles.push_back(label("member_version"));
  all.push_back({members, members_sql, std::move(with_roles), {}});
  auto more = stats_columns();
  more.push_back(value("count_transactions_remote_in_applier_queue",
                       gauge("mysql_perf_schema_transactions_remote_in_applier_queue",
                             "The number of transactions that this member has received from the replication group which "
                             "are waiting to be applied.")));
  more.push_back(value("count_transactions_remote_applied",
                       counter("mysql_perf_schema_transactions_remote_applied_total",
                               "Number of transactions this member has received from the group and applied.")));
  more.push_back(value("count_transactions_local_proposed",
                       counter("mysql_perf_schema_transactions_local_proposed_total",
                               "Number of transactions which originated on this member and were sent to the group.")));
  more.push_back(value("count_transactions_local_rollback",
                       counter("mysql_perf_schema_transactions_local_rollback_total",
                               "Number of transactions which originated on this member and were rolled back by the "
                               "group.")));
  all.push_back({stats, stats_sql, std::move(more), {}});
  return all;
}

}  // namespace sidewatch::database::mysql
