"""SQLite: the files that services keep, who writes and who waits, and whether the pages are sound."""

from layout import GREEN, NO, RED, UP, YES, Dashboard

d = Dashboard("sqlite", "SQLite", "Database files of services: size, log, locks, soundness.", "sidewatch_sqlite_up",
              "Database", ["database"])

d.row("At a glance")
d.stat("Can be looked at", "Whether the file is there, may be read and is a database.",
       ("sidewatch_sqlite_up{@}", "{{instance}}"), "none", meanings=UP, rule="SqliteDown")
d.stat("Size", "Of the database file.", ("sidewatch_sqlite_size_bytes{@}", "{{instance}}"), "bytes")
d.stat("Commits", "Write transactions per second.",
       ("rate(sidewatch_sqlite_commits_total{@}[$__rate_interval])", "{{instance}}"), "ops")
d.stat("Write lock", "For how long one process holds it without a commit.",
       ("sidewatch_sqlite_write_lock_held_seconds{@}", "{{instance}}"), "s", rule="SqliteWriteLockHeld")
d.stat("Not copied back",
       "Pages of the log that are not in the database yet, in multiples of where a checkpoint begins.",
       ("sidewatch_sqlite_wal_backlog_ratio{@}", "{{instance}}"), rule="SqliteCheckpointsStarved", decimals=2,
       empty="no log")
d.stat("Sound", "Whether the last check of its pages found it so. On request (integrity).",
       ("sidewatch_sqlite_integrity_ok{@}", "{{instance}}"), "none", meanings=YES, rule="SqliteDamaged",
       empty="not checked")
d.stat("Its filesystem", "How full it is.",
       ("100 * (1 - sidewatch_sqlite_filesystem_available_ratio{@})", "{{instance}}"), "percent", rule="SqliteDiskFull",
       lowest=0, highest=100, decimals=1)
d.stat("Last change", "How long ago the file or its log was written.",
       ("time() - sidewatch_sqlite_last_change_timestamp_seconds{@}", "{{instance}}"), "s", sparkline=False)

d.row("Writes and the log")
d.graph("Commits", "Write transactions per second.",
        ("rate(sidewatch_sqlite_commits_total{@}[$__rate_interval])", "{{instance}}"), "ops")
d.graph("Not copied back", "Pages of the log that no checkpoint has copied yet, in multiples of where one begins.",
        ("sidewatch_sqlite_wal_backlog_ratio{@}", "{{instance}}"), rule="SqliteCheckpointsStarved")
d.graph("Log", "Size of the file -wal. It does not shrink by itself.",
        ("sidewatch_sqlite_wal_size_bytes{@}", "{{instance}}"), "bytes")
d.graph("Oldest reader", "For how long somebody has kept reading an old state; a checkpoint stops there.",
        ("sidewatch_sqlite_wal_oldest_reader_seconds{@}", "{{instance}}"), "s", rule="SqliteReaderTooLong")
d.graph("Write lock", "For how long one process has held it without a commit.",
        ("sidewatch_sqlite_write_lock_held_seconds{@}", "{{instance}}"), "s", rule="SqliteWriteLockHeld")
d.graph("Readers wait", "Milliseconds that a reader would have had to wait.",
        ("1000 * avg_over_time(sidewatch_sqlite_reader_wait_seconds{@}[$__rate_interval])", "{{instance}}"), "ms",
        rule="SqliteReadersWait")

d.row("Sizes")
d.graph("Size", "Of the database file.", ("sidewatch_sqlite_size_bytes{@}", "{{instance}}"), "bytes")
d.graph("Empty pages", "What VACUUM would give back.", ("sidewatch_sqlite_freelist_bytes{@}", "{{instance}}"), "bytes")
d.graph("Rows", "Of the tables that the configuration names.",
        ("sidewatch_sqlite_table_rows{@}", "{{table}} {{instance}}"))

d.row("State")
d.timeline("Readable", "Whether a reader gets at it.", ("sidewatch_sqlite_readable{@}", "{{instance}}"), YES, width=8)
d.timeline("Left half done", "Whether a transaction was left in the middle, by a program that ended.",
           ("sidewatch_sqlite_journal_hot{@}", "{{instance}}"), NO, width=8)
d.timeline("Open", "Whether anybody has the database open (WAL mode).",
           ("sidewatch_sqlite_wal_in_use{@}", "{{instance}}"), {0: ("nobody", "text"), 1: ("open", GREEN)}, width=8)
