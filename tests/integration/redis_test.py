"""Redis, watched by the real agent: values are held against what the test did, of primaries, replicas, Sentinels and
nodes of a cluster.
"""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import wait_until  # noqa: E402
from redis import Sentinel  # noqa: E402
from watched_redis import TROUBLE, Servers, entry  # noqa: E402


class Values(Servers):
    def test_what_the_server_did_is_what_is_told(self):
        server = self.redis(options={"maxmemory": "6mb", "maxmemory-policy": "allkeys-lru", "maxclients": 50,
                                     "latency-monitor-threshold": 40, "slowlog-log-slower-than": 40000})
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
        self.assertGreater(self.settled("redis_evicted_keys_total"), 0)
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

    def test_a_key_that_is_named_and_matched_is_told_of_once(self):
        server = self.redis()
        client = server.connect()
        self.addCleanup(client.close)
        for number in range(4):
            client.ask("RPUSH", f"queue:{number}", *range(number + 1))
        agent = self.watch(entry("cache", f"127.0.0.1:{server.port}",
                                 'max_keys: 2, check_keys: [{pattern: "queue:*"}, {key: "queue:1"}, {pattern: "q*"}, '
                                 '{key: "queue:3"}, {key: "queue:1"}]'))
        wait_until(lambda: len(self.page().matching("redis_key_size")) == 4, "two keys by name and two by their pattern")
        self.assertEqual([self.value("redis_key_size", key=f"queue:{number}") for number in range(4)], [1, 2, 3, 4])
        self.assertEqual(self.page().matching("sidewatch_samples_refused_total"), [])
        self.assertNotIn("WARN", agent.log())

    def test_consumer_groups_of_streams_are_told_of_on_request(self):
        server = self.redis()
        client = server.connect()
        self.addCleanup(client.close)
        for number in range(1, 6):
            client.ask("XADD", "orders", f"{number}000-0", "id", number)
        client.ask("XGROUP", "CREATE", "orders", "mail", 0)
        client.ask("XGROUP", "CREATE", "orders", "print", "$")
        client.ask("XREADGROUP", "GROUP", "mail", "anna", "COUNT", 3, "STREAMS", "orders", ">")
        client.ask("XACK", "orders", "mail", "1000-0")
        client.ask("XADD", "other", "*", "a", 1)
        self.watch(entry("cache", f"127.0.0.1:{server.port}",
                         "check_keys: [{key: orders, groups: true}, {key: other}]"))
        self.wait_for("redis_stream_length", 5, stream="orders", db="db0")
        page = self.page()
        for name, value in (("groups", 2), ("first_entry_id", 1000), ("last_entry_id", 5000), ("last_generated_id", 5000),
                            ("entries_added_total", 5), ("max_deleted_entry_id", 0)):
            self.assertEqual(page.value(f"redis_stream_{name}", stream="orders"), value, name)
        for name, value in (("consumers", 1), ("messages_pending", 2), ("last_delivered_id", 3000), ("entries_read", 3),
                            ("lag", 2)):
            self.assertEqual(page.value(f"redis_stream_group_{name}", stream="orders", group="mail"), value, name)
        self.assertEqual(page.value("redis_stream_group_consumers", group="print"), 0)
        self.assertEqual(page.value("redis_stream_group_consumer_messages_pending", group="mail", consumer="anna"), 2)
        self.assertGreaterEqual(page.value("redis_stream_group_consumer_idle_seconds", consumer="anna"), 0)
        self.assertEqual(page.value("redis_key_size", key="other"), 1)
        self.assertEqual(page.matching("redis_stream_length", stream="other"), [])

    def test_of_so_many_clients_as_asked_for_each_is_told(self):
        server = self.redis()
        clients = [server.connect() for _ in range(5)]
        for number, client in enumerate(clients):
            self.addCleanup(client.close)
            client.ask("CLIENT", "SETNAME", f"client{number}")
        # Half a command: it stands in the input buffer, and makes this client the largest.
        clients[3].socket.sendall(b"*2\r\n$3\r\nGET\r\n$200000\r\n" + b"x" * 100_000)
        clients[1].ask("SUBSCRIBE", "news")
        self.watch(entry("cache", f"127.0.0.1:{server.port}", "clients: true, client_series: 2"))

        def of_the_largest(name):
            return [value for (other, labels), value in self.page().values.items()
                    if other == f"redis_connected_client_{name}" and ("name", "client3") in labels]
        wait_until(lambda: of_the_largest("info") == [1], "the series of the largest client")
        self.assertEqual(len(self.page().matching("redis_connected_client_info")), 2)
        self.assertGreater(of_the_largest("total_memory_consumed_bytes")[0], 100_000)
        self.assertGreater(of_the_largest("query_buffer_length_bytes")[0], 90_000)
        self.assertLess(abs(of_the_largest("created_at_timestamp")[0] - time.time()), 60)
        self.assertLess(abs(of_the_largest("idle_since_timestamp")[0] - time.time()), 60)

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
        self.assertEqual(self.settled("redis_slave_info", instance="replica", read_only="1"), 1)
        self.assertEqual(self.settled("redis_instance_info", instance="replica", role="slave"), 1)

        replica.freeze()
        client = primary.connect()
        self.addCleanup(client.close)
        for _ in range(20):
            client.ask("SET", "key", "x" * 100_000)
        self.wait_for("sidewatch_redis_replica_lag_bytes", lambda value: value > 1_500_000, instance="primary")
        self.wait_for("redis_up", 0, instance="replica")
        self.assertEqual(self.settled("redis_up", instance="primary"), 1)
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
