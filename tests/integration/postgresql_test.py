"""PostgreSQL, watched by the real agent: what it tells is held against what the test did to a real server.

The agent logs in as the user of docs/postgresql.md, with what is granted there and nothing else.
"""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from exposition import Page  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from postgresql import PROGRAMS, Postgresql  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

CONFIG = """
agent: {{interval: 200ms, state_dir: "{state}"}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  postgresql:
    - name: main
      dsn: host=127.0.0.1 port={port} dbname=shop user=sidewatch
      password: "${{file:{directory}/password}}"
      interval: 500ms
      labels: {{cluster: shop}}
      tables: {{every: 5s, bloat: true}}
      statements: {{top: 100, every: 5s, text: true}}
      queries:
        - name: orders
          sql: SELECT status, count(*) AS n, sum(total) AS total FROM orders GROUP BY status
          labels: [status]
          metrics:
            - {{column: n, name: shop_orders, help: Orders by status.}}
            - {{column: total, name: shop_orders_value}}
        - name: newer
          sql: SELECT nothing_yet FROM orders
          metrics: [{{column: nothing_yet, name: shop_nothing}}]
          min_version: "99"
"""


def documented_grants():
    """The statements of docs/postgresql.md that set the user up."""
    with open(os.path.join(ROOT, "docs", "postgresql.md"), encoding="utf-8") as page:
        block = re.search(r"```sql\n(.*?)```", page.read(), re.S)[1]
    statements = [line.split("--")[0].strip().rstrip(";") for line in block.splitlines()]
    return [statement for statement in statements if statement]


class Watched(unittest.TestCase):
    """A server with a database `shop`, and the agent."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = temporary_directory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.directory = cls.temporary.name
        cls.server = Postgresql(os.path.join(cls.directory, "pg"), archive_mode="on",
                                archive_command="false").make().start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.psql(["CREATE DATABASE shop", *documented_grants(),
                         "ALTER USER sidewatch PASSWORD 'a first password'"])
        cls.server.psql(["CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION pg_buffercache",
                         "CREATE TABLE orders (id int PRIMARY KEY, status text, total numeric, note text)",
                         "INSERT INTO orders SELECT g, CASE g % 4 WHEN 0 THEN 'open' ELSE 'paid' END, 10, repeat('x', 50) "
                         "FROM generate_series(1, 1000) g",
                         "CREATE TABLE emptied AS SELECT g AS id, repeat('y', 200) AS note FROM generate_series(1, 5000) g",
                         "DELETE FROM emptied WHERE id % 10 <> 0",
                         "VACUUM ANALYZE emptied",
                         "DELETE FROM orders WHERE id > 900",
                         "ANALYZE orders",
                         "GRANT SELECT ON orders, emptied TO sidewatch"], "shop")
        cls.server.psql(["CREATE TABLE counted AS SELECT g AS id FROM generate_series(1, 1000) g",
                         "DELETE FROM counted WHERE id > 900"], "shop")
        with open(os.path.join(cls.directory, "password"), "w", encoding="utf-8") as password:
            password.write("a first password\n")
        cls.agent = Agent(CONFIG.format(port=cls.server.port, directory=cls.directory,
                                        state=os.path.join(cls.directory, "state")), cls.directory)
        cls.agent.start()
        cls.addClassCleanup(cls.agent.stop)
        wait_until(lambda: cls.page().matching("pg_up") == [1.0], "pg_up 1")

    @classmethod
    def page(cls):
        return Page(cls.agent.request("/metrics")[2].decode(), without_labels=("instance", "cluster"))

    def value(self, name, **labels):
        found = self.page().matching(name, **labels)
        return found[0] if len(found) == 1 else None

    def wait_for(self, expected, name, **labels):
        try:
            wait_until(lambda: self.value(name, **labels) == expected, f"{name}{labels} to be {expected}")
        except AssertionError as failure:
            raise AssertionError(f"{failure}; it is {self.value(name, **labels)}") from None

    def session(self, **keywords):
        session = self.server.session("shop", **keywords)
        self.addCleanup(session.close)
        return session


class WhatItTells(Watched):
    def test_everything_that_it_is_asked_is_granted_and_there(self):
        page = self.page()
        self.assertEqual(page.matching("pg_exporter_last_scrape_error"), [0.0])
        self.assertEqual(page.label_sets("sidewatch_database_errors_total"), set())
        # A machine that is busy may be late; nothing else may be wrong.
        warnings = [line for line in self.agent.log().splitlines() if "level=warn" in line and "is overdue" not in line]
        self.assertEqual(warnings, [])
        self.assertGreater(len(page.names()), 350)

    def test_every_series_has_the_instance_and_its_labels(self):
        text = self.agent.request("/metrics")[2].decode()
        for line in text.splitlines():
            if line.startswith(("pg_", "sidewatch_postgresql_", "shop_")):
                self.assertIn('instance="main"', line)
                self.assertIn('cluster="shop"', line)

    def test_commits_and_rollbacks_are_counted(self):
        # The agent's own transactions are in the database that it is connected to: another shows them exactly.
        self.server.psql("CREATE DATABASE ledger")
        self.server.psql(["CREATE TABLE entry (id int)"], "ledger")
        wait_until(lambda: self.value("pg_stat_database_xact_commit", datname="ledger"), "the new database")
        quiet = wait_until(lambda: self.steady("pg_stat_database_xact_commit", datname="ledger"), "it to be quiet")
        self.server.psql([f"INSERT INTO entry VALUES ({i})" for i in range(50)], "ledger")
        # The server counts the transaction in which it lets a session in as well.
        wait_until(lambda: self.value("pg_stat_database_xact_commit", datname="ledger") - quiet in (50, 51), "50 commits")
        self.server.psql(["BEGIN", "INSERT INTO entry VALUES (0)", "ROLLBACK"], "ledger")
        self.wait_for(1, "pg_stat_database_xact_rollback", datname="ledger")

    def steady(self, name, **labels):
        first = self.value(name, **labels)
        seen = self.value("pg_exporter_last_scrape_duration_seconds")
        wait_until(lambda: self.value("pg_exporter_last_scrape_duration_seconds") != seen, "another pass")
        return first if first == self.value(name, **labels) else None

    def test_a_deadlock_is_counted_once(self):
        before = self.value("pg_stat_database_deadlocks", datname="shop")
        first, second = self.session(), self.session()
        first.run("BEGIN; UPDATE orders SET total = 11 WHERE id = 1")
        second.run("BEGIN; UPDATE orders SET total = 11 WHERE id = 2")
        first.send("UPDATE orders SET total = 11 WHERE id = 2")
        wait_until(lambda: self.server.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1", "a lock wait")
        second.send("UPDATE orders SET total = 11 WHERE id = 1")
        wait_until(lambda: any("deadlock detected" in line for line in first.lines + second.lines), "the deadlock")
        first.close()
        second.close()
        self.wait_for(before + 1, "pg_stat_database_deadlocks", datname="shop")

    def test_a_wait_for_a_lock_shows_who_waits_and_who_is_waited_for(self):
        holder, waiting = self.session(), self.session()
        holder.run("BEGIN; UPDATE orders SET total = 12 WHERE id = 3")
        waiting.send("UPDATE orders SET total = 13 WHERE id = 3")
        self.wait_for(1, "sidewatch_postgresql_blocked_sessions")
        self.wait_for(1, "sidewatch_postgresql_blocking_sessions")
        self.wait_for(1, "sidewatch_postgresql_connections_waiting")
        wait_until(lambda: self.value("sidewatch_postgresql_longest_lock_wait_seconds") > 0.5, "half a second of waiting")
        self.wait_for(1, "sidewatch_postgresql_connections_idle_in_transaction")
        self.wait_for(1, "pg_stat_activity_count", datname="shop", state="idle in transaction")
        wait_until(lambda: self.value("sidewatch_postgresql_longest_idle_in_transaction_seconds") > 0.5, "its age")
        wait_until(lambda: self.value("sidewatch_postgresql_longest_transaction_seconds") > 0.5, "its transaction's age")
        self.assertGreater(self.value("pg_locks_count", datname="shop", mode="rowexclusivelock"), 0)
        holder.run("COMMIT")
        self.wait_for(0, "sidewatch_postgresql_blocked_sessions")
        self.wait_for(0, "sidewatch_postgresql_longest_lock_wait_seconds")

    def test_connections_are_counted_against_what_there_may_be(self):
        before = self.value("sidewatch_postgresql_connections")
        sessions = [self.session() for _ in range(5)]
        self.wait_for(before + 5, "sidewatch_postgresql_connections")
        self.assertEqual(self.value("sidewatch_postgresql_connections_limit"), 97)
        self.assertAlmostEqual(self.value("sidewatch_postgresql_connection_usage_ratio"), (before + 5) / 97)
        self.assertEqual(self.value("pg_settings_max_connections"), 100)
        for session in sessions:
            session.close()
        self.wait_for(before, "sidewatch_postgresql_connections")

    def test_a_query_that_runs_has_an_age(self):
        session = self.session()
        session.send("SELECT pg_sleep(20)")
        wait_until(lambda: (self.value("sidewatch_postgresql_longest_query_seconds") or 0) > 1, "a second of it")
        self.assertLess(self.value("sidewatch_postgresql_longest_query_seconds"), 20)
        session.process.kill()
        self.server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' "
                         "AND pid <> pg_backend_pid()")

    def test_a_prepared_transaction_is_seen_until_it_ends(self):
        self.server.psql(["BEGIN", "UPDATE orders SET total = 14 WHERE id = 4", "PREPARE TRANSACTION 'forgotten'"], "shop")
        self.wait_for(1, "sidewatch_postgresql_prepared_transactions", datname="shop")
        wait_until(lambda: self.value("sidewatch_postgresql_oldest_prepared_transaction_seconds", datname="shop") > 0.5,
                   "its age")
        self.server.psql("ROLLBACK PREPARED 'forgotten'", "shop")
        self.wait_for(0, "sidewatch_postgresql_prepared_transactions", datname="shop")

    def test_tables_have_their_rows_and_what_is_dead_of_them(self):
        self.assertEqual(self.value("pg_stat_user_tables_n_tup_ins", relname="counted"), 1000)
        self.assertEqual(self.value("pg_stat_user_tables_n_tup_del", relname="counted"), 100)
        self.assertEqual(self.value("pg_stat_user_tables_n_live_tup", relname="counted"), 900)
        self.assertEqual(self.value("pg_stat_user_tables_n_dead_tup", relname="counted"), 100)
        self.assertAlmostEqual(self.value("sidewatch_postgresql_table_dead_ratio", relname="counted"), 0.1)
        size = float(self.server.sql("SELECT pg_table_size('emptied')", "shop"))
        self.assertEqual(self.value("pg_stat_user_tables_table_size_bytes", relname="emptied"), size)
        self.assertGreater(self.value("pg_stat_user_tables_last_vacuum", relname="emptied"), 1.7e9)
        self.assertEqual(self.value("pg_stat_user_tables_last_vacuum", relname="orders"), 0)
        self.assertEqual(self.value("sidewatch_postgresql_index_valid", indexrelname="orders_pkey"), 1)

    def test_the_estimate_of_wasted_space_finds_the_emptied_table(self):
        self.assertGreater(self.value("sidewatch_postgresql_table_bloat_ratio", relname="emptied"), 0.5)
        self.assertLess(self.value("sidewatch_postgresql_table_bloat_ratio", relname="orders"), 0.35)

    def test_a_table_that_is_held_exclusively_keeps_only_its_size_back(self):
        holder = self.session()
        holder.run("BEGIN; LOCK TABLE emptied IN ACCESS EXCLUSIVE MODE")
        wait_until(lambda: self.value("pg_stat_user_tables_table_size_bytes", relname="emptied") is None,
                   "its size to be unknown")
        page = self.page()
        self.assertEqual(len(page.matching("pg_stat_user_tables_table_size_bytes", relname="orders")), 1)
        self.assertEqual(len(page.matching("pg_stat_user_tables_n_live_tup", relname="emptied")), 1)
        self.assertEqual(page.matching("pg_up"), [1.0])
        self.assertEqual(page.matching("pg_exporter_last_scrape_error"), [0.0])
        holder.run("ROLLBACK")

    def test_a_failing_archive_is_told_with_what_waits_for_it(self):
        self.server.psql(["SELECT pg_switch_wal()", "CREATE TABLE more (a int)", "SELECT pg_switch_wal()"])
        wait_until(lambda: (self.value("pg_stat_archiver_failed_count") or 0) > 0, "a failed attempt")
        self.wait_for(1, "sidewatch_postgresql_archiver_failing")
        self.assertEqual(self.value("pg_stat_archiver_archived_count"), 0)

    def test_the_log_has_a_position_and_files(self):
        before = self.value("sidewatch_postgresql_wal_position_bytes_total")
        self.server.psql("INSERT INTO orders SELECT g, 'open', 1, repeat('z', 500) FROM generate_series(10001, 12000) g; "
                         "DELETE FROM orders WHERE id > 10000", "shop")
        wait_until(lambda: self.value("sidewatch_postgresql_wal_position_bytes_total") > before + 1_000_000,
                   "a megabyte more")
        self.assertGreaterEqual(self.value("pg_wal_segments"), 1)
        self.assertEqual(self.value("pg_wal_size_bytes") % (16 << 20), 0)

    def test_a_slot_keeps_the_log_and_says_how_much(self):
        self.server.psql("SELECT pg_create_physical_replication_slot('left_behind', true)")
        self.addCleanup(self.server.psql, "SELECT pg_drop_replication_slot('left_behind')")
        self.wait_for(0, "pg_replication_slots_active", slot_name="left_behind")
        self.server.psql(["CREATE TABLE big AS SELECT repeat('w', 1000) FROM generate_series(1, 3000)", "DROP TABLE big"])
        wait_until(lambda: (self.value("pg_replication_slots_pg_wal_lsn_diff", slot_name="left_behind") or 0) > 2_000_000,
                   "two megabytes")
        self.assertEqual(self.value("sidewatch_postgresql_slot_lost", slot_name="left_behind"), 0)

    def test_settings_are_numbers_in_bytes_and_seconds(self):
        page = self.page()
        self.assertEqual(page.value("pg_settings_shared_buffers_bytes"), 128 << 20)
        self.assertEqual(page.value("pg_settings_deadlock_timeout_seconds"), 0.1)
        self.assertEqual(page.value("pg_settings_fsync"), 0)
        shown = int(self.server.sql("SELECT count(*) FROM pg_settings WHERE vartype IN ('bool', 'integer', 'real')"))
        # But for the six that the session has set for itself.
        self.assertEqual(len([name for name in page.names() if name.startswith("pg_settings_")]), shown - 6)
        self.assertEqual(page.label_sets("pg_settings_statement_timeout_seconds"), set())

    def test_sizes_are_those_of_the_server(self):
        self.assertGreater(self.value("pg_database_size_bytes", datname="shop"), 7_000_000)
        self.assertEqual(self.value("pg_database_size_bytes", datname="template0"),
                         float(self.server.sql("SELECT pg_database_size('template0')")))
        self.assertEqual(self.value("pg_database_connection_limit", datname="shop"), -1)

    def test_statements_are_told_with_their_texts(self):
        for _ in range(3):
            self.server.psql("SELECT count(*) FROM orders WHERE total > 5", "shop")
        queryid = self.server.sql("SELECT queryid FROM pg_stat_statements WHERE query LIKE 'SELECT count(*) FROM orders %'",
                                  "shop")
        wait_until(lambda: (self.value("pg_stat_statements_calls_total", queryid=queryid) or 0) >= 3, "its calls")
        self.assertEqual(self.value("pg_stat_statements_calls_total", queryid=queryid, user="postgres", datname="shop"), 3)
        self.assertEqual(self.value("pg_stat_statements_rows_total", queryid=queryid), 3)
        texts = [dict(labels)["query"] for labels in self.page().label_sets("pg_stat_statements_query_id")]
        self.assertIn("SELECT count(*) FROM orders WHERE total &gt; $1".replace("&gt;", ">"), texts)

    def test_a_query_of_ones_own_becomes_series(self):
        # The counts of the filled table: of 900 every fourth is open.
        self.wait_for(225, "shop_orders", status="open")
        self.assertEqual(self.value("shop_orders", status="paid"), 675)
        self.assertEqual(self.page().label_sets("shop_nothing"), set())

    def test_the_versions_and_start_of_the_server_are_told(self):
        version = self.server.sql("SHOW server_version_num")
        short = f"{int(version) // 10000}.{int(version) % 10000}.0"
        self.assertEqual(self.value("pg_static", short_version=short), 1)
        started = float(self.server.sql("SELECT extract(epoch FROM pg_postmaster_start_time())"))
        self.assertAlmostEqual(self.value("pg_postmaster_start_time_seconds"), started, places=3)

    def test_the_session_only_reads_and_has_a_name(self):
        self.assertEqual(self.server.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sidewatch'"), "1")


class Recorded(unittest.TestCase):
    """tests/cases/postgresql/catalog.txt, from which every statement is checked, is right about the server that is here."""

    def test_the_recorded_catalog_is_that_of_this_server(self):
        with temporary_directory() as directory:
            server = Postgresql(os.path.join(directory, "pg")).make().start()
            self.addCleanup(server.stop)
            server.psql(["CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION pg_buffercache"])
            version = int(server.sql("SHOW server_version_num")) // 10000
            checked = 0
            for relation, columns in self.relations(version):
                have = set(server.sql("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('pg_catalog."
                                      f"{relation}') AND attnum > 0 AND NOT attisdropped").splitlines())
                if relation in ("pg_stat_statements",) or not have:
                    have = set(server.sql(f"SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('{relation}') "
                                          "AND attnum > 0").splitlines())
                if not have:
                    self.assertNotEqual(server.sql(f"SELECT count(*) FROM pg_proc WHERE proname = '{relation}'"), "0",
                                        relation)
                    continue
                checked += 1
                self.assertEqual(columns - have, set(), relation)
                if relation.startswith(("pg_stat_progress", "pg_stat_database", "pg_stat_user", "pg_stat_wal",
                                        "pg_stat_bgwriter", "pg_stat_archiver", "pg_replication_slots")):
                    self.assertEqual(have - columns, set(), relation)
            self.assertGreater(checked, 25)
            server.stop()

    @staticmethod
    def relations(version):
        def has(spelled):
            found = re.fullmatch(r"([a-z_()]+)(?:\[(\d*)-(\d*)\])?:?", spelled)
            first, last = int(found[2] or 0), int(found[3] or 99)
            return found[1] if first <= version <= last else None

        with open(os.path.join(ROOT, "tests", "cases", "postgresql", "catalog.txt"), encoding="utf-8") as file:
            for line in file:
                words = line.split()
                if not words or words[0].startswith("#") or not has(words[0]):
                    continue
                yield has(words[0]), {has(word) for word in words[1:] if has(word)} - {"()"}


class Replicated(unittest.TestCase):
    """A primary and a standby, watched by one agent as two instances."""

    CONFIG = """
agent: {{interval: 200ms, state_dir: "{directory}/state"}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  postgresql:
    - {{name: primary, dsn: "host={primary} port={primary_port} dbname=postgres user=postgres", interval: 500ms}}
    - {{name: standby, dsn: "host={standby} port={standby_port} dbname=postgres user=postgres", interval: 500ms}}
"""

    def test_both_ends_tell_what_is_between_them(self):
        temporary = temporary_directory()
        self.addCleanup(temporary.cleanup)
        directory = temporary.name
        primary = Postgresql(os.path.join(directory, "primary")).make().start()
        self.addCleanup(primary.stop)
        standby = Postgresql(os.path.join(directory, "standby"))
        standby.run([f"{PROGRAMS}/pg_basebackup", "-h", primary.directory, "-p", str(primary.port), "-U", "postgres", "-D",
                     standby.data, "-R", "-C", "-S", "to_standby", "-c", "fast", "--no-sync"], check=True,
                    capture_output=True)
        standby.start()
        self.addCleanup(standby.stop)
        agent = Agent(self.CONFIG.format(directory=directory, primary=primary.directory, primary_port=primary.port,
                                         standby=standby.directory, standby_port=standby.port), directory)
        agent.start()
        self.addCleanup(agent.stop)

        def value(name, **labels):
            found = Page(agent.request("/metrics")[2].decode()).matching(name, **labels)
            return found[0] if len(found) == 1 else None

        def wait_for(condition, name, **labels):
            wait_until(lambda: (lambda one: one is not None and condition(one))(value(name, **labels)),
                       f"{name}{labels} as it should be")

        wait_for(lambda one: one == 0, "pg_replication_is_replica", instance="primary")
        wait_for(lambda one: one == 1, "pg_replication_is_replica", instance="standby")
        wait_for(lambda one: one == 1, "sidewatch_postgresql_wal_receivers", instance="standby")
        wait_for(lambda one: one == 1, "sidewatch_postgresql_standby_senders", instance="primary")
        wait_for(lambda one: one == 1, "pg_replication_slots_active", instance="primary", slot_name="to_standby")
        wait_for(lambda one: one >= 0, "pg_stat_replication_pg_wal_lsn_diff", slot_name="to_standby", state="streaming")
        wait_for(lambda one: one > 0, "pg_stat_wal_receiver_flushed_lsn", instance="standby", slot_name="to_standby")

        wait_for(lambda one: one == 0, "pg_exporter_last_scrape_error", instance="primary")
        wait_for(lambda one: one == 0, "pg_exporter_last_scrape_error", instance="standby")

        # A replay that is held up: the standby lags in bytes, and says so itself.
        primary.psql("CREATE TABLE before (a int)")
        wait_for(lambda one: one > 0, "pg_replication_last_replay_seconds", instance="standby")
        standby.psql("SELECT pg_wal_replay_pause()")
        primary.psql("CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)")
        wait_for(lambda one: one > 2_000_000, "sidewatch_postgresql_standby_lag_bytes", instance="primary")
        wait_for(lambda one: one > 2_000_000, "sidewatch_postgresql_replay_lag_bytes", instance="standby")
        wait_for(lambda one: one == 1, "sidewatch_postgresql_replay_paused", instance="standby")
        wait_for(lambda one: one > 0.3, "pg_replication_lag_seconds", instance="standby")
        standby.psql("SELECT pg_wal_replay_resume()")
        wait_for(lambda one: one == 0, "sidewatch_postgresql_replay_lag_bytes", instance="standby")

        # A standby that is gone: the slot is left, and keeps the log.
        standby.stop()
        wait_for(lambda one: one == 0, "pg_up", instance="standby")
        wait_for(lambda one: one == 0, "pg_replication_slots_active", instance="primary")
        wait_until(lambda: value("sidewatch_postgresql_standby_lag_bytes") is None, "no standby")
        agent.stop()
        primary.stop()


if __name__ == "__main__":
    unittest.main()
