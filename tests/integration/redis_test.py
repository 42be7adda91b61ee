"""Redis, watched by the real agent: values are held against what the test did, and faults cost what they must and no
more.
"""

import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from exposition import Page  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from impostor import Impostor  # noqa: E402
from redis import Redis, Sentinel  # noqa: E402
from servers import free_port  # noqa: E402

CONFIG = """
agent: {{interval: 200ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  redis:
{servers}
"""
TROUBLE = "sidewatch_database_errors_total"


def entry(name, address, more=""):
    return f"    - {{name: {name}, address: \"{address}\", timeout: 1s{', ' + more if more else ''}}}"


class Servers(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)

    def path(self, name):
        path = os.path.join(self.directory.name, name)
        os.makedirs(path, exist_ok=True)
        return path

    def redis(self, name="redis", **keywords):
        server = Redis(self.path(name), **keywords)
        self.addCleanup(server.stop)
        return server.start()

    def watch(self, *entries):
        agent = Agent(CONFIG.format(servers="\n".join(entries)), self.path("agent"))
        self.addCleanup(agent.stop)
        self.agent = agent.start()
        return self.agent

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def value(self, name, **labels):
        found = self.page().matching(name, **labels)
        return found[0] if len(found) == 1 else None

    def wait_for(self, name, expected, **labels):
        """Until the one series has this value, or one for which `expected` holds."""
        holds = expected if callable(expected) else lambda value: value == expected
        seen = []

        def check():
            seen[:] = self.page().matching(name, **labels)
            return len(seen) == 1 and holds(seen[0])
        try:
            wait_until(check, name, pause=0.05)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; it is {seen} {labels}; log:\n{self.agent.log()[-3000:]}") from None


class Values(Servers):
    def test_what_the_server_did_is_what_is_told(self):
        server = self.redis(options={"maxmemory": "6mb", "maxmemory-policy": "allkeys-lru", "maxclients": 50,
                                     "latency-monitor-threshold": 1, "slowlog-log-slower-than": 10000})
        self.watch(entry("cache", f"127.0.0.1:{server.port}",
                         "labels: {team: shop}, slowlog_entries: 2, latency_histogram: true, clients: true"))
        self.wait_for("redis_up", 1, instance="cache", team="shop")
        client = server.connect()
        self.addCleanup(client.close)
        for number in range(40):
            client.ask("SET", f"key{number}", "x" * 100, *(["EX", 1000] if number < 10 else []))
        for number in range(30):
            client.ask("GET", f"key{number}")
        for number in range(10):
            client.ask("GET", f"nothing{number}")
        client.ask("SELECT", 3)
        client.ask("SET", "elsewhere", 1)
        with self.assertRaises(RuntimeError):
            client.ask("LPUSH", "elsewhere", 1)
        client.ask("SELECT", 0)

        self.wait_for("redis_db_keys", 40, db="db0")
        self.wait_for("redis_db_keys_expiring", 10, db="db0")
        self.wait_for("redis_db_keys", 1, db="db3")
        self.wait_for("redis_keyspace_hits_total", 30)
        self.wait_for("redis_keyspace_misses_total", 10)
        self.wait_for("redis_commands_total", 40, cmd="get")
        self.wait_for("redis_commands_failed_calls_total", 1, cmd="lpush")
        self.wait_for("redis_errors_total", 1, err="WRONGTYPE")
        self.wait_for("redis_config_maxclients", 50)
        self.wait_for("redis_config_maxmemory", 6 * 1024 * 1024)
        self.wait_for("sidewatch_redis_clients_used_ratio", 2 / 50)
        page = self.page()
        self.assertEqual(page.value("redis_memory_max_bytes"), 6 * 1024 * 1024)
        self.assertAlmostEqual(page.value("sidewatch_redis_memory_used_ratio"),
                               page.value("redis_memory_used_bytes") / page.value("redis_memory_max_bytes"))
        self.assertEqual(page.value("redis_process_id"), server.process.pid)
        self.assertLess(abs(page.value("redis_start_time_seconds") - time.time()), 60)
        self.assertEqual(page.value("redis_commands_latencies_usec_count", cmd="get"), 40)
        self.assertEqual(page.value("redis_commands_latencies_usec_bucket", cmd="get", le="+Inf"), 40)
        self.assertEqual(page.value("redis_latency_percentiles_usec_count", cmd="get"), 40)
        self.assertEqual(page.types["redis_latency_percentiles_usec"], "summary")
        self.assertEqual(page.types["redis_commands_latencies_usec"], "histogram")
        self.assertEqual(page.value("sidewatch_redis_clients", host="127.0.0.1"), 1)
        self.assertEqual(page.value("sidewatch_redis_client_output_buffer_max_bytes"), 0)

        # A database whose last key is gone has none, and is not gone itself.
        client.ask("SELECT", 3)
        client.ask("DEL", "elsewhere")
        client.ask("SELECT", 0)
        self.wait_for("redis_db_keys", 0, db="db3")

        # A slow command: in the slow log with its name and nothing of its data, and a spike of latency.
        client.ask("EVAL", "local t = redis.call('TIME'); local e; repeat e = redis.call('TIME') until "
                   "(e[1]-t[1])*1000000+(e[2]-t[2]) > 50000; return 1", 0)
        self.wait_for("redis_slowlog_length", 1)
        self.wait_for("redis_last_slow_execution_duration_seconds", lambda value: 0.05 <= value < 5)
        self.assertEqual(len(self.page().matching("sidewatch_redis_slowlog_entry_duration_seconds", id="0")), 1)
        self.wait_for("redis_latency_spike_duration_seconds", lambda value: value >= 0.05, event_name="command")

        # A blocked client, and keys that have to go for want of memory.
        blocked = server.connect()
        self.addCleanup(blocked.close)
        blocked.send("BLPOP", "queue", 0)
        self.wait_for("redis_blocked_clients", 1)
        for number in range(100):
            client.ask("SET", f"large{number}", "x" * 100_000)
        self.wait_for("redis_evicted_keys_total", int(self.info(client, "stats", "evicted_keys")))
        self.assertGreater(self.value("redis_evicted_keys_total"), 0)
        self.wait_for("sidewatch_redis_memory_used_ratio", lambda value: 0.8 < value < 1.2)

    def test_clients_beyond_maxclients_are_counted_and_the_agent_says_when_it_is_one_of_them(self):
        server = self.redis(options={"maxclients": 4})
        agent = self.watch(entry("cache", f"127.0.0.1:{server.port}"))
        self.wait_for("redis_up", 1)
        clients = [server.connect() for _ in range(3)]
        refused = server.connect()
        with self.assertRaises((RuntimeError, OSError)):
            refused.ask("PING")
        refused.close()
        self.wait_for("redis_rejected_connections_total", 1)
        self.wait_for("sidewatch_redis_clients_used_ratio", 1)
        victim = [line for line in clients[0].ask("CLIENT", "LIST").splitlines() if "name=sidewatch" in line][0]
        fourth_id = dict(pair.split("=", 1) for pair in victim.split())["id"]
        clients[0].send("CLIENT", "KILL", "ID", fourth_id)
        clients[0].read()
        clients.append(server.connect())
        clients[-1].send("PING")
        wait_until(lambda: "takes no more clients: maxclients is reached" in agent.log() or
                   self.value("redis_up") == 1, "the agent to be refused, or to be first")
        for client in clients:
            client.close()
        self.wait_for("redis_up", 1)

    def test_keys_are_looked_at_on_request_and_scan_keeps_to_its_budget(self):
        server = self.redis()
        client = server.connect()
        self.addCleanup(client.close)
        for number in range(1200):
            client.ask("SET", f"session:{number}", "x")
        client.ask("RPUSH", "queue:mail", *range(7))
        client.ask("RPUSH", "queue:print", *range(3))
        client.ask("SELECT", 2)
        client.ask("SET", "stock", 42)
        self.watch(entry("cache", f"127.0.0.1:{server.port}",
                         'scan_budget: 300, check_keys: [{pattern: "queue:*"}, {pattern: "session:*", count: true}, '
                         '{key: stock, db: 2}, {key: empty}]'))
        self.wait_for("redis_key_size", 7, db="db0", key="queue:mail")
        self.wait_for("redis_key_size", 3, db="db0", key="queue:print")
        self.wait_for("redis_keys_count", 1200, db="db0", key="session:*")
        page = self.page()
        self.assertEqual(page.value("redis_key_value", db="db2", key="stock"), 42)
        self.assertEqual(page.value("redis_key_size", db="db0", key="empty"), 0)
        self.assertGreater(page.value("redis_key_memory_usage_bytes", db="db0", key="queue:mail"), 0)
        self.assertEqual(page.matching("redis_key_value", key="queue:mail"), [])
        # 1 202 keys at 300 in a pass take 5 passes at least: passes are counted by their INFO.
        stats = self.info(client, "commandstats", "cmdstat_scan")
        scans = int(stats.split("calls=")[1].split(",")[0])
        passes = int(self.info(client, "commandstats", "cmdstat_info").split("calls=")[1].split(",")[0])
        self.assertLessEqual(scans, passes)
        client.ask("SELECT", 0)
        client.ask("DEL", "queue:mail")
        wait_until(lambda: not self.page().matching("redis_key_size", key="queue:mail"), "the key to be gone")

    @staticmethod
    def info(client, section, field):
        for line in client.ask("INFO", section).splitlines():
            if line.startswith(field + ":"):
                return line.split(":", 1)[1]
        raise AssertionError(f"INFO has no {field}")


class Kinds(Servers):
    def test_a_replica_and_its_primary_tell_how_far_they_are_apart(self):
        primary = self.redis("primary", options={"repl-diskless-sync-delay": 0})
        replica = self.redis("replica", options={"replicaof": ["127.0.0.1", primary.port],
                                                 "repl-diskless-sync-delay": 0})
        self.watch(entry("primary", f"127.0.0.1:{primary.port}"), entry("replica", f"127.0.0.1:{replica.port}"))
        self.wait_for("redis_connected_slaves", 1, instance="primary")
        self.wait_for("redis_master_link_up", 1, instance="replica", master_host="127.0.0.1",
                      master_port=str(primary.port))
        self.wait_for("redis_connected_slave_lag_seconds", lambda value: value <= 2, instance="primary",
                      slave_ip="127.0.0.1", slave_port=str(replica.port), slave_state="online")
        self.wait_for("sidewatch_redis_replica_lag_bytes", 0, instance="primary")
        self.wait_for("sidewatch_redis_link_down_seconds", 0, instance="replica")
        self.assertEqual(self.value("redis_slave_info", instance="replica", read_only="1"), 1)
        self.assertEqual(self.value("redis_instance_info", instance="replica", role="slave"), 1)

        replica.freeze()
        client = primary.connect()
        self.addCleanup(client.close)
        for _ in range(20):
            client.ask("SET", "key", "x" * 100_000)
        self.wait_for("sidewatch_redis_replica_lag_bytes", lambda value: value > 1_500_000, instance="primary")
        self.wait_for("redis_up", 0, instance="replica")
        self.assertEqual(self.value("redis_up", instance="primary"), 1)
        replica.thaw()
        self.wait_for("sidewatch_redis_replica_lag_bytes", 0, instance="primary")
        primary.kill()
        self.wait_for("redis_master_link_up", 0, instance="replica")
        self.wait_for("sidewatch_redis_link_down_seconds", lambda value: value >= 1, instance="replica")

    def test_a_sentinel_tells_of_the_primaries_that_it_watches(self):
        primary = self.redis("primary")
        sentinel = Sentinel(self.path("sentinel"), primary)
        self.addCleanup(sentinel.stop)
        sentinel.start()
        agent = self.watch(entry("sentinel", f"127.0.0.1:{sentinel.port}"))
        address = f"127.0.0.1:{primary.port}"
        self.wait_for("redis_sentinel_masters", 1)
        self.wait_for("redis_sentinel_master_status", 1, master_name="shop", master_address=address, master_status="ok")
        page = self.page()
        self.assertEqual(page.value("redis_sentinel_master_ok_sentinels", master_name="shop"), 1)
        self.assertEqual(page.value("redis_sentinel_master_ok_slaves", master_name="shop"), 0)
        self.assertEqual(page.value("redis_sentinel_master_setting_ckquorum", master_address=address), 1)
        self.assertEqual(page.value("redis_sentinel_master_setting_down_after_milliseconds"), 30000)
        self.assertEqual(page.value("redis_sentinel_master_ckquorum_status", master_name="shop"), 1)
        self.assertEqual(page.value("redis_sentinel_tilt"), 0)
        self.assertEqual(page.matching(TROUBLE), [])
        self.assertNotIn("query", agent.log())

    def test_a_node_of_a_cluster_tells_how_it_sees_the_cluster(self):
        node = self.redis(options={"cluster-enabled": "yes"})
        self.watch(entry("node", f"127.0.0.1:{node.port}", "check_keys: [{key: stock}]"))
        self.wait_for("redis_cluster_enabled", 1)
        self.wait_for("redis_cluster_state", 0)
        node.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        self.wait_for("redis_cluster_state", 1)
        wait_until(lambda: node.ask("SET", "stock", 5) == "OK", "the cluster to be ready")
        self.wait_for("redis_key_value", 5, key="stock")
        page = self.page()
        self.assertEqual(page.value("redis_cluster_slots_assigned"), 16384)
        self.assertEqual(page.value("redis_cluster_slots_ok"), 16384)
        self.assertEqual(page.value("redis_cluster_size"), 1)
        self.assertEqual(page.value("redis_cluster_known_nodes"), 1)
        self.assertEqual(page.matching(TROUBLE, query="cluster info"), [])


class Access(Servers):
    LEAST = ["on", ">secret", "resetkeys", "-@all", "+ping", "+info", "+config|get", "+slowlog|len", "+slowlog|get",
             "+latency|latest", "+cluster|info", "+client|setname"]

    def test_a_user_with_just_the_documented_rights_gets_everything(self):
        server = self.redis()
        server.ask("ACL", "SETUSER", "sidewatch", *self.LEAST)
        agent = self.watch(entry("cache", server.socket_path, "user: sidewatch, password: secret"))
        self.wait_for("redis_up", 1)
        self.wait_for("redis_slowlog_length", 0)
        self.wait_for("redis_config_maxclients", lambda value: value > 0)
        self.assertEqual(self.page().matching(TROUBLE), [])
        self.assertEqual(server.ask("ACL", "LOG"), [])
        self.assertNotIn("secret", agent.log())

    def test_a_right_that_is_taken_away_costs_only_what_needs_it(self):
        server = self.redis()
        server.ask("ACL", "SETUSER", "sidewatch", *self.LEAST, "-slowlog")
        agent = self.watch(entry("cache", f"127.0.0.1:{server.port}", "user: sidewatch, password: secret"))
        self.wait_for("redis_up", 1)
        self.wait_for(TROUBLE, 1, query="slowlog", reason="denied")
        self.assertEqual(self.page().matching("redis_slowlog_length"), [])
        self.assertGreater(self.value("redis_config_maxclients"), 0)
        self.assertIn("the user sidewatch may not run SLOWLOG LEN: allow it with ACL SETUSER sidewatch +slowlog|len",
                      agent.log())
        # It is not asked in every pass: each refusal would be a line in the server's own log.
        before = self.value("redis_commands_processed_total")
        self.wait_for("redis_commands_processed_total", lambda value: value > before + 20)
        self.assertEqual(self.value(TROUBLE, query="slowlog"), 1)

    def test_without_info_the_server_is_not_up_and_the_log_says_what_to_allow(self):
        server = self.redis()
        server.ask("ACL", "SETUSER", "sidewatch", "on", ">secret", "-@all", "+ping")
        agent = self.watch(entry("cache", f"127.0.0.1:{server.port}", "user: sidewatch, password: secret"))
        self.wait_for("redis_up", 0)
        wait_until(lambda: "may not run INFO: allow it with ACL SETUSER sidewatch +info" in agent.log(), "the log")

    def test_a_password_is_read_again_when_it_was_changed(self):
        server = self.redis(password="first")
        path = os.path.join(self.directory.name, "password")
        with open(path, "w", encoding="utf-8") as file:
            file.write("first\n")
        agent = self.watch(entry("cache", f"127.0.0.1:{server.port}", f'password: "${{file:{path}}}"'))
        self.wait_for("redis_up", 1)
        server.ask("CONFIG", "SET", "requirepass", "second")
        server.password = "second"
        server.ask("CLIENT", "KILL", "TYPE", "normal")
        self.wait_for("redis_up", 0)
        self.wait_for(TROUBLE, lambda value: value >= 1, query="connect", reason="login_refused")
        with open(path, "w", encoding="utf-8") as file:
            file.write("second\n")
        self.wait_for("redis_up", 1)
        self.assertIn("wrong user or password", agent.log())
        self.assertNotIn("second", agent.log())

    def test_no_password_and_a_needless_one_are_told_apart(self):
        locked, open_ = self.redis("locked", password="secret"), self.redis("open")
        agent = self.watch(entry("locked", f"127.0.0.1:{locked.port}"),
                           entry("open", f"127.0.0.1:{open_.port}", "password: secret"))
        wait_until(lambda: "the server asks for a password" in agent.log(), "the log")
        wait_until(lambda: "the server has no password for its user default" in agent.log(), "the log")

    def test_tls_is_verified_as_asked(self):
        tls = self.path("tls")
        certify(tls)
        server = self.redis(tls=tls)
        address = f"127.0.0.1:{server.port}"
        files = f"ca: {tls}/ca.crt, cert: {tls}/client.crt, key: {tls}/client.key"
        agent = self.watch(
            entry("full", address, f"tls: {{{files}}}"),
            entry("named", address, f"tls: {{{files}, server_name: other.example}}"),
            entry("authority", address, f"tls: {{{files}, server_name: other.example, mode: verify-ca}}"),
            entry("stranger", address, f"tls: {{cert: {tls}/client.crt, key: {tls}/client.key}}"),
            entry("required", address, f"tls: {{cert: {tls}/client.crt, key: {tls}/client.key, mode: require}}"),
            entry("nameless", address, f"tls: {{ca: {tls}/ca.crt}}"),
            entry("plain", address))
        for name in ("full", "authority", "required"):
            self.wait_for("redis_up", 1, instance=name)
        for name in ("named", "stranger", "nameless", "plain"):
            self.wait_for("redis_up", 0, instance=name)
        for name in ("named", "stranger", "nameless"):
            self.wait_for(TROUBLE, lambda value: value >= 1, instance=name, query="connect", reason="login_refused")
        self.assertIn("its certificate does not hold", agent.log())


def certify(directory):
    """An authority, a certificate for 127.0.0.1 and one for a client, in `directory`."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, cwd=directory, capture_output=True, timeout=60)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
            "ca.key", "-out", "ca.crt", "-subj", "/CN=authority")
    with open(os.path.join(directory, "names"), "w", encoding="utf-8") as file:
        file.write("subjectAltName=IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-out", f"{name}.crt", "-extfile", "names")


class Faults(Servers):
    def test_a_server_that_is_killed_stopped_or_hangs_costs_its_own_series_and_one_line_of_log(self):
        server, other = self.redis("one"), self.redis("other")
        agent = self.watch(entry("one", f"127.0.0.1:{server.port}"), entry("other", f"127.0.0.1:{other.port}"))
        self.wait_for("redis_up", 1, instance="one")
        self.wait_for("redis_up", 1, instance="other")

        server.freeze()  # connections are still taken, and nothing is answered
        self.wait_for("redis_up", 0, instance="one")
        self.assertEqual(self.page().matching("redis_connected_clients", instance="one"), [])
        end = time.monotonic() + 10
        slowest = 0
        while time.monotonic() < end:  # the other one is none the worse for it, for as long as it takes
            self.assertEqual(self.value("redis_up", instance="other"), 1)
            # While it is late for its pass, it has no samples at all.
            slowest = max(slowest, self.value("redis_exporter_last_scrape_duration_seconds", instance="one") or 0)
            time.sleep(0.25)
        self.assertGreater(slowest, 0.5)
        self.assertLess(slowest, 2.5)  # a wait of a second, on a machine that is busy
        self.assertEqual(agent.log().count("did not answer in time"), 1, agent.log())
        server.thaw()
        self.wait_for("redis_up", 1, instance="one")
        self.wait_for(TROUBLE, lambda value: value >= 1, instance="one", query="connect", reason="timeout")

        server.kill()
        self.wait_for("redis_up", 0, instance="one")
        self.wait_for(TROUBLE, lambda value: value >= 1, instance="one", query="connect", reason="unreachable")
        self.assertIn("connection refused: is the server running, and is this its address?", agent.log())
        server.start()
        self.wait_for("redis_up", 1, instance="one")
        wait_until(lambda: self.value("redis_uptime_in_seconds", instance="one") is not None, "its series")

    def test_who_says_nothing_or_nonsense_is_no_redis(self):
        silent, garbage, large = Impostor(b""), Impostor(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Impostor(
            b"$536870912\r\n" + b"x" * 100_000)
        for impostor in (silent, garbage, large):
            self.addCleanup(impostor.stop)
        agent = self.watch(entry("silent", f"127.0.0.1:{silent.port}"), entry("garbage", f"127.0.0.1:{garbage.port}"),
                           entry("large", f"127.0.0.1:{large.port}"), entry("nobody", f"127.0.0.1:{free_port()}"),
                           entry("nowhere", "/nonexistent/redis.sock"), entry("unknown", "redis.invalid:6379"))
        for name, reason in (("silent", "timeout"), ("garbage", "malformed"), ("large", "too_large"),
                             ("nobody", "unreachable"), ("nowhere", "unreachable")):
            self.wait_for(TROUBLE, lambda value: value >= 1, instance=name, query="connect", reason=reason)
            self.assertEqual(self.value("redis_up", instance=name), 0)
        self.wait_for("redis_up", 0, instance="unknown")
        self.assertIn("does not speak Redis' protocol", agent.log())
        self.assertIn("there is no such socket: is the server running?", agent.log())

    def test_a_restart_in_the_middle_of_a_command_is_followed_by_a_new_connection(self):
        server = self.redis(options={"appendonly": "no"})
        self.watch(entry("cache", f"127.0.0.1:{server.port}"))
        self.wait_for("redis_up", 1)
        run_id = server.ask("INFO", "server").split("run_id:")[1].split()[0]
        self.assertEqual(self.value("redis_instance_info", run_id=run_id), 1)
        server.freeze()
        time.sleep(0.5)  # the agent waits for an answer now
        server.kill()
        server.start()
        run_id = server.ask("INFO", "server").split("run_id:")[1].split()[0]
        self.wait_for("redis_instance_info", 1, run_id=run_id)
        self.assertEqual(len(self.page().label_sets("redis_instance_info")), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
