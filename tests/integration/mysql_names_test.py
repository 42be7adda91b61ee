"""What is served of MariaDB beside mysqld_exporter (Debian's 0.14.0) on the same server, every difference with its
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
from mysql import MariaDb  # noqa: E402
from servers import free_port  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

CONFIG = """
agent: {{interval: 300ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  mysql:
    - {{name: main, address: "127.0.0.1:{port}", user: watch, password: watch, innodb_metrics: true,
        auto_increment: true, binary_logs: true, user_statistics: true}}
"""

ON_REQUEST = ["--collect.info_schema.processlist", "--collect.info_schema.tables", "--collect.info_schema.innodb_metrics",
              "--collect.auto_increment.columns", "--collect.binlog_size", "--collect.info_schema.userstats"]

REASONS = {
    r"mysql_exporter_collector_duration_seconds\{collector=collect\.(schemas|info_schema\.(innodb_trx|"
    r"tables\.rows|tables\.version))\}: ours alone": "queries that the exporter has not, or has in one",
    r"mysql_info_schema_auto_increment_column(_max)?\{.*schema=mysql,.*\}: missing": "the server's own schemas are left out",
    r"mysql_info_schema_table_(rows|size)\{.*schema=sys,.*\}: missing": "the server's own schemas are left out",
    r"mysql_(version_info|info_schema_table_version)\{.*\}: (missing|ours alone)":
        "to Prometheus a label that is empty is none, and none is what is written here",
}

# What no current server has; the panels are empty with the exporter as well.
GONE = {
    "mysql_global_variables_innodb_additional_mem_pool_size": "MySQL before 5.7",
    "mysql_global_variables_tokudb_cache_size": "TokuDB",
}


class BesideTheExporter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = temporary_directory()
        cls.addClassCleanup(temporary.cleanup)
        cls.directory = temporary.name
        os.chmod(cls.directory, 0o755)
        cls.server = MariaDb(os.path.join(cls.directory, "db"), "--log-bin=bin", "--server-id=1",
                             "--userstat=ON")
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        cls.server.sql("CREATE USER watch@'127.0.0.1' IDENTIFIED BY 'watch'; GRANT ALL ON *.* TO watch@'127.0.0.1';"
                       "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT);"
                       "INSERT INTO shop.orders VALUES (1), (2)")
        cls.agent = Agent(CONFIG.format(port=cls.server.port), cls.directory).start()
        cls.addClassCleanup(cls.agent.stop)
        session = cls.server.session()  # that both see
        cls.addClassCleanup(session.close)
        session.sql("SELECT 1")
        wait_until(lambda: cls.ours().matching("mysql_info_schema_processlist_processes_by_user", mysql_user="root"),
                   "the session")

    @classmethod
    def ours(cls):
        return Page(cls.agent.request("/metrics")[2].decode(), without_labels=("instance",))

    def exporter_page(self):
        port = free_port()
        options = os.path.join(self.directory, "exporter.cnf")
        with open(options, "w") as file:
            file.write(f"[client]\nuser=watch\npassword=watch\nhost=127.0.0.1\nport={self.server.port}\n")
        exporter = subprocess.Popen(["prometheus-mysqld-exporter", f"--config.my-cnf={options}",
                                     f"--web.listen-address=127.0.0.1:{port}", *ON_REQUEST],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            def ask():
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
                        return answer.read().decode()
                except OSError:
                    return None
            text = wait_until(ask, "the exporter")
        finally:
            exporter.kill()
            exporter.wait()
        return Page("\n".join(line for line in text.splitlines() if line.startswith(("mysql_", "# TYPE mysql_"))))

    def test_every_difference_has_its_reason(self):
        theirs = self.exporter_page()
        self.assertGreater(len(theirs.names()), 800)
        theirs.values = {(name, labels): value for (name, labels), value in theirs.values.items()
                         # the other's own session, which each sees
                         if ("mysql_user", "watch") not in labels and ("client_host", "127.0.0.1") not in labels}
        ours = self.ours()
        different, unused = compare(ours, theirs, REASONS)
        # What a session does at one moment it need not do at the next.
        of_the_moment = ("mysql_user=watch", "client_host=127.0.0.1", "{command=query,state=")
        different = [line for line in different if not any(part in line for part in of_the_moment)]
        self.assertEqual(different, [])
        self.assertEqual(unused, [])

    def test_variables_have_the_exporters_values(self):
        ours, theirs = self.ours(), self.exporter_page()
        compared = [name for name in theirs.names() if name.startswith("mysql_global_variables_")]
        self.assertGreater(len(compared), 400)
        of_the_moment = {"mysql_global_variables_gtid_binlog_pos", "mysql_global_variables_gtid_current_pos"}
        for name in sorted(set(compared) - of_the_moment):
            self.assertEqual(ours.value(name), theirs.value(name), name)

    def test_dashboards_fill(self):
        page = self.ours()
        for dashboard in ("7362", "11323"):
            with open(os.path.join(ROOT, "tests", "cases", "dashboards", dashboard + ".txt"), encoding="utf-8") as file:
                wanted = [line.split() for line in file if line.strip() and not line.startswith("#")]
            served = [name for name, *labels in wanted
                      if any(set(labels) <= {key for key, _ in have} for have in page.label_sets(name))]
            print(f"{dashboard}: {len(served)} of {len(wanted)} metrics", file=sys.stderr)
            self.assertEqual({name for name, *_ in wanted} - set(served), set(GONE), dashboard)


if __name__ == "__main__":
    unittest.main()
