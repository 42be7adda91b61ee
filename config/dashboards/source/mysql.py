"""MySQL and MariaDB: whether it answers, what it does, what waits, what InnoDB has in memory."""

from layout import GREEN, ORANGE, RED, UP, YES, Dashboard

d = Dashboard("mysql", "MySQL and MariaDB", "Servers of MySQL and MariaDB: sessions, statements, InnoDB, replication.",
              "mysql_up", "Server", ["database"])
HIT = ("100 * (1 - rate(mysql_global_status_innodb_buffer_pool_reads{@}[$__rate_interval]) / "
       "(rate(mysql_global_status_innodb_buffer_pool_read_requests{@}[$__rate_interval]) > 0))")

d.row("At a glance")
d.stat("Answers", "Whether the server takes the agent's questions.", ("mysql_up{@}", "{{instance}}"), "none",
       meanings=UP, rule="MysqlDown")
d.stat("Connections", "In use, as a share of max_connections.",
       ("100 * sidewatch_mysql_connection_usage_ratio{@}", "{{instance}}"), "percent", rule="MysqlConnectionsHigh",
       lowest=0, highest=100, decimals=1)
d.stat("Statements", "That clients sent, per second.",
       ("rate(mysql_global_status_questions{@}[$__rate_interval])", "{{instance}}"), "ops")
d.stat("Slow ones", "Statements per minute that took longer than long_query_time.",
       ("60 * rate(mysql_global_status_slow_queries{@}[$__rate_interval])", "{{instance}}"), rule="MysqlSlowQueries",
       decimals=1)
d.stat("Found in memory", "Share of the pages that InnoDB had in its buffer pool.", (HIT, "{{instance}}"), "percent",
       thresholds=[(ORANGE, None), (GREEN, 95)], lowest=0, highest=100, decimals=1)
d.stat("Size", "Data and indexes of all tables.",
       ("sum by (instance) (sidewatch_mysql_schema_size_bytes{@})", "{{instance}}"), "bytes")
d.stat("Version", "The version that runs.", ("mysql_version_info{@}", "{{version}}"), "none", words="name",
       sparkline=False)
d.stat("Up since", "How long ago the server was started.", ("mysql_global_status_uptime{@}", "{{instance}}"), "s",
       sparkline=False)

d.row("Sessions and locks")
d.graph("Sessions", "What the clients do.",
        [("sidewatch_mysql_connections_active{@}", "active {{instance}}"),
         ("sidewatch_mysql_connections_idle{@}", "idle {{instance}}"),
         ("sidewatch_mysql_connections_waiting{@}", "waiting for a table {{instance}}")], stacked=True)
d.graph("Connections", "In use, as a share of max_connections.",
        ("100 * sidewatch_mysql_connection_usage_ratio{@}", "{{instance}}"), "percent", rule="MysqlConnectionsHigh",
        lowest=0, highest=100)
d.graph("Connections that failed", "In ten minutes: those that were refused, by reason, and those that broke off.",
        [('increase(mysql_global_status_connection_errors_total{@,error="max_connections"}[10m])',
          "too many {{instance}}"),
         ("increase(mysql_global_status_aborted_connects{@}[10m])", "login failed {{instance}}"),
         ("increase(mysql_global_status_aborted_clients{@}[10m])", "broke off {{instance}}")],
        rule="MysqlRefusesClients")
d.graph("The longest", "Age of the oldest statement and transaction, and the longest wait for a row.",
        [("sidewatch_mysql_longest_query_seconds{@}", "statement {{instance}}"),
         ("sidewatch_mysql_longest_transaction_seconds{@}", "transaction {{instance}}"),
         ("sidewatch_mysql_longest_lock_wait_seconds{@}", "wait for a row {{instance}}")], "s")
d.graph("Waiting for rows", "Transactions that wait for a row that another one holds.",
        ("sidewatch_mysql_blocked_transactions{@}", "{{instance}}"), rule="MysqlLockWaits")
d.graph("Deadlocks", "In ten minutes: transactions that InnoDB ended so that another one could go on.",
        ("increase(sidewatch_mysql_deadlocks_total{@}[10m])", "{{instance}}"), rule="MysqlDeadlocks")

d.row("Work")
d.graph("Statements", "All that the server ran, and those that clients sent.",
        [("rate(mysql_global_status_questions{@}[$__rate_interval])", "by clients {{instance}}"),
         ("rate(mysql_global_status_queries{@}[$__rate_interval])", "all {{instance}}")], "ops")
d.graph("By kind", "The ten that came most often.",
        ("topk(10, rate(mysql_global_status_commands_total{@}[$__rate_interval]) > 0)", "{{command}} {{instance}}"),
        "ops")
d.graph("Slow statements", "Per minute: those that took longer than long_query_time.",
        ("60 * rate(mysql_global_status_slow_queries{@}[$__rate_interval])", "{{instance}}"), rule="MysqlSlowQueries")
d.graph("Rows", "What storage engines were asked to do: rows read, by the way to them, and rows changed.",
        ('sum by (instance, handler) (rate(mysql_global_status_handlers_total{@,handler=~"read_.*|write|update|delete"}'
         "[$__rate_interval]))", "{{handler}} {{instance}}"), "ops")
d.graph("Without an index", "Joins and selects that read whole tables.",
        [("rate(mysql_global_status_select_full_join{@}[$__rate_interval])", "joins {{instance}}"),
         ("rate(mysql_global_status_select_scan{@}[$__rate_interval])", "selects {{instance}}")], "ops")
d.graph("Temporary tables", "Made for statements, in memory and on disk.",
        [("rate(mysql_global_status_created_tmp_tables{@}[$__rate_interval])", "all {{instance}}"),
         ("rate(mysql_global_status_created_tmp_disk_tables{@}[$__rate_interval])", "on disk {{instance}}")], "ops")
d.graph("Network", "What clients sent (above) and got (below).",
        [("rate(mysql_global_status_bytes_received{@}[$__rate_interval])", "in {{instance}}"),
         ("-rate(mysql_global_status_bytes_sent{@}[$__rate_interval])", "out {{instance}}")], "Bps")
d.graph("Sorts", "Rows that were sorted, and sorts that needed several rounds over the disk.",
        [("rate(mysql_global_status_sort_rows{@}[$__rate_interval])", "rows {{instance}}"),
         ("rate(mysql_global_status_sort_merge_passes{@}[$__rate_interval])", "rounds {{instance}}")], "ops")
d.graph("Open files", "As a share of open_files_limit.",
        ("100 * mysql_global_status_open_files{@} / mysql_global_variables_open_files_limit{@}", "{{instance}}"),
        "percent", rule="MysqlOpenFilesHigh", lowest=0, highest=100)

d.row("InnoDB")
d.graph("Found in memory", "Share of the pages that were in the buffer pool.", (HIT, "{{instance}}"), "percent",
        lowest=0, highest=100)
d.graph("Buffer pool", "What its pages hold.", ("mysql_global_status_buffer_pool_pages{@}", "{{state}} {{instance}}"),
        stacked=True)
d.graph("Pages to be written", "Pages of the buffer pool that are newer than those on disk.",
        ("mysql_global_status_buffer_pool_dirty_pages{@}", "{{instance}}"))
d.graph("Waits for rows", "Seconds per second that transactions waited for a row.",
        ("rate(mysql_global_status_innodb_row_lock_time{@}[$__rate_interval]) / 1000", "{{instance}}"), "s")
d.graph("Redo log", "How full it is (MariaDB). Full, it stops all writes.",
        ("100 * mysql_global_status_innodb_checkpoint_age{@} / (mysql_global_status_innodb_checkpoint_max_age{@} > 0)",
         "{{instance}}"), "percent", rule="MysqlCheckpointPressure", lowest=0, highest=100)
d.graph("History", "Old versions of rows that a transaction may still want.",
        ("mysql_global_status_innodb_history_list_length{@}", "{{instance}}"))
d.graph("Disk", "Pages read from disk, and log written to it.",
        [("rate(mysql_global_status_innodb_data_read{@}[$__rate_interval])", "data read {{instance}}"),
         ("rate(mysql_global_status_innodb_os_log_written{@}[$__rate_interval])", "log written {{instance}}")], "Bps")
d.bars("Databases", "Data and indexes of each.", ("sidewatch_mysql_schema_size_bytes{@}", "{{schema}} {{instance}}"),
       "bytes")
d.bars("Largest tables", "Data and indexes together.",
       ('topk(10, sum by (instance, schema, table) (mysql_info_schema_table_size{@,component=~"data_length|index_length"}))',
        "{{schema}}.{{table}} {{instance}}"), "bytes")

d.row("Replication", folded=True)
d.graph("Behind its source", "How far a replica is behind, less the delay that was asked for.",
        ("sidewatch_mysql_replication_lag_seconds{@}", "{{instance}} of {{master_host}}"), "s",
        rule="MysqlReplicationLag", width=12)
d.timeline("Replication runs", "Whether both threads of it run.",
           ("sidewatch_mysql_replication_running{@}", "{{instance}} of {{master_host}}"), YES,
           rule="MysqlReplicationStopped")

d.row("The agent's questions", folded=True)
d.graph("Time of each", "How long the last answer to each of the agent's own queries took.",
        ('sidewatch_database_query_duration_seconds{@,engine="mysql"}', "{{query}} {{instance}}"), "s", width=12)
d.graph("Not answered", "Questions that the server did not answer, by reason.",
        ('sum by (instance, query, reason) (increase(sidewatch_database_errors_total{@,engine="mysql"}[$__rate_interval]))',
         "{{query}} {{reason}} {{instance}}"), width=12, thresholds=[(GREEN, None), (RED, 1)])
