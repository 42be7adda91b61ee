"""What is served of PostgreSQL beside postgres_exporter (Debian's 0.11.1) on the same server, every difference with its
reason, and how much of what well-known dashboards ask for is there.
"""

import os
import subprocess
import sys
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from exposition import Page, compare  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from postgresql import Postgresql  # noqa: E402
from servers import free_port  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DASHBOARDS = ["9628", "455", "postgres_exporter-alerts"]

CONFIG = """
agent: {{interval: 200ms, state_dir: "{directory}/state"}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  self: {{}}
  postgresql:
    - {{name: main, dsn: "host=127.0.0.1 port={port} dbname=postgres user=postgres", interval: 500ms}}
"""

# Of names that begin with pg_; the label `server` is 0.11's own and left out.
REASONS = {
    r"pg_exporter_scrapes_total: missing": "counts the exporter's own scrapes; here nothing waits for a scrape",
    r"pg_scrape_collector_(duration_seconds|success): missing":
        "of the exporter's parts; here sidewatch_database_query_duration_seconds and sidewatch_database_errors_total",
    r"pg_stat_database_\w+\{datid=0,datname=\}: missing":
        "the shared catalogs are no database; the exporter left them out later",
    r"pg_stat_database_(active_time|session_time|idle_in_transaction_time|sessions|sessions_\w+|checksum_failures): "
    r"type counter and not untyped": "0.11 does not know these columns and says nothing about them",
    r"pg_stat_database_checksum_last_failure: missing": "0.11 says NaN where there was none; here it is absent",
    r"pg_stat_database_checksum_failures: missing": "0.11 says NaN where there are no checksums; here it is absent",
    r"pg_settings_(statement_timeout_seconds|lock_timeout_seconds|jit|idle_in_transaction_session_timeout_seconds|"
    r"(default_)?transaction_read_only): missing":
        "the session has its own, and the server's are not to be seen then; absent is better than wrong",
    r"pg_stat_archiver_last_archive_age: missing": "0.11 says NaN where nothing was archived; here it is absent",
    r"pg_replication_slots_(active|pg_wal_lsn_diff)\{(database=,)?slot_name=to_standby\}: (missing|ours alone)":
        "to Prometheus a label that is empty is none, and none is what is written here",
    r"pg_stat_activity_(count|max_tx_duration)\{.*\}: (missing|ours alone)":
        "since 0.12 also by user, application, backend type and wait event",
}


class BesideTheExporter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = temporary_directory()
        cls.addClassCleanup(temporary.cleanup)
        directory = temporary.name
        cls.server = Postgresql(os.path.join(directory, "pg")).make().start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.psql(["CREATE DATABASE shop", "CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 100) g",
                         "SELECT pg_create_physical_replication_slot('to_standby', true)"])
        cls.agent = Agent(CONFIG.format(port=cls.server.port, directory=directory), directory).start()
        cls.addClassCleanup(cls.agent.stop)
        wait_until(lambda: cls.ours().matching("pg_up") == [1.0], "pg_up 1")

    @classmethod
    def ours(cls):
        return Page(cls.agent.request("/metrics")[2].decode(), without_labels=("instance",))

    def exporter_page(self):
        port = free_port()
        environment = dict(os.environ, DATA_SOURCE_NAME=f"postgresql://postgres@127.0.0.1:{self.server.port}/postgres"
                                                        "?sslmode=disable")
        exporter = subprocess.Popen(["prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{port}"],
                                    env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        try:
            def ask():
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                        return answer.read().decode()
                except OSError:
                    return None
            text = wait_until(ask, "the exporter")
        finally:
            exporter.kill()
            exporter.wait()
        return text

    def test_every_difference_has_its_reason(self):
        session = self.server.session()  # that both see
        self.addCleanup(session.close)
        wait_until(lambda: self.ours().matching("pg_stat_activity_count", state="idle", application_name="psql") == [1.0],
                   "the session")
        lines = [line for line in self.exporter_page().splitlines() if line.startswith(("pg_", "# TYPE pg_"))]
        theirs = Page("\n".join(lines), without_labels=("server",))
        self.assertGreater(len(theirs.names()), 300)
        different, unused = compare(self.ours(), theirs, REASONS)
        self.assertEqual(different, [])
        self.assertEqual(unused, [])

    def test_settings_have_the_exporters_values(self):
        theirs = Page("\n".join(line for line in self.exporter_page().splitlines() if line.startswith("pg_settings_")),
                      without_labels=("server",))
        ours = self.ours()
        its_own = {"pg_settings_extra_float_digits"}  # the exporter's driver sets it
        for name in sorted(theirs.names() & ours.names() - its_own):
            self.assertAlmostEqual(ours.value(name), theirs.value(name), places=6, msg=name)

    def test_dashboards_fill(self):
        page = self.ours()
        for dashboard in DASHBOARDS:
            with open(os.path.join(ROOT, "tests", "cases", "dashboards", dashboard + ".txt"), encoding="utf-8") as file:
                wanted = [line.split() for line in file if line.strip() and not line.startswith("#")]
            served = [name for name, *labels in wanted
                      if any(set(labels) <= {key for key, _ in have} for have in page.label_sets(name))]
            print(f"{dashboard}: {len(served)} of {len(wanted)} metrics", file=sys.stderr)
            self.assertEqual({name for name, *_ in wanted} - set(served), set(), dashboard)


if __name__ == "__main__":
    unittest.main()
