"""PostgreSQL: whether it answers, who works in it, what waits for what, what grows."""

from layout import GREEN, NO, ORANGE, RED, UP, Dashboard

d = Dashboard("postgresql", "PostgreSQL", "Servers of PostgreSQL: sessions, work, locks, tables, replication.", "pg_up",
              "Server", ["database"])
d.choice("datname", "Database", "pg_stat_database_numbackends{@}", "datname", "Databases of the server.")
IN = '@,datname=~"$datname"'
HIT = ("100 * sum by (instance) (rate(pg_stat_database_blks_hit{%s}[$__rate_interval])) / (sum by (instance) (rate("
       "pg_stat_database_blks_hit{%s}[$__rate_interval]) + rate(pg_stat_database_blks_read{%s}[$__rate_interval])) > 0)" % (IN,
                                                                                                                            IN,
                                                                                                                            IN))

d.row("At a glance")
d.stat("Answers", "Whether the server takes the agent's questions.", ("pg_up{@}", "{{instance}}"), "none", meanings=UP,
       rule="PostgresqlDown")
d.stat("Connections", "In use, as a share of those that are not kept for superusers.",
       ("100 * sidewatch_postgresql_connection_usage_ratio{@}", "{{instance}}"), "percent",
       rule="PostgresqlConnectionsHigh", lowest=0, highest=100, decimals=1)
d.stat("Transactions", "Committed and rolled back, per second, in the databases chosen.",
       (f"sum by (instance) (rate(pg_stat_database_xact_commit{{{IN}}}[$__rate_interval]) + "
        f"rate(pg_stat_database_xact_rollback{{{IN}}}[$__rate_interval]))", "{{instance}}"), "ops")
d.stat("Found in memory", "Share of the blocks that did not have to be asked of the system.", (HIT, "{{instance}}"),
       "percent", thresholds=[(ORANGE, None), (GREEN, 95)], lowest=0, highest=100, decimals=1)
d.stat("Longest wait for a lock", "Of the session that has waited longest.",
       ("sidewatch_postgresql_longest_lock_wait_seconds{@}", "{{instance}}"), "s", rule="PostgresqlLockWait")
d.stat("Size", "Disk space of the databases chosen.",
       (f"sum by (instance) (pg_database_size_bytes{{{IN}}})", "{{instance}}"), "bytes")
d.stat("Version", "The version that runs.", ("pg_static{@}", "{{short_version}}"), "none", words="name",
       sparkline=False)
d.stat("Up since", "How long ago the server was started.",
       ("time() - pg_postmaster_start_time_seconds{@}", "{{instance}}"), "s", sparkline=False)

d.row("Sessions and locks")
d.graph("Sessions", "What the clients do. Idle in a transaction is what holds others up.",
        [("sidewatch_postgresql_connections_active{@}", "active {{instance}}"),
         ("sidewatch_postgresql_connections_idle{@}", "idle {{instance}}"),
         ("sidewatch_postgresql_connections_idle_in_transaction{@}", "idle in a transaction {{instance}}"),
         ("sidewatch_postgresql_connections_waiting{@}", "waiting for a lock {{instance}}")], stacked=True)
d.graph("Connections", "In use, as a share of those that there may be.",
        ("100 * sidewatch_postgresql_connection_usage_ratio{@}", "{{instance}}"), "percent",
        rule="PostgresqlConnectionsHigh", lowest=0, highest=100)
d.graph("Connections by user", "Whose connections they are.",
        ('sum by (instance, usename) (pg_stat_activity_count{@,backend_type="client backend"})',
         "{{usename}} {{instance}}"))
d.graph("The longest", "Age of the oldest statement, transaction and pause within a transaction.",
        [("sidewatch_postgresql_longest_query_seconds{@}", "statement {{instance}}"),
         ("sidewatch_postgresql_longest_transaction_seconds{@}", "transaction {{instance}}"),
         ("sidewatch_postgresql_longest_idle_in_transaction_seconds{@}", "idle in a transaction {{instance}}")], "s")
d.graph("Waiting for locks", "Sessions that wait for a lock, and those that they wait for.",
        [("sidewatch_postgresql_blocked_sessions{@}", "wait {{instance}}"),
         ("sidewatch_postgresql_blocking_sessions{@}", "are waited for {{instance}}")])
d.graph("Locks", "Locks that are held, by their kind.", (f"sum by (mode) (pg_locks_count{{{IN}}}) > 0", "{{mode}}"),
        stacked=True)

d.row("Work")
d.graph("Transactions", "Committed and rolled back.",
        [(f"rate(pg_stat_database_xact_commit{{{IN}}}[$__rate_interval])", "{{datname}} committed {{instance}}"),
         (f"rate(pg_stat_database_xact_rollback{{{IN}}}[$__rate_interval])", "{{datname}} rolled back {{instance}}")],
        "ops")
d.graph("Rows changed", "Rows that were written.",
        [(f"sum by (instance) (rate(pg_stat_database_tup_inserted{{{IN}}}[$__rate_interval]))",
          "inserted {{instance}}"),
         (f"sum by (instance) (rate(pg_stat_database_tup_updated{{{IN}}}[$__rate_interval]))", "updated {{instance}}"),
         (f"sum by (instance) (rate(pg_stat_database_tup_deleted{{{IN}}}[$__rate_interval]))", "deleted {{instance}}")],
        "wps")
d.graph("Rows read", "Rows looked at, and rows that were wanted. Far apart, an index is missing.",
        [(f"sum by (instance) (rate(pg_stat_database_tup_returned{{{IN}}}[$__rate_interval]))",
          "looked at {{instance}}"),
         (f"sum by (instance) (rate(pg_stat_database_tup_fetched{{{IN}}}[$__rate_interval]))", "wanted {{instance}}")],
        "rps")
d.graph("Found in memory", "Share of the blocks that were in the shared buffers.", (HIT, "{{instance}}"), "percent",
        lowest=0, highest=100)
d.graph("Time at work", "Seconds per second that sessions ran statements: 1 is one session, all the time.",
        (f"rate(pg_stat_database_active_time_seconds_total{{{IN}}}[$__rate_interval])", "{{datname}} {{instance}}"),
        "s")
d.graph("Temporary files", "Written where work_mem did not suffice.",
        (f"rate(pg_stat_database_temp_bytes{{{IN}}}[$__rate_interval])", "{{datname}} {{instance}}"), "Bps")
d.graph("Deadlocks and conflicts",
        "In ten minutes: deadlocks that ended a transaction, and statements of a standby that were ended.",
        [(f"sum by (instance, datname) (increase(pg_stat_database_deadlocks{{{IN}}}[10m]))",
          "{{datname}} deadlocks {{instance}}"),
         (f"sum by (instance, datname) (increase(pg_stat_database_conflicts{{{IN}}}[10m]))",
          "{{datname}} conflicts {{instance}}")], rule="PostgresqlDeadlocks")
d.graph("Write-ahead log", "What was written to it.",
        ("rate(sidewatch_postgresql_wal_position_bytes_total{@}[$__rate_interval])", "{{instance}}"), "Bps")
d.graph("Buffers written",
        "By whom: checkpoints and the background writer are well, sessions themselves had to wait for it.",
        [("rate(pg_stat_bgwriter_buffers_checkpoint_total{@}[$__rate_interval])", "checkpoints {{instance}}"),
         ("rate(pg_stat_bgwriter_buffers_clean_total{@}[$__rate_interval])", "background writer {{instance}}"),
         ("rate(pg_stat_bgwriter_buffers_backend_total{@}[$__rate_interval])", "sessions {{instance}}")], "wps")

# What is asked once a minute only stands still between, so its rate is that of some minutes.
d.row("Tables and sizes")
d.graph("Databases", "Disk space that each one takes.", (f"pg_database_size_bytes{{{IN}}}", "{{datname}} {{instance}}"),
        "bytes")
d.bars("Largest tables", "Without their indexes.",
       ("topk(10, pg_stat_user_tables_table_size_bytes{@})", "{{relname}} {{instance}}"), "bytes")
d.bars("Largest indexes", "An index that nobody scans costs writes and space.",
       ("topk(10, sidewatch_postgresql_index_size_bytes{@})", "{{indexrelname}} {{instance}}"), "bytes")
d.bars("Dead rows", "Share of a table's rows that VACUUM has not removed yet.",
       ("topk(10, 100 * sidewatch_postgresql_table_dead_ratio{@})", "{{relname}} {{instance}}"), "percent",
       rule="PostgresqlTableNotVacuumed", lowest=0, highest=100)
d.graph("Tables read from end to end", "Scans of whole tables, over five minutes. Of a large table they are slow.",
        ("topk(10, rate(pg_stat_user_tables_seq_scan{@}[5m]))", "{{relname}} {{instance}}"), "ops")
d.graph("Autovacuum", "Workers that are at work, of those that there may be.",
        ("100 * sidewatch_postgresql_autovacuum_worker_usage_ratio{@}", "{{instance}}"), "percent", lowest=0,
        highest=100)
d.graph("Transaction IDs", "How much of them is used up before VACUUM has to freeze.",
        (f"100 * sidewatch_postgresql_wraparound_ratio{{{IN}}}", "{{datname}} {{instance}}"), "percent",
        rule="PostgresqlWraparound", lowest=0, width=12)
d.graph("Kept from being vacuumed", "Transactions since the oldest state that a session still sees.",
        ("sidewatch_postgresql_oldest_snapshot_age{@}", "{{instance}}"), width=12)

d.row("Replication and archive", folded=True)
d.graph("Standbys", "Write-ahead log that each standby has not replayed.",
        ("sidewatch_postgresql_standby_lag_bytes{@}", "{{application_name}} of {{instance}}"), "bytes")
d.graph("Slots", "Write-ahead log that each slot keeps from being removed. Without a standby it fills the disk.",
        ("pg_replication_slots_pg_wal_lsn_diff{@}", "{{slot_name}} of {{instance}}"), "bytes")
d.graph("This standby", "How far a standby is behind; 0 for a primary.",
        ("pg_replication_lag_seconds{@}", "{{instance}}"), "s")
d.timeline("Slots lost", "Whether log that a slot needs is gone.",
           ("sidewatch_postgresql_slot_lost{@}", "{{slot_name}} of {{instance}}"), NO, width=8,
           rule="PostgresqlSlotLost")
d.graph("Waits for the archive", "Segments of the write-ahead log that archive_command has not taken yet.",
        ("sidewatch_postgresql_archive_backlog_segments{@}", "{{instance}}"))
d.timeline("Archive fails", "Whether the last attempt of archive_command failed.",
           ("sidewatch_postgresql_archiver_failing{@}", "{{instance}}"), NO, width=8)

d.row("Statements (where statements: is configured)", folded=True)
d.graph("Time", "Those that took the most time, in seconds per second, over five minutes.",
        ("topk(10, rate(pg_stat_statements_seconds_total{@}[5m]))", "{{queryid}} {{datname}} {{user}}"),
        "s", table=True, width=12)
d.graph("Calls", "Those that were run most often, over five minutes.",
        ("topk(10, rate(pg_stat_statements_calls_total{@}[5m]))", "{{queryid}} {{datname}} {{user}}"),
        "ops", table=True, width=12)
d.table("Texts", "What the numbers stand for, where statements.text is on.", "queryid",
        [("There is one", "short", "max by (queryid, query) (pg_stat_statements_query_id{@})")], width=24,
        shown={"queryid": "Number", "query": "Statement"})

d.row("The agent's questions", folded=True)
d.graph("Time of each", "How long the last answer to each of the agent's own queries took.",
        ('sidewatch_database_query_duration_seconds{@,engine="postgresql"}', "{{query}} {{instance}}"), "s", width=12)
d.graph("Not answered", "Questions that the server did not answer, by reason.",
        ('sum by (instance, query, reason) (increase(sidewatch_database_errors_total{@,engine="postgresql"}[$__rate_interval]))',
         "{{query}} {{reason}} {{instance}}"), width=12, thresholds=[(GREEN, None), (RED, 1)])
