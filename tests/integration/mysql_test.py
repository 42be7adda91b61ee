"""The mysql collector against real MariaDB servers: what it says is what was done to them, and it needs no more rights
than docs/mysql.md grants.
"""

import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from mysql import MariaDb, WithServer, page, wait_for_value  # noqa: E402


class Values(WithServer):
    def test_the_documented_grants_are_enough_for_everything_that_is_read_by_default(self):
        agent = self.start_agent(self.instance(", innodb_metrics: true, auto_increment: true"))
        wait_for_value(agent, lambda up: up == 1, "mysql_up", instance="main")
        now = page(agent)
        failed = [labels for (name, labels), value in now.values.items()
                  if name == "mysql_exporter_collector_success" and value == 0]
        self.assertEqual([dict(labels)["collector"] for labels in failed], ["collect.info_schema.query_response_time"],
                         "only the plugin that is not there is missing")
        self.assertEqual(now.matching("sidewatch_database_errors_total"), [])
        self.assertNotIn("level=warn", agent.log())

    def test_counters_follow_what_was_done(self):
        self.server.sql("CREATE DATABASE work; CREATE TABLE work.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
        agent = self.start_agent(self.instance(", auto_increment: true"))
        before = wait_for_value(agent, lambda n: True, "mysql_global_status_commands_total", command="insert")
        commits = page(agent).value("mysql_global_status_commands_total", command="commit")
        slow = page(agent).value("mysql_global_status_slow_queries")
        session = self.open_session("work")
        for number in range(7):
            session.sql(f"BEGIN; INSERT INTO t (v) VALUES ({number}); COMMIT")
        session.sql("SET SESSION long_query_time = 0; SELECT 1; SELECT 2; SET SESSION long_query_time = 10")
        wait_for_value(agent, lambda n: n == before + 7, "mysql_global_status_commands_total",
                       command="insert")
        wait_for_value(agent, lambda n: n == commits + 7, "mysql_global_status_commands_total", command="commit")
        wait_for_value(agent, lambda n: n >= slow + 2, "mysql_global_status_slow_queries")
        asked_again = self.start_new_connection(agent)
        self.assertEqual(asked_again.value("mysql_info_schema_auto_increment_column", table="t"), 8)
        self.assertEqual(asked_again.value("mysql_info_schema_auto_increment_column_max", table="t"), 2**31 - 1)
        self.assertGreater(asked_again.value("mysql_info_schema_table_size", schema="work", table="t",
                                               component="data_length"), 0)
        self.assertEqual(asked_again.value("sidewatch_mysql_schema_tables", schema="work"), 1)

    def start_new_connection(self, agent):
        """What is asked rarely is asked again by a new connection."""
        self.kill_connection()
        wait_for_value(agent, lambda up: up == 0, "mysql_up")
        wait_for_value(agent, lambda up: up == 1, "mysql_up")
        return page(agent)

    def test_a_deadlock_is_counted_once(self):
        self.server.sql("CREATE DATABASE locks; CREATE TABLE locks.t (id INT PRIMARY KEY, v INT);"
                        "INSERT INTO locks.t VALUES (1, 0), (2, 0)")
        agent = self.start_agent(self.instance())
        before = wait_for_value(agent, lambda n: True, "sidewatch_mysql_deadlocks_total")
        one, other = self.open_session("locks"), self.open_session("locks")
        one.sql("BEGIN; UPDATE t SET v = 1 WHERE id = 1")
        other.sql("BEGIN; UPDATE t SET v = 2 WHERE id = 2")
        one.send("UPDATE t SET v = 1 WHERE id = 2")
        wait_for_value(agent, lambda n: n == 1, "sidewatch_mysql_blocked_transactions")
        other.sql("UPDATE t SET v = 2 WHERE id = 1")
        wait_for_value(agent, lambda n: n == before + 1, "sidewatch_mysql_deadlocks_total")
        wait_for_value(agent, lambda n: n == 0, "sidewatch_mysql_blocked_transactions")

    def test_who_waits_and_for_how_long_is_seen(self):
        self.server.sql("CREATE DATABASE waits; CREATE TABLE waits.t (id INT PRIMARY KEY, v INT);"
                        "INSERT INTO waits.t VALUES (1, 0)")
        agent = self.start_agent(self.instance())
        holder, waiter, sleeper = (self.open_session("waits") for _ in range(3))
        holder.sql("BEGIN; UPDATE t SET v = 1 WHERE id = 1")
        waiter.send("UPDATE t SET v = 2 WHERE id = 1")
        wait_for_value(agent, lambda seconds: seconds >= 1, "sidewatch_mysql_longest_lock_wait_seconds")
        wait_for_value(agent, lambda seconds: seconds >= 1, "sidewatch_mysql_longest_query_seconds")
        self.assertGreaterEqual(page(agent).value("sidewatch_mysql_longest_transaction_seconds"), 1)
        sleeper.send("ALTER TABLE t ADD COLUMN w INT")
        wait_for_value(agent, lambda n: n == 1, "sidewatch_mysql_connections_waiting")
        self.assertEqual(page(agent).matching("mysql_info_schema_processlist_threads", command="query",
                                              state="waiting_for_table_metadata_lock"), [1])
        holder.sql("ROLLBACK")
        wait_for_value(agent, lambda n: n == 0, "sidewatch_mysql_connections_waiting")

    def test_connections_are_held_against_what_the_server_allows(self):
        agent = self.start_agent(self.instance())
        before = wait_for_value(agent, lambda n: n >= 1, "sidewatch_mysql_connections")
        sessions = [self.open_session() for _ in range(9)]
        for session in sessions:
            session.sql("SELECT 1")
        wait_for_value(agent, lambda n: n == before + 9, "sidewatch_mysql_connections")
        self.assertEqual(page(agent).value("sidewatch_mysql_connections_limit"), 40)
        self.assertAlmostEqual(page(agent).value("sidewatch_mysql_connection_usage_ratio"), (before + 9) / 40)
        self.assertGreaterEqual(page(agent).value("sidewatch_mysql_connections_idle"), 9)

    def test_a_query_of_the_users_own_becomes_series(self):
        self.server.sql("CREATE DATABASE shop; CREATE TABLE shop.orders (status VARCHAR(20));"
                        "INSERT INTO shop.orders VALUES ('paid'), ('paid'), ('open');"
                        "GRANT SELECT ON shop.* TO sidewatch@'127.0.0.1'")
        agent = self.start_agent(self.instance(
            ", database: shop, queries: [{name: orders, sql: 'SELECT status, COUNT(*) AS n FROM orders GROUP BY status', "
            "labels: [status], metrics: [{column: n, name: shop_orders}]}, {name: write, sql: 'DELETE FROM orders', "
            "metrics: [{column: n, name: never}]}]"))
        wait_for_value(agent, lambda n: n == 2, "shop_orders", status="paid")
        self.assertEqual(page(agent).value("shop_orders", status="open"), 1)
        self.assertEqual(self.server.value("SELECT COUNT(*) FROM shop.orders"), "3", "the session only reads")

    def test_statements_are_told_on_request_and_only_with_the_right_to_see_them(self):
        agent = self.start_agent(self.instance(", statements: {top: 5}, binary_logs: true"))
        wait_for_value(agent, lambda n: n >= 1, "sidewatch_database_errors_total", query="perf_schema.eventsstatements",
                       reason="denied")
        self.assertIn("GRANT SELECT ON performance_schema.* TO the user 'sidewatch'", agent.log())
        self.assertEqual(page(agent).value("mysql_up"), 1)


class Statements(WithServer):
    options = ("--performance-schema=on", "--performance-schema-max-digest-length=1024")

    def test_the_statements_that_take_most_time_are_told(self):
        self.server.sql("GRANT SELECT ON performance_schema.* TO sidewatch@'127.0.0.1'; CREATE DATABASE shop;"
                        "CREATE TABLE shop.orders (id INT)")
        self.server.sql("INSERT INTO orders VALUES (1), (2), (3); SELECT SLEEP(0.2) FROM orders; SELECT * FROM orders",
                        "shop")
        agent = self.start_agent(self.instance(", statements: {top: 2}"))
        slow = {"schema": "shop", "digest_text": "SELECT `SLEEP` (?) FROM `orders` "}  # so the server writes it
        wait_for_value(agent, lambda n: n == 1, "mysql_perf_schema_events_statements_total", **slow)
        now = page(agent)
        self.assertGreaterEqual(now.value("mysql_perf_schema_events_statements_seconds_total", **slow), 0.6)
        self.assertLess(now.value("mysql_perf_schema_events_statements_seconds_total", **slow), 60)
        self.assertEqual(now.value("mysql_perf_schema_events_statements_rows_sent_total", **slow), 3)
        self.assertEqual(len(now.matching("mysql_perf_schema_events_statements_total")), 2, "as many as were asked for")


class Replication(WithServer):
    options = ("--log-bin=bin", "--server-id=1")

    def test_a_replica_says_how_it_stands_to_its_source(self):
        replica = self.start_replica()
        agent = self.start_agent(
            f'name: main, address: "127.0.0.1:{replica.port}", user: sidewatch, password: first, timeout: 1s',
            f'name: source, address: "127.0.0.1:{self.server.port}", user: sidewatch, password: first, binary_logs: true')
        running, lag = "sidewatch_mysql_replication_running", "sidewatch_mysql_replication_lag_seconds"
        wait_for_value(agent, lambda n: n == 1, running, instance="main", master_host="127.0.0.1")
        wait_for_value(agent, lambda seconds: seconds == 0, lag, instance="main")
        self.assertEqual(page(agent).matching(running, instance="source"), [])
        self.assertEqual(page(agent).value("mysql_slave_status_master_server_id", instance="main"), 1)
        logs = len(self.server.sql("SHOW BINARY LOGS"))
        wait_for_value(agent, lambda n: n == logs, "mysql_binlog_files", instance="source")

        with self.subTest("a lock on the replica holds its SQL thread up"):
            holder = replica.session("feed")
            self.addCleanup(holder.close)
            holder.sql("LOCK TABLES t READ")
            self.server.sql("INSERT INTO feed.t VALUES (1)")
            wait_for_value(agent, lambda seconds: seconds >= 2, lag, instance="main")
            self.assertEqual(page(agent).value(running, instance="main"), 1)
            holder.sql("UNLOCK TABLES")
            wait_for_value(agent, lambda seconds: seconds == 0, lag, instance="main")

        with self.subTest("a stopped SQL thread"):
            replica.sql("STOP SLAVE SQL_THREAD")
            wait_for_value(agent, lambda n: n == 0, running, instance="main")
            self.assertEqual(page(agent).value("mysql_slave_status_slave_io_running", instance="main"), 1)
            self.assertEqual(page(agent).value("mysql_slave_status_slave_sql_running", instance="main"), 0)
            self.assertEqual(page(agent).matching(lag, instance="main"), [], "nobody knows how far it is behind")
            replica.sql("START SLAVE SQL_THREAD")
            wait_for_value(agent, lambda n: n == 1, running, instance="main")

        with self.subTest("a conflict"):
            replica.sql("INSERT INTO feed.only_once VALUES (1)")
            self.server.sql("INSERT INTO feed.only_once VALUES (1)")
            wait_for_value(agent, lambda number: number == 1062, "mysql_slave_status_last_sql_errno", instance="main")
            wait_for_value(agent, lambda n: n == 0, running, instance="main")
            replica.sql("DELETE FROM feed.only_once; START SLAVE")
            wait_for_value(agent, lambda n: n == 1, running, instance="main")

        with self.subTest("a source that is gone"):
            self.server.kill()
            wait_for_value(agent, lambda n: n == 0, running, instance="main")
            self.assertEqual(page(agent).value("mysql_slave_status_slave_io_running", instance="main"), 0)
            wait_for_value(agent, lambda number: number == 2003, "mysql_slave_status_last_io_errno", instance="main")

    def start_replica(self):
        self.server.sql("CREATE DATABASE feed; CREATE TABLE feed.t (id INT);"
                        "CREATE TABLE feed.only_once (id INT PRIMARY KEY);"
                        "CREATE USER copy@'127.0.0.1' IDENTIFIED BY 'copy'; GRANT REPLICATION SLAVE ON *.* TO copy@'127.0.0.1';"
                        "GRANT BINLOG MONITOR ON *.* TO sidewatch@'127.0.0.1'")
        self.server.stop()
        directory = os.path.join(self.directory, "replica")
        shutil.copytree(self.server.directory, directory)
        for root, folders, files in os.walk(directory):
            for name in [*folders, *files]:
                shutil.chown(os.path.join(root, name), "mysql", "mysql")
        for name in os.listdir(os.path.join(directory, "data")):
            if name.startswith("bin."):
                os.remove(os.path.join(directory, "data", name))
        self.server.start()
        replica = MariaDb(directory, "--server-id=2", "--slave-net-timeout=4")
        self.addCleanup(replica.stop)
        replica.start()
        file, position = self.server.sql("SHOW MASTER STATUS")[0][:2]
        replica.sql(f"CHANGE MASTER TO master_host='127.0.0.1', master_port={self.server.port}, master_user='copy', "
                    f"master_password='copy', master_log_file='{file}', master_log_pos={position}, "
                    "master_connect_retry=1; START SLAVE")
        return replica


if __name__ == "__main__":
    unittest.main(verbosity=2)
