"""What the agent tells of Redis and memcached beside what people are used to: the same server asked by Debian's
redis_exporter, every difference listed with its reason, and the share of public dashboards' names that are served.
"""

import os
import subprocess
import sys
import time
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from exposition import Page, compare  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from memcached import Memcached  # noqa: E402
from redis import Redis  # noqa: E402
from servers import free_port  # noqa: E402

DASHBOARDS = os.path.join(os.path.dirname(__file__), "..", "cases", "dashboards")

CONFIG = """
agent: {{interval: 200ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  redis:
    - name: primary
      address: 127.0.0.1:{primary}
      check_keys: [{{key: queue}}, {{key: k1}}, {{pattern: "k*", count: true}},
                   {{pattern: "order?", groups: true}}]
    - {{name: replica, address: "127.0.0.1:{replica}"}}
  memcached:
    - {{name: sessions, address: "127.0.0.1:{memcached}"}}
"""

SLOW = ("local t = redis.call('TIME'); local e; repeat e = redis.call('TIME') until "
        "(e[1]-t[1])*1000000+(e[2]-t[2]) > 50000; return 1")

# Differences to redis_exporter 1.45 (Debian 12), and why they are.
REASONS = {
    r"redis_exporter_(build_info|scrapes_total|scrape_duration_seconds_(sum|count)): missing":
        "about the exporter itself; sidewatch_collector_* tell that of the agent",
    r"redis_exporter_last_scrape_connect_time_seconds: missing": "the connection is kept",
    r"redis_target_scrape_request_errors_total: missing": "there are no targets to ask for over HTTP",
    r"redis_last_key_groups_scrape_duration_milliseconds: missing": "there are no key groups",
    r"redis_exporter_last_scrape_error\{err=\}: missing": "an error's text is in the log and no label",
    r"redis_exporter_last_scrape_error\{\}: ours alone": "the same",
    r"redis_db_keys(_expiring)?\{db=db([1-9]|1[0-5])\}: missing":
        "a database that never had a key has no series; redis_exporter has one for each that there might be",
    r"redis_expired_time_cap_reached_total: type counter and not gauge": "it is a counter since redis_exporter 1.5x",
    r"redis_instance_info\{.*\}: (missing|ours alone)": "master_replid is a label since redis_exporter 1.5x",
}


def names_of(dashboard):
    with open(os.path.join(DASHBOARDS, dashboard + ".txt"), encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


class BesideTheExporter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = temporary_directory()
        cls.addClassCleanup(cls.directory.cleanup)
        path = cls.directory.name
        os.chmod(path, 0o755)
        cls.primary = cls.started(Redis(os.path.join(path, "primary"), options={
            "maxmemory": "50mb", "latency-monitor-threshold": 40, "slowlog-log-slower-than": 40000, "appendonly": "yes",
            "repl-diskless-sync-delay": 0}))
        cls.replica = cls.started(Redis(os.path.join(path, "replica"), options={
            "replicaof": ["127.0.0.1", cls.primary.port], "repl-diskless-sync-delay": 0}))
        cls.memcached = cls.started(Memcached(os.path.join(path, "memcached")))
        client = cls.primary.connect()
        for number in range(20):
            client.ask("SET", f"k{number}", number, "EX", 1000)
        client.ask("GET", "k1")
        client.ask("GET", "nothing")
        client.ask("RPUSH", "queue", 1, 2, 3)
        client.ask("EVAL", SLOW, 0)
        client.close()
        cls.agent = Agent(CONFIG.format(primary=cls.primary.port, replica=cls.replica.port,
                                        memcached=cls.memcached.port), path)
        cls.addClassCleanup(cls.agent.stop)
        cls.agent.start()

    @classmethod
    def started(cls, server):
        cls.addClassCleanup(server.stop)
        return server.start()

    def page(self, instance=None):
        text = self.agent.request("/metrics")[2].decode()
        if instance:
            text = "\n".join(line for line in text.splitlines()
                             if line.startswith("#") or f'instance="{instance}"' in line)
        return Page(text, without_labels=("instance",))

    def exporter(self, server, *options):
        port = free_port()
        process = subprocess.Popen(
            ["prometheus-redis-exporter", f"-redis.addr=redis://127.0.0.1:{server.port}", "-include-system-metrics",
             f"-web.listen-address=127.0.0.1:{port}", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def ask():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                    text = answer.read().decode()
            except OSError:
                return None
            return Page("\n".join(line for line in text.splitlines() if "redis_" in line))
        wait_until(ask, "redis_exporter to answer")
        return ask

    def differences(self, instance, ask, reasons):
        """Until both have seen each other's commands: which commands there are is told by both."""
        left = unused = None
        end = time.monotonic() + 15
        while time.monotonic() < end:
            theirs = ask()
            time.sleep(0.6)
            left, unused = compare(self.page(instance), theirs, reasons)
            if not left and not unused:
                break
        return left, unused

    def test_on_a_primary_every_difference_has_a_reason(self):
        wait_until(lambda: self.page("primary").matching("redis_connected_slaves") == [1], "the replica")
        ask = self.exporter(self.primary, "-check-single-keys=db0=queue,db0=k1", "-count-keys=db0=k*")
        self.assertEqual(self.differences("primary", ask, REASONS), ([], []))

    def test_streams_are_told_of_under_the_same_names(self):
        client = self.primary.connect()
        self.addCleanup(client.close)
        self.addCleanup(client.ask, "DEL", "orders")
        client.ask("XADD", "orders", "1000-0", "id", 1)
        client.ask("XADD", "orders", "2000-0", "id", 2)
        client.ask("XGROUP", "CREATE", "orders", "mail", 0)
        client.ask("XREADGROUP", "GROUP", "mail", "anna", "COUNT", 1, "STREAMS", "orders", ">")
        wait_until(lambda: self.page("primary").matching("redis_stream_length") == [2], "the stream")
        theirs, ours = self.exporter(self.primary, "-check-single-streams=db0=orders")(), self.page("primary")
        names = [name for name in theirs.names() if name.startswith("redis_stream_")]
        self.assertGreaterEqual(len(names), 10)
        for name in names:
            self.assertEqual(ours.label_sets(name), theirs.label_sets(name), name)
            if not name.endswith("idle_seconds"):
                self.assertEqual(ours.matching(name), theirs.matching(name), name)

    def test_on_a_replica_too(self):
        wait_until(lambda: self.page("replica").matching("redis_master_link_up") == [1], "the primary")
        self.assertEqual(self.differences("replica", self.exporter(self.replica), REASONS), ([], []))

    def test_the_values_are_the_same_where_nothing_moves(self):
        ask = self.exporter(self.primary)
        for name in ("redis_memory_max_bytes", "redis_db_keys", "redis_slowlog_length",
                     "redis_last_slow_execution_duration_seconds", "redis_slowlog_last_id", "redis_process_id",
                     "redis_config_maxclients", "redis_aof_enabled", "redis_replication_backlog_bytes",
                     "redis_latency_spike_duration_seconds", "redis_latency_spike_last"):
            labels = {"db": "db0"} if name == "redis_db_keys" else {}
            labels = {"event_name": "command"} if "spike" in name else labels
            wait_until(lambda: abs(self.page("primary").value(name, **labels) - ask().value(name, **labels)) < 1e-7, name)

    def test_dashboards_find_their_names(self):
        wait_until(lambda: "redis_master_last_io_seconds_ago" in self.page().names(), "the replica")
        served = self.page().names()
        for dashboard in ("763", "redis-mixin", "memcached-mixin"):
            names = names_of(dashboard)
            self.assertGreater(len(names), 10)
            found = [name for name in names if name in served]
            print(f"dashboard {dashboard}: {len(found)} of {len(names)} names are served")
            self.assertEqual(found, names, dashboard)


if __name__ == "__main__":
    unittest.main(verbosity=2)
