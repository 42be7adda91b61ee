#!/usr/bin/env python3
"""What watching databases costs: an agent without them, with each engine, and with PostgreSQL, MariaDB, Redis and
SQLite together, beside the three exporters of Debian (there is none for SQLite).

    tests/bench/database_bench.py [--seconds 30] [--binary build/release/agent/sidewatch]

Every agent samples at a 1 s interval, every exporter is scraped once a second (it asks its server when it is scraped);
the servers are idle, and all on this machine. Reported: series, PSS, CPU per minute. The agent has no other collector
but the one of itself. The budget: all four engines under 20 MiB.
"""

import argparse
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from mysql import MariaDb  # noqa: E402
from postgresql import Postgresql  # noqa: E402
from redis import Redis  # noqa: E402
from servers import free_port  # noqa: E402
from sqlite import Service  # noqa: E402
from whole_process import Target, cpu_seconds, pss_kib  # noqa: E402

BUDGET_MIB = 20


class Databases:
    def __init__(self, directory):
        os.chmod(directory, 0o711)
        self.postgresql = Postgresql(os.path.join(directory, "pg")).make().start()
        self.mysql = MariaDb(os.path.join(directory, "my")).start()
        self.mysql.sql("CREATE USER sidewatch@'%' IDENTIFIED BY 'secret'; GRANT PROCESS, SELECT, SLAVE MONITOR, "
                       "REPLICATION CLIENT ON *.* TO sidewatch@'%'")
        self.redis = Redis(os.path.join(directory, "redis")).start()
        self.sqlite = Service(os.path.join(directory, "app.db"), rows=100)

    def entries(self):
        return {
            "postgresql": f"dsn: host={self.postgresql.directory} port={self.postgresql.port} dbname=postgres "
                          "user=postgres",
            "mysql": f"address: 127.0.0.1:{self.mysql.port}, user: sidewatch, password: secret",
            "redis": f"address: 127.0.0.1:{self.redis.port}",
            "sqlite": f"path: {self.sqlite.path}, tables: [orders]",
        }

    def exporters(self):
        """name: (command without its port, environment)"""
        socket = f"{self.postgresql.directory}"
        return {
            "postgres_exporter": (["prometheus-postgres-exporter", "--web.listen-address=127.0.0.1:PORT"],
                                  {"DATA_SOURCE_NAME": f"host={socket} port={self.postgresql.port} user=postgres "
                                                       "dbname=postgres sslmode=disable"}),
            "mysqld_exporter": (["prometheus-mysqld-exporter", "--web.listen-address=127.0.0.1:PORT"],
                                {"DATA_SOURCE_NAME": f"sidewatch:secret@tcp(127.0.0.1:{self.mysql.port})/"}),
            "redis_exporter": (["prometheus-redis-exporter", "-web.listen-address=127.0.0.1:PORT",
                                f"-redis.addr=redis://127.0.0.1:{self.redis.port}"], {}),
        }

    def stop(self):
        self.sqlite.stop()
        for server in (self.redis, self.mysql, self.postgresql):
            server.stop()


def start_agent(binary, directory, name, entries):
    port = free_port()
    collectors = "".join(f"  {engine}: [{{name: main, {text}}}]\n" for engine, text in entries.items())
    path = os.path.join(directory, name + ".yaml")
    with open(path, "w") as file:
        file.write(f"agent: {{interval: 1s}}\nhttp: {{listen: 127.0.0.1:{port}}}\n" +
                   (f"collectors:\n{collectors}" if entries else ""))
    return Target(name.replace(" ", "-"), [binary, "run", "--config", path], port, directory)


def measure(target, seconds):
    """(series, PSS in MiB, CPU seconds per minute), scraped once a second after a warm-up."""
    for _ in range(5):
        target.scrape()
        time.sleep(1)
    before, began = cpu_seconds(target.pid), time.monotonic()
    for _ in range(seconds):
        target.scrape()
        time.sleep(1)
    cpu = (cpu_seconds(target.pid) - before) / (time.monotonic() - began) * 60
    return target.series(), pss_kib(target.pid) / 1024, cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--binary", default="build/release/agent/sidewatch")
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    results = {}
    with tempfile.TemporaryDirectory(prefix="sidewatch-bench-") as directory:
        databases = Databases(directory)
        try:
            entries = databases.entries()
            agents = {"no database": {}, **{engine: {engine: text} for engine, text in entries.items()},
                      "all four": entries}
            for name, some in agents.items():
                target = start_agent(binary, directory, name, some)
                results["sidewatch, " + name] = measure(target, options.seconds)
                target.stop()
            for name, (command, environment) in databases.exporters().items():
                port = free_port()
                os.environ.update(environment)
                target = Target(name, [word.replace("PORT", str(port)) for word in command], port, directory)
                results[name] = measure(target, options.seconds)
                target.stop()
        finally:
            databases.stop()
    print(f"{'':24}{'series':>8}{'PSS MiB':>10}{'CPU s/min':>11}")
    for name, (series, pss, cpu) in results.items():
        print(f"{name:24}{series:8}{pss:10.1f}{cpu:11.3f}")
    peers = [results[name] for name in databases.exporters()]
    print(f"{'the three exporters':24}{sum(p[0] for p in peers):8}{sum(p[1] for p in peers):10.1f}"
          f"{sum(p[2] for p in peers):11.3f}")
    pss = results["sidewatch, all four"][1]
    print(f"budget for all four: {BUDGET_MIB} MiB, {'kept' if pss < BUDGET_MIB else 'BROKEN'}")
    return 0 if pss < BUDGET_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
