"""SQLite databases of a live service, watched by the real agent: values follow what the service did, every fault is
named, and the agent leaves the database, its log and its locks as they are.
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from exposition import Page  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from sqlite import Service, SqliteError, state_of  # noqa: E402

CONFIG = """
agent: {{interval: 100ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  sqlite:
    - name: app
      path: {path}
{more}
"""

COUNTED = "      tables: [orders]\n      tables_every: 1s\n"

QUERY = """      timeout: {timeout}
      queries:
        - name: orders
          sql: {sql}
          metrics: [{{column: n, name: shop_orders}}]
"""

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class SqliteTest(unittest.TestCase):
    def setUp(self):
        temporary = temporary_directory()
        self.addCleanup(temporary.cleanup)
        self.directory = temporary.name
        self.data = os.path.join(self.directory, "data")
        os.mkdir(self.data)
        self.path = os.path.join(self.data, "app.db")

    def service(self, **keywords):
        service = Service(self.path, **keywords)
        self.addCleanup(service.stop)
        return service

    def agent(self, more="", **keywords):
        self.watching = Agent(CONFIG.format(path=self.path, more=more), self.directory, **keywords)
        self.addCleanup(self.watching.stop)
        return self.watching.start()

    def page(self):
        _, _, body = self.watching.request("/metrics")
        return Page(body.decode())

    def value(self, name, **labels):
        found = self.page().matching("sidewatch_sqlite_" + name, **labels)
        return found[0] if found else None

    def passes(self):
        return self.page().value("sidewatch_collector_passes_total", collector="sqlite:app")

    def some_passes(self, count=3):
        """Waits until so many passes have begun and ended after this moment."""
        end = self.passes() + count + 1
        wait_until(lambda: self.passes() >= end, f"{count} passes")

    def wait_for(self, name, wanted, **labels):
        is_right = wanted if callable(wanted) else lambda value: value == wanted
        seen = lambda: (value := self.value(name, **labels)) is not None and is_right(value)  # noqa: E731
        wait_until(seen, f"{name} to be {wanted}; its log:\n{self.watching.log()}")

    def log_lines(self, text):
        return [line for line in self.watching.log().splitlines() if text in line]


class Values(SqliteTest):
    def test_what_the_service_commits_is_counted_in_wal_mode(self):
        service = self.service(rows=10)
        service.sql("PRAGMA wal_autocheckpoint=0")
        self.agent(COUNTED)
        self.wait_for("table_rows", 10, table="orders")
        commits = self.value("commits_total")
        frames = self.value("wal_frames")
        for _ in range(25):
            service.sql("INSERT INTO orders(status) VALUES('paid')")
        self.wait_for("commits_total", commits + 25)
        self.wait_for("table_rows", 35, table="orders")
        self.assertEqual(self.value("wal_frames"), frames + 25, "each wrote its one page")
        page = self.page()
        size = page.value("sidewatch_sqlite_page_size_bytes")
        self.assertEqual(page.value("sidewatch_sqlite_wal_size_bytes"), os.path.getsize(self.path + "-wal"))
        self.assertEqual(page.value("sidewatch_sqlite_size_bytes"), os.path.getsize(self.path))
        self.assertEqual(page.value("sidewatch_sqlite_wal_backlog_frames"), frames + 25)
        self.assertEqual(page.value("sidewatch_sqlite_wal_backlog_bytes"), (frames + 25) * (size + 24))
        self.assertAlmostEqual(page.value("sidewatch_sqlite_wal_backlog_ratio"), (frames + 25) / 1000)
        self.assertEqual(page.value("sidewatch_sqlite_pages"), service.sql("PRAGMA page_count")[0][0])

        restarts = self.value("wal_restarts_total")
        service.sql("PRAGMA wal_checkpoint(RESTART)")
        self.wait_for("wal_backlog_frames", 0)
        service.sql("INSERT INTO orders(status) VALUES('paid')")
        self.wait_for("wal_restarts_total", restarts + 1)
        self.wait_for("wal_frames", 1)

    def test_the_newest_state_is_told_although_it_stands_in_the_log_only(self):
        service = self.service()
        service.sql("PRAGMA wal_autocheckpoint=0")
        service.sql("INSERT INTO orders(status) SELECT hex(randomblob(2000)) FROM pragma_function_list")
        service.sql("DELETE FROM orders")
        service.sql("PRAGMA user_version=17")
        self.agent()
        self.wait_for("user_version", 17)
        free = service.sql("PRAGMA freelist_count")[0][0]
        self.assertGreater(free, 100)
        page = self.page()
        self.assertEqual(page.value("sidewatch_sqlite_freelist_pages"), free)
        self.assertEqual(page.value("sidewatch_sqlite_freelist_bytes"), free * 4096)
        self.assertAlmostEqual(page.value("sidewatch_sqlite_freelist_ratio"),
                               free / service.sql("PRAGMA page_count")[0][0])

    def test_what_the_service_commits_is_counted_in_rollback_mode(self):
        service = self.service(mode="delete", rows=10)
        self.agent(COUNTED)
        self.wait_for("table_rows", 10, table="orders")
        commits = self.value("commits_total")
        for _ in range(25):
            service.sql("INSERT INTO orders(status) VALUES('paid')")
        self.wait_for("commits_total", commits + 25)
        self.wait_for("table_rows", 35, table="orders")

    def test_who_writes_for_long_is_timed(self):
        for mode in ("wal", "delete"):
            with self.subTest(mode):
                self.path = os.path.join(self.data, mode + ".db")
                service = self.service(mode=mode)
                self.agent()
                self.wait_for("writer_active", 0)
                service.sql("BEGIN IMMEDIATE")
                self.wait_for("writer_active", 1)
                self.wait_for("write_lock_held_seconds", lambda seconds: seconds >= 0.3)
                self.assertEqual(self.value("readable"), 1, "readers are not kept out")
                service.sql("COMMIT")
                self.wait_for("writer_active", 0)
                self.assertEqual(self.value("write_lock_held_seconds"), 0)
                self.watching.stop()

    def test_a_reader_that_holds_a_checkpoint_up_is_timed(self):
        service = self.service(rows=1)
        service.sql("BEGIN", by="report")
        service.sql("SELECT count(*) FROM orders", by="report")
        for _ in range(20):
            service.sql("INSERT INTO orders(status) VALUES('paid')")
        self.agent()
        self.wait_for("wal_reader_lag_frames", 20)
        self.wait_for("wal_oldest_reader_seconds", lambda seconds: seconds >= 0.3)
        self.assertEqual(service.sql("PRAGMA wal_checkpoint(TRUNCATE)")[0][0], 1, "it cannot copy all")
        self.wait_for("wal_backlog_frames", 20)
        service.sql("COMMIT", by="report")
        self.wait_for("wal_reader_lag_frames", 0)
        self.assertEqual(self.value("wal_oldest_reader_seconds"), 0)
        self.assertEqual(service.sql("PRAGMA wal_checkpoint(TRUNCATE)")[0][0], 0)
        self.wait_for("wal_size_bytes", 0)

    def test_soundness_is_told(self):
        self.service(rows=3)
        self.agent("      integrity: {every: 1m}\n")
        self.wait_for("integrity_ok", 1)
        self.assertEqual(self.value("integrity_check_finished"), 1)


class LeavesNoTrace(SqliteTest):
    def test_nothing_about_the_files_changes_while_the_agent_looks_and_asks(self):
        for mode in ("wal", "delete", "persist"):
            with self.subTest(mode):
                self.path = os.path.join(self.data, mode + ".db")
                service = self.service(mode=mode, rows=5)
                before = state_of(self.path)
                self.agent(COUNTED + "      integrity: {every: 1m}\n" +
                           QUERY.format(timeout="2s", sql="SELECT count(*) AS n FROM orders"))
                self.wait_for("integrity_ok", 1)
                wait_until(lambda: self.page().matching("shop_orders") == [5], "the query")
                self.some_passes()
                self.watching.terminate()
                self.assertEqual(state_of(self.path), before)
                service.sql("INSERT INTO orders(status) VALUES('x')")

    def test_the_agent_opens_nothing_to_write_and_takes_no_lock_but_a_readers(self):
        trace = os.path.join(self.directory, "trace")
        self.service(rows=5)
        self.agent(COUNTED + "      integrity: {every: 1m}\n",
                   wrapper=["strace", "-D", "-f", "-y", "-o", trace, "-e", "trace=file,desc,fcntl,ftruncate"],
                   environment={"ASAN_OPTIONS": "detect_leaks=0"})
        self.wait_for("integrity_ok", 1)
        self.wait_for("table_rows", 5, table="orders")
        self.some_passes()
        self.watching.terminate()
        with open(trace, errors="replace") as file:
            calls = [line for line in file if self.path in line]
        self.assertTrue([call for call in calls if "F_RDLCK" in call], "a reader's lock is seen")
        wrong = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|unlink|rename|truncate|pwrite|\bwrite\(|fallocate|chmod"
                           r"|chown|\blink\(|F_(OFD_)?SETLKW?, \{l_type=F_WRLCK")
        self.assertEqual([call for call in calls if wrong.search(call)], [])

    def test_a_user_who_may_only_read_sees_everything(self):
        if os.getuid() != 0:
            self.skipTest("another user is needed")
        os.chmod(self.directory, 0o777)
        service = self.service(rows=5)
        before = state_of(self.path)
        self.agent(COUNTED, wrapper=NOBODY)
        self.wait_for("table_rows", 5, table="orders")
        self.assertEqual(self.value("wal_in_use"), 1)
        self.watching.terminate()
        self.assertEqual(state_of(self.path), before)
        service.sql("INSERT INTO orders(status) VALUES('x')")

    def test_the_rights_that_are_documented_are_enough_and_no_more_is_given(self):
        if os.getuid() != 0:
            self.skipTest("other users are needed")
        owner, group = 12345, 23456
        os.chmod(self.directory, 0o777)
        os.chmod(self.data, 0o750)
        os.chown(self.data, owner, group)
        os.chmod(self.data, 0o2750)  # g+xs
        with open(self.path, "wb"):
            os.chown(self.path, owner, group)
            os.chmod(self.path, 0o640)  # g+r
        service = self.service(rows=5, user=owner)
        self.agent(COUNTED, wrapper=["setpriv", "--reuid=65534", "--regid=65534", f"--groups={group}"])
        self.wait_for("table_rows", 5, table="orders")
        self.assertEqual(self.value("readable"), 1)
        self.watching.terminate()
        self.assertEqual({status[2:] for status in state_of(self.path).values()}, {(owner, group, 0o100640)})
        service.sql("INSERT INTO orders(status) VALUES('x')")

    def test_a_service_that_waits_for_no_lock_writes_at_full_speed_in_wal_mode(self):
        service = self.service(patience=0)
        self.agent(COUNTED + QUERY.format(timeout="2s", sql="SELECT count(*) AS n FROM orders"))
        self.wait_for("readable", 1)
        count, longest = service.write_for(3)
        self.assertGreater(count, 500)
        self.assertLess(longest, 2)
        self.wait_for("table_rows", count, table="orders")

    def test_a_service_that_waits_a_second_is_never_refused_in_rollback_mode(self):
        service = self.service(mode="delete", patience=1)
        self.agent(QUERY.format(timeout="10s", sql="WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) "
                                                   "SELECT count(*) AS n FROM c, orders"))
        service.sql("INSERT INTO orders(status) VALUES('x')")
        count, longest = service.write_for(3)
        self.assertGreater(count, 50)
        self.assertLess(longest, 1)
        wait_until(lambda: self.log_lines("given up for a program that waited to write"), "the query to give way")
        self.assertEqual(self.page().value("sidewatch_database_errors_total", query="orders"), 1)

    def test_the_log_is_removed_when_the_service_ends_as_if_there_were_no_agent(self):
        service = self.service(rows=1)
        self.agent()
        self.wait_for("wal_in_use", 1)
        for _ in range(20):  # it may look just at this moment, and then the next to close removes the log
            service.close()
            if not os.path.exists(self.path + "-wal"):
                break
            service.sql("SELECT 1 FROM orders")
        self.assertEqual(os.listdir(self.data), ["app.db"])
        self.wait_for("wal_in_use", 0)
        self.some_passes()
        self.assertEqual(os.listdir(self.data), ["app.db"])
        self.assertEqual(self.log_lines("level=warn"), [])

    def test_a_query_that_writes_is_refused(self):
        service = self.service(rows=5)
        self.agent(QUERY.format(timeout="2s", sql="DELETE FROM orders RETURNING 1 AS n"))
        wait_until(lambda: self.log_lines("query 'orders': refused: not one statement that only reads"), "the refusal")
        self.assertEqual(service.sql("SELECT count(*) FROM orders"), [[5]])


class Faults(SqliteTest):
    def test_a_writer_that_is_killed_in_wal_mode_leaves_all_to_its_successor(self):
        service = self.service(rows=30)
        self.agent(COUNTED)
        self.wait_for("table_rows", 30, table="orders")
        service.kill()
        self.wait_for("wal_in_use", 0)
        before = state_of(self.path)
        self.assertEqual(self.value("wal_size_bytes"), os.path.getsize(self.path + "-wal"))
        self.some_passes()
        self.assertEqual(state_of(self.path), before)
        self.assertEqual(self.value("up"), 1)
        self.assertIsNone(self.value("readable"))
        self.assertEqual(self.log_lines("level=warn"), [])
        service.start()
        self.assertEqual(service.sql("SELECT count(*) FROM orders"), [[30]])
        self.wait_for("wal_in_use", 1)
        self.wait_for("table_rows", 30, table="orders")

    def test_a_transaction_that_was_left_half_done_is_told_and_left_to_its_successor(self):
        service = self.service(mode="delete", rows=30)
        self.agent(COUNTED)
        self.wait_for("table_rows", 30, table="orders")
        service.sql("PRAGMA cache_size=1")
        service.sql("PRAGMA synchronous=FULL")
        service.sql("BEGIN")
        service.sql("UPDATE orders SET status = hex(randomblob(3000))")
        service.kill()
        self.wait_for("journal_hot", 1)
        self.assertEqual(self.value("readable"), 0)
        before = state_of(self.path)
        self.assertIn("app.db-journal", before)
        self.some_passes()
        self.assertEqual(state_of(self.path), before)
        self.assertEqual(len(self.log_lines("left half done")), 1)
        service.start()
        self.assertEqual(service.sql("SELECT count(*) FROM orders WHERE status = 'open'"), [[30]])
        self.wait_for("journal_hot", 0)
        self.wait_for("readable", 1)
        self.assertNotIn("app.db-journal", state_of(self.path))

    def test_a_database_that_is_locked_against_all_readers_is_told_once(self):
        service = self.service(mode="delete", rows=1)
        self.agent(COUNTED)
        self.wait_for("readable", 1)
        service.sql("BEGIN EXCLUSIVE")
        self.wait_for("readable", 0)
        self.assertGreater(self.value("reader_wait_seconds"), 0.1)
        self.assertEqual(self.value("up"), 1)
        self.some_passes()
        self.assertEqual(len(self.log_lines("is locked against all readers")), 1)
        service.sql("COMMIT")
        self.wait_for("readable", 1)
        self.wait_for("reader_wait_seconds", 0)

    def test_a_file_that_is_replaced_or_removed_is_followed(self):
        service = self.service(mode="delete", rows=1)
        self.agent(COUNTED)
        self.wait_for("table_rows", 1, table="orders")
        service.sql("INSERT INTO orders(status) VALUES('x')")
        backup = os.path.join(self.directory, "backup.db")
        shutil.copy(self.path, backup)
        os.unlink(self.path)
        self.wait_for("up", 0)
        self.assertEqual(len(self.log_lines("there is no file")), 1)
        os.replace(backup, self.path)
        self.wait_for("up", 1)
        self.wait_for("table_rows", 2, table="orders")

    def test_a_file_that_may_not_be_read_is_told_with_what_to_do(self):
        if os.getuid() != 0:
            self.skipTest("another user is needed")
        os.chmod(self.directory, 0o777)
        self.service(rows=1)
        os.chmod(self.path, 0o600)
        self.agent(wrapper=NOBODY)
        self.wait_for("up", 0)
        self.assertEqual(len(self.log_lines("the agent's user needs to be allowed to read the file")), 1)
        os.chmod(self.path, 0o644)
        self.wait_for("up", 1)
        os.chmod(self.path + "-shm", 0o600)
        self.wait_for("readable", 0)
        wait_until(lambda: self.log_lines("app.db-shm may not be read"), "the trouble with the log")

    def test_a_filesystem_that_hangs_costs_only_this_database(self):
        self.service(mode="delete", rows=1)
        trace = os.path.join(self.directory, "trace")
        self.agent("      timeout: 200ms\n",
                   wrapper=["strace", "-D", "-f", "-o", trace, "-P", self.path, "-e", "trace=openat",
                            "-e", "inject=openat:delay_enter=3000000:when=3"],
                   environment={"ASAN_OPTIONS": "detect_leaks=0"})
        self.wait_for("up", 0)
        wait_until(lambda: len(self.log_lines("the filesystem of the file does not answer")) == 1, "one line of the log")
        before = self.passes()
        wait_until(lambda: self.passes() > before + 2, "the collector to go on")
        self.wait_for("up", 1)

    def test_a_query_that_takes_too_long_is_ended_and_the_others_go_on(self):
        self.service(rows=3)
        endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) AS n FROM c"
        self.agent(COUNTED + QUERY.format(timeout="200ms", sql=endless))
        wait_until(lambda: self.log_lines("query 'orders': it took longer than 200ms"), "the end of the query")
        self.wait_for("table_rows", 3, table="orders")
        self.assertEqual(self.page().value("sidewatch_database_errors_total", query="orders", reason="timeout"), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
