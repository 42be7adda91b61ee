"""Redis, watched by the real agent: rights, passwords, certificates and faults cost what they must and no more.
"""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import certify  # noqa: E402
from harness import wait_until  # noqa: E402
from impostor import Impostor, Scripted  # noqa: E402
from redis import Sentinel  # noqa: E402
from servers import free_port  # noqa: E402
from watched_redis import TROUBLE, Servers, entry  # noqa: E402


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

    def test_keys_need_the_documented_rights_and_no_more(self):
        server = self.redis()
        client = server.connect()
        self.addCleanup(client.close)
        client.ask("RPUSH", "queue:mail", 1, 2, 3)
        client.ask("SET", "private", "x")
        client.ask("SELECT", 2)
        client.ask("SET", "queue:stock", 42)
        server.ask("ACL", "SETUSER", "sidewatch", *self.LEAST, "+type", "+memory|usage", "+strlen", "+llen", "+scard",
                   "+zcard", "+hlen", "+xlen", "+get", "+select", "+scan", "%R~queue:*")
        agent = self.watch(entry("cache", server.socket_path, "user: sidewatch, password: secret, check_keys: ["
                                 '{pattern: "queue:*"}, {pattern: "*", count: true}, {key: "queue:stock", db: 2}]'))
        self.wait_for("redis_key_size", 3, key="queue:mail")
        self.wait_for("redis_key_value", 42, db="db2", key="queue:stock")
        self.wait_for("redis_keys_count", 2, key="*")
        self.wait_for("redis_key_memory_usage_bytes", lambda value: value > 0, key="queue:mail")
        self.assertEqual(self.page().matching(TROUBLE), [])
        self.assertNotIn("could not read everything", agent.log())

    def test_a_user_of_a_sentinel_with_just_the_documented_rights_gets_everything(self):
        primary = self.redis("primary")
        sentinel = Sentinel(self.path("sentinel"), primary)
        self.addCleanup(sentinel.stop)
        sentinel.start()
        sentinel.ask("ACL", "SETUSER", "sidewatch", "on", ">secret", "-@all", "+ping", "+info", "+client|setname",
                     "+sentinel|masters", "+sentinel|ckquorum", "+sentinel|sentinels", "+sentinel|slaves")
        self.watch(entry("sentinel", f"127.0.0.1:{sentinel.port}", "user: sidewatch, password: secret"))
        self.wait_for("redis_sentinel_master_ckquorum_status", 1)
        self.wait_for("redis_sentinel_master_ok_slaves", 0)
        self.assertEqual(self.page().matching(TROUBLE), [])

    def test_a_right_that_is_taken_away_costs_only_what_needs_it(self):
        server = self.redis()
        server.ask("ACL", "SETUSER", "sidewatch", *self.LEAST, "-slowlog")
        self.watch(entry("cache", f"127.0.0.1:{server.port}", "user: sidewatch, password: secret"))
        self.wait_for("redis_up", 1)
        self.wait_for(TROUBLE, 1, query="slowlog", reason="denied")
        self.assertEqual(self.page().matching("redis_slowlog_length"), [])
        self.assertGreater(self.settled("redis_config_maxclients"), 0)
        self.wait_for_log("the user sidewatch may not run SLOWLOG LEN: allow it with ACL SETUSER sidewatch +slowlog|len")
        # It is not asked in every pass: each refusal would be a line in the server's own log.
        before = self.settled("redis_commands_processed_total")
        self.wait_for("redis_commands_processed_total", lambda value: value > before + 20)
        self.assertEqual(self.settled(TROUBLE, query="slowlog"), 1)

    def test_without_info_the_server_is_not_up_and_the_log_says_what_to_allow(self):
        server = self.redis()
        server.ask("ACL", "SETUSER", "sidewatch", "on", ">secret", "-@all", "+ping")
        self.watch(entry("cache", f"127.0.0.1:{server.port}", "user: sidewatch, password: secret"))
        self.wait_for("redis_up", 0)
        self.wait_for_log("may not run INFO: allow it with ACL SETUSER sidewatch +info")

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
        self.wait_for_log("wrong user or password")
        self.assertNotIn("second", agent.log())

    def test_no_password_and_a_needless_one_are_told_apart(self):
        locked, open_ = self.redis("locked", password="secret"), self.redis("open")
        self.watch(entry("locked", f"127.0.0.1:{locked.port}"),
                   entry("open", f"127.0.0.1:{open_.port}", "password: secret"))
        self.wait_for_log("the server asks for a password")
        self.wait_for_log("the server has no password for its user default")

    def test_tls_is_verified_as_asked(self):
        tls = self.path("tls")
        certify(tls)
        server = self.redis(tls=tls)
        address = f"127.0.0.1:{server.port}"
        files = f"ca: {tls}/ca.crt, cert: {tls}/client.crt, key: {tls}/client.key"
        self.watch(
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
        self.wait_for_log("its certificate does not hold")


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
            self.assertEqual(self.settled("redis_up", instance="other"), 1)
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
        self.wait_for_log("connection refused: is the server running, and is this its address?")
        server.start()
        self.wait_for("redis_up", 1, instance="one")
        wait_until(lambda: self.value("redis_uptime_in_seconds", instance="one") is not None, "its series")

    def test_who_says_nothing_or_nonsense_is_no_redis(self):
        silent, garbage, large = Impostor(b""), Impostor(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Impostor(
            b"$536870912\r\n" + b"x" * 100_000)
        for impostor in (silent, garbage, large):
            self.addCleanup(impostor.stop)
        self.watch(entry("silent", f"127.0.0.1:{silent.port}"), entry("garbage", f"127.0.0.1:{garbage.port}"),
                   entry("large", f"127.0.0.1:{large.port}"), entry("nobody", f"127.0.0.1:{free_port()}"),
                   entry("nowhere", "/nonexistent/redis.sock"), entry("unknown", "redis.invalid:6379"))
        for name, reason in (("silent", "timeout"), ("garbage", "malformed"), ("large", "too_large"),
                             ("nobody", "unreachable"), ("nowhere", "unreachable")):
            self.wait_for(TROUBLE, lambda value: value >= 1, instance=name, query="connect", reason=reason)
            self.assertEqual(self.settled("redis_up", instance=name), 0)
        self.wait_for("redis_up", 0, instance="unknown")
        self.wait_for_log("does not speak Redis' protocol")
        self.wait_for_log("there is no such socket: is the server running?")

    def test_a_command_whose_answer_ends_connections_is_left_alone(self):
        info = b"# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:5\r\n"
        server = Scripted({"INFO": b"$%d\r\n%s\r\n" % (len(info), info), "CLIENT LIST": b"$99999999\r\n",
                           "CONFIG": b"*0\r\n", "SLOWLOG LEN": b":0\r\n", "SLOWLOG GET": b"*0\r\n",
                           "LATENCY": b"*0\r\n"})
        self.addCleanup(server.stop)
        self.watch(entry("cache", f"127.0.0.1:{server.port}", "clients: true", timeout="10s"))
        self.wait_for(TROUBLE, lambda value: value >= 2, query="client list", reason="too_large")
        self.wait_for("redis_up", 1)
        self.wait_for("redis_uptime_in_seconds", 5)
        self.wait_for("redis_slowlog_length", 0)
        connections, passes = len(server.taken), server.asked.count("INFO all")
        wait_until(lambda: server.asked.count("INFO all") >= passes + 5, "five passes")
        self.assertEqual(len(server.taken), connections)
        self.wait_for("redis_up", 1)
        self.wait_for_log("query 'client list': the answer to CLIENT LIST is too large")

    SCRIPT = {"INFO": b"$22\r\nredis_version:7.0.15\r\n\r\n", "CONFIG": b"*0\r\n", "SLOWLOG LEN": b":0\r\n",
              "SLOWLOG GET": b"*0\r\n", "LATENCY": b"*0\r\n"}

    def asked_between(self, server, command):
        """How often, in each pass: what was asked between an INFO and the next."""
        passes = [[]]
        for words in list(server.asked):
            if words.startswith("INFO"):
                passes.append([])
            passes[-1].append(words)
        return [sum(words.startswith(command) for words in one) for one in passes[1:-1]]

    def test_many_keys_of_a_slow_server_have_their_turns(self):
        server = Scripted({**self.SCRIPT, "TYPE": b"+list\r\n", "LLEN": b":7\r\n", "MEMORY": b":99\r\n"},
                          delays={"TYPE": 0.02})
        self.addCleanup(server.stop)
        keys = ", ".join(f"{{key: k{number}}}" for number in range(40))
        self.watch(entry("cache", f"127.0.0.1:{server.port}", f"check_keys: [{keys}]"))
        wait_until(lambda: len(self.page().matching("redis_key_size")) == 40, "all keys to have had their turn")
        in_a_pass = self.asked_between(server, "TYPE")
        self.assertGreater(len(in_a_pass), 2)
        self.assertLessEqual(max(in_a_pass), 11)  # 200 ms at 20 ms each, and the one that was begun
        self.assertGreaterEqual(min(in_a_pass), 1)

    def test_many_primaries_of_a_slow_sentinel_have_their_turns(self):
        def text(word):
            return b"$%d\r\n%s\r\n" % (len(word), word)
        primaries = [[b"name", b"p%d" % number, b"ip", b"10.0.0.1", b"port", b"%d" % number, b"quorum", b"2"]
                     for number in range(100)]
        masters = b"*100\r\n" + b"".join(b"*8\r\n" + b"".join(map(text, one)) for one in primaries)
        info = b"# Server\r\nredis_mode:sentinel\r\n# Sentinel\r\nsentinel_masters:100\r\n"
        server = Scripted({"INFO": text(info), "SENTINEL MASTERS": masters, "SENTINEL CKQUORUM": b"+OK 3 usable\r\n",
                           "SENTINEL SENTINELS": b"*0\r\n", "SENTINEL SLAVES": b"*0\r\n"}, delays={"SENTINEL": 0.005})
        self.addCleanup(server.stop)
        self.watch(entry("sentinel", f"127.0.0.1:{server.port}"))
        wait_until(lambda: len(self.page().matching("redis_sentinel_master_ok_sentinels")) == 100, "all of them")
        self.assertEqual(len(self.page().matching("redis_sentinel_master_setting_ckquorum")), 100)
        in_a_pass = self.asked_between(server, "SENTINEL CKQUORUM")
        self.assertLessEqual(max(in_a_pass), 15)  # 200 ms at 15 ms each, and the one that was begun
        self.assertGreater(len(in_a_pass), 5)

    def test_a_key_that_may_not_be_read_costs_only_itself(self):
        server = self.redis()
        server.ask("RPUSH", "queue", 1, 2)
        server.ask("SET", "private", 1)
        server.ask("ACL", "SETUSER", "sidewatch", *Access.LEAST, "+type", "+memory|usage", "+llen", "+strlen", "+get",
                   "%R~queue")
        self.watch(entry("cache", f"127.0.0.1:{server.port}",
                         "user: sidewatch, password: secret, check_keys: [{key: private}, {key: queue}]"))
        self.wait_for("redis_key_size", 2, key="queue")
        server.ask("RPUSH", "queue", 3)
        self.wait_for("redis_key_size", 3, key="queue")  # it is still asked about
        self.assertEqual(self.page().matching("redis_key_size", key="private"), [])
        self.assertEqual(self.settled(TROUBLE, query="check keys", reason="denied"), 1)
        self.wait_for_log("(private)")

    def test_who_may_not_scan_is_told_of_the_keys_that_are_named(self):
        server = self.redis()
        server.ask("RPUSH", "queue", 1, 2)
        server.ask("ACL", "SETUSER", "sidewatch", *Access.LEAST, "+type", "+memory|usage", "+llen", "%R~queue")
        self.watch(entry("cache", f"127.0.0.1:{server.port}",
                         'user: sidewatch, password: secret, check_keys: [{pattern: "q*"}, {key: queue}]'))
        self.wait_for("redis_key_size", 2, key="queue")
        server.ask("RPUSH", "queue", 3)
        self.wait_for("redis_key_size", 3, key="queue")
        self.assertEqual(self.settled(TROUBLE, query="check keys", reason="denied"), 1)
        self.wait_for_log("may not run SCAN: allow it with ACL SETUSER sidewatch +scan")

    def test_a_restart_in_the_middle_of_a_command_is_followed_by_a_new_connection(self):
        server = self.redis(options={"appendonly": "no"})
        self.watch(entry("cache", f"127.0.0.1:{server.port}"))
        self.wait_for("redis_up", 1)
        run_id = server.ask("INFO", "server").split("run_id:")[1].split()[0]
        self.assertEqual(self.settled("redis_instance_info", run_id=run_id), 1)
        server.freeze()
        time.sleep(0.5)  # the agent waits for an answer now
        server.kill()
        server.start()
        run_id = server.ask("INFO", "server").split("run_id:")[1].split()[0]
        self.wait_for("redis_instance_info", 1, run_id=run_id)
        self.assertEqual(len(self.page().label_sets("redis_instance_info")), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
