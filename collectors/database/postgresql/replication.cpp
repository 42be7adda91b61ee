// Replication, from both of its ends: what a standby lacks, what slots keep, what a receiver gets.
//
// A primary knows its end of the log, a standby only what it has received; all lags are counted from that.
#include "collectors/database/postgresql/queries.h"

namespace sidewatch::database::postgresql {
namespace {

constexpr const char* role_sql = R"(
SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())) END AS lag,
       CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END AS is_replica,
       greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())) AS last_replay,
       CASE WHEN pg_is_in_recovery()
            THEN COALESCE(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0) END AS replay_lag,
       CASE WHEN pg_is_in_recovery() AND pg_is_wal_replay_paused() THEN 1 ELSE 0 END AS paused,
       CASE WHEN pg_is_in_recovery()
            THEN (SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming') END AS receivers)";

constexpr const char* standbys_sql = R"(
SELECT r.application_name, COALESCE(host(r.client_addr), '') AS client_addr, r.state,
       COALESCE(s.slot_name, '') AS slot_name, r.pid,
       here.lsn - '0/0'::pg_lsn AS current, here.lsn - r.replay_lsn AS behind
FROM pg_stat_replication r
LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid,
     (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS lsn) here)";

// Without the process ID, so that a standby that connects anew is the same one.
constexpr const char* standby_lag_sql = R"(
SELECT r.application_name, COALESCE(host(r.client_addr), '') AS client_addr,
       count(*) AS senders,
       max(here.lsn - r.replay_lsn) AS behind,
       max(COALESCE(extract(epoch FROM r.write_lag), 0)) AS write_lag,
       max(COALESCE(extract(epoch FROM r.flush_lag), 0)) AS flush_lag,
       max(COALESCE(extract(epoch FROM r.replay_lag), 0)) AS replay_lag,
       max(CASE WHEN r.sync_state IN ('sync', 'quorum') THEN 1 ELSE 0 END) AS sync
FROM pg_stat_replication r,
     (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS lsn) here
WHERE r.state <> 'backup' GROUP BY 1, 2)";

constexpr const char* slots_sql = R"(
SELECT s.slot_name, COALESCE(s.database, '') AS database, s.active, here.lsn - s.restart_lsn AS behind
FROM pg_replication_slots s,
     (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS lsn) here)";

constexpr const char* slot_positions_sql = R"(
SELECT s.slot_name, s.slot_type, s.active, here.lsn - '0/0'::pg_lsn AS current,
       COALESCE(s.confirmed_flush_lsn, '0/0'::pg_lsn) - '0/0'::pg_lsn AS confirmed,
       age(s.xmin) AS xmin_age, age(s.catalog_xmin) AS catalog_xmin_age
FROM pg_replication_slots s,
     (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS lsn) here)";

constexpr const char* slot_safety_sql = R"(
SELECT slot_name, slot_type, safe_wal_size, CASE WHEN wal_status = 'lost' THEN 1 ELSE 0 END AS lost
FROM pg_replication_slots)";

constexpr const char* slot_status_sql = R"(
SELECT slot_name, slot_type, wal_status, 1 AS one FROM pg_replication_slots WHERE wal_status IS NOT NULL)";

constexpr const char* receiver_sql = R"(
SELECT COALESCE(trim(both '''' from substring(conninfo from 'host=([^ ]*)')), '') AS upstream_host,
       COALESCE(slot_name, '') AS slot_name, status,
       receive_start_lsn - '0/0'::pg_lsn AS receive_start_lsn, receive_start_tli,
       flushed_lsn - '0/0'::pg_lsn AS flushed_lsn, received_tli,
       extract(epoch FROM last_msg_send_time) AS last_msg_send_time,
       extract(epoch FROM last_msg_receipt_time) AS last_msg_receipt_time,
       latest_end_lsn - '0/0'::pg_lsn AS latest_end_lsn,
       extract(epoch FROM latest_end_time) AS latest_end_time,
       substring(slot_name from 'repmgr_slot_([0-9]*)') AS upstream_node
FROM pg_stat_wal_receiver)";

// Before 13 what is flushed was called received.
constexpr const char* receiver_12_sql = R"(
SELECT COALESCE(trim(both '''' from substring(conninfo from 'host=([^ ]*)')), '') AS upstream_host,
       COALESCE(slot_name, '') AS slot_name, status,
       receive_start_lsn - '0/0'::pg_lsn AS receive_start_lsn, receive_start_tli,
       received_lsn - '0/0'::pg_lsn AS flushed_lsn, received_tli,
       extract(epoch FROM last_msg_send_time) AS last_msg_send_time,
       extract(epoch FROM last_msg_receipt_time) AS last_msg_receipt_time,
       latest_end_lsn - '0/0'::pg_lsn AS latest_end_lsn,
       extract(epoch FROM latest_end_time) AS latest_end_time,
       substring(slot_name from 'repmgr_slot_([0-9]*)') AS upstream_node
FROM pg_stat_wal_receiver)";

AskedQuery role_query() {
  return {{.name = "replication"}, role_sql,
          {value("lag", gauge("pg_replication_lag_seconds", "Replication lag behind master in seconds", "seconds")),
           value("lag", gauge("pg_replication_lag", "Replication lag behind master in seconds")),
           value("is_replica", gauge("pg_replication_is_replica", "Indicates if the server is a replica")),
           value("last_replay", gauge("pg_replication_last_replay_seconds", "Age of last replay in seconds",
                                      "seconds")),
           value("replay_lag", gauge("sidewatch_postgresql_replay_lag_bytes",
                                     "On a standby: what is received and not yet replayed.", "bytes")),
           value("paused", gauge("sidewatch_postgresql_replay_paused", "Whether the replay is paused by hand.")),
           value("receivers", gauge("sidewatch_postgresql_wal_receivers",
                                    "On a standby: connections to its primary that stream, 0 or 1."))}};
}

AskedQuery standby_lag_query() {
  return {{.name = "standby_lag"}, standby_lag_sql,
          {label("application_name"), label("client_addr"),
           value("senders", gauge("sidewatch_postgresql_standby_senders", "Connections that send this standby WAL.")),
           value("behind", gauge("sidewatch_postgresql_standby_lag_bytes",
                                 "WAL that this standby has not replayed.", "bytes")),
           value("write_lag", gauge("sidewatch_postgresql_standby_write_lag_seconds",
                                    "How long recent WAL took until this standby had written it; 0 when idle.",
                                    "seconds")),
           value("flush_lag", gauge("sidewatch_postgresql_standby_flush_lag_seconds",
                                    "The same until it was on its disk.", "seconds")),
           value("replay_lag", gauge("sidewatch_postgresql_standby_replay_lag_seconds",
                                     "The same until it was replayed.", "seconds")),
           value("sync", gauge("sidewatch_postgresql_standby_synchronous", "Whether commits wait for this standby."))}};
}

// Its name differs between the releases of postgres_exporter: a slot's, and the slots'.
std::vector<Column> slot_position_columns() {
  return {label("slot_name"), label("slot_type"),
          value("active", gauge("pg_replication_slots_slot_is_active", "whether the replication slot is active or not")),
          value("active", gauge("pg_replication_slot_slot_is_active", "whether the replication slot is active or not")),
          value("current", gauge("pg_replication_slots_slot_current_wal_lsn", "current wal lsn value")),
          value("current", gauge("pg_replication_slot_slot_current_wal_lsn", "current wal lsn value")),
          value("confirmed", gauge("pg_replication_slots_slot_confirmed_flush_lsn",
                                   "last lsn confirmed flushed to the replication slot")),
          value("confirmed", gauge("pg_replication_slot_slot_confirmed_flush_lsn",
                                   "last lsn confirmed flushed to the replication slot")),
          value("xmin_age", gauge("sidewatch_postgresql_slot_xmin_age",
                                  "Transactions whose dead rows this slot keeps from being vacuumed.")),
          value("catalog_xmin_age", gauge("sidewatch_postgresql_slot_catalog_xmin_age",
                                          "The same for the system catalogs."))};
}

std::vector<Column> receiver_columns() {
  return {label("upstream_host"), label("slot_name"), label("status"),
          value("receive_start_lsn", counter("pg_stat_wal_receiver_receive_start_lsn",
                                             "First write-ahead log location used when WAL receiver is started")),
          value("receive_start_tli", gauge("pg_stat_wal_receiver_receive_start_tli",
                                           "First timeline number used when WAL receiver is started")),
          value("flushed_lsn", counter("pg_stat_wal_receiver_flushed_lsn",
                                       "Last write-ahead log location already received and flushed to disk")),
          value("received_tli", gauge("pg_stat_wal_receiver_received_tli",
                                      "Timeline number of the last location received and flushed to disk")),
          value("last_msg_send_time", counter("pg_stat_wal_receiver_last_msg_send_time",
                                              "Send time of last message received from origin WAL sender")),
          value("last_msg_receipt_time", counter("pg_stat_wal_receiver_last_msg_receipt_time",
                                                 "Receipt time of last message received from origin WAL sender")),
          value("latest_end_lsn", counter("pg_stat_wal_receiver_latest_end_lsn",
                                          "Last write-ahead log location reported to origin WAL sender")),
          value("latest_end_time", counter("pg_stat_wal_receiver_latest_end_time",
                                           "Time of last write-ahead log location reported to origin WAL sender")),
          value("upstream_node", gauge("pg_stat_wal_receiver_upstream_node",
                                       "Node ID of the upstream node, where repmgr named the slot"))};
}

}  // namespace

std::vector<AskedQuery> replication_queries(const PostgresqlConfig&) {
  return {
      role_query(),
      {{.name = "standbys"}, standbys_sql,
       {label("application_name"), label("client_addr"), label("state"), label("slot_name"), label("pid"),
        value("current", gauge("pg_stat_replication_pg_current_wal_lsn_bytes", "WAL position in bytes", "bytes")),
        value("behind", gauge("pg_stat_replication_pg_wal_lsn_diff", "Lag in bytes between master and slave"))}},
      standby_lag_query(),
      {{.name = "slots"}, slots_sql,
       {label("slot_name"), label("database"),
        value("active", gauge("pg_replication_slots_active", "Flag indicating if the slot is active")),
        value("behind", gauge("pg_replication_slots_pg_wal_lsn_diff",
                              "Replication lag in bytes: the WAL that the slot keeps from being removed"))}},
      {{.name = "slot_positions"}, slot_positions_sql, slot_position_columns()},
      {{.name = "slot_safety", .versions = from(13)}, slot_safety_sql,
       {label("slot_name"), label("slot_type"),
        value("safe_wal_size",
              gauge("pg_replication_slots_safe_wal_size_bytes",
                    "number of bytes that can be written to WAL such that this slot is not in danger of getting in "
                    "state lost; absent without max_slot_wal_keep_size",
                    "bytes")),
        value("lost", gauge("sidewatch_postgresql_slot_lost",
                            "Whether WAL that this slot needs is gone: its standby must be built anew."))}},
      {{.name = "slot_status", .versions = from(13)}, slot_status_sql,
       {label("slot_name"), label("slot_type"), label("wal_status"),
        value("one", gauge("pg_replication_slots_wal_status", "availability of WAL files claimed by this slot"))}},
      {{.name = "wal_receiver", .versions = before(13)}, receiver_12_sql, receiver_columns()},
      {{.name = "wal_receiver", .versions = from(13)}, receiver_sql, receiver_columns()},
  };
}

}  // namespace sidewatch::database::postgresql
