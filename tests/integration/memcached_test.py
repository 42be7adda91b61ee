"""memcached, watched by the real agent: values are held against what the test did, and faults cost what they must and
no more.
"""

import os
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import certify  # noqa: E402
from exposition import Page  # noqa: E402
from harness import BINARY, Agent, temporary_directory, wait_until  # noqa: E402
from impostor import Impostor  # noqa: E402
from memcached import Memcached  # noqa: E402

CONFIG = """
agent: {{interval: 200ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  memcached:
{servers}
"""
TROUBLE = "sidewatch_database_errors_total"


def entry(name, address, more=""):
    return f"    - {{name: {name}, address: \"{address}\", timeout: 1s{', ' + more if more else ''}}}"


class Servers(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        os.chmod(self.directory.name, 0o755)

    def memcached(self, name="memcached", **keywords):
        server = Memcached(os.path.join(self.directory.name, name), **keywords)
        self.addCleanup(server.stop)
        return server.start()

    def client(self, server):
        client = server.connect()
        self.addCleanup(client.close)
        return client

    def watch(self, *entries):
        self.agent = Agent(CONFIG.format(servers="\n".join(entries)), self.directory.name)
        self.addCleanup(self.agent.stop)
        return self.agent.start()

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def wait_for(self, name, expected, **labels):
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
        server = self.memcached(options=["-m", "64", "-c", "50"])
        client = self.client(server)
        self.watch(entry("sessions", f"127.0.0.1:{server.port}", "labels: {team: shop}"))
        self.wait_for("memcached_up", 1, instance="sessions", team="shop")
        for number in range(20):
            self.assertEqual(client.set(f"key{number}", "x" * 100), "STORED")
        for number in range(30):
            client.get(f"key{number}")
        client.ask("incr nothing 1")
        client.ask("cas key1 0 0 100 999999\r\n" + "x" * 100)
        self.assertEqual(client.ask("delete key0"), "DELETED")
        self.assertEqual(client.ask("touch key1 100"), "TOUCHED")
        self.wait_for("memcached_commands_total", 20, command="get", status="hit")
        self.wait_for("memcached_commands_total", 10, command="get", status="miss")
        self.wait_for("memcached_commands_total", 20, command="set", status="hit")
        self.wait_for("memcached_commands_total", 1, command="cas", status="badval")
        self.wait_for("memcached_commands_total", 1, command="incr", status="miss")
        self.wait_for("memcached_commands_total", 1, command="delete", status="hit")
        self.wait_for("memcached_commands_total", 1, command="touch", status="hit")
        self.wait_for("memcached_current_items", 19)
        page = self.page()
        self.assertEqual(page.value("memcached_max_connections"), 50)
        self.assertEqual(page.value("memcached_limit_bytes"), 64 << 20)
        self.assertEqual(page.value("memcached_current_connections"), 2)
        # Five descriptors for each of its two threads are its own: it refuses clients when all 50 are used.
        self.assertAlmostEqual(page.value("sidewatch_memcached_connections_used_ratio"), (2 + 10) / 50)
        self.assertGreater(page.value("memcached_process_user_cpu_seconds_total") +
                           page.value("memcached_process_system_cpu_seconds_total"), 0)
        self.assertEqual(len(page.matching("memcached_version")), 1)
        slabs = {dict(labels)["slab"] for labels in page.label_sets("memcached_slab_current_items")}
        self.assertEqual(len(slabs), 1)
        slab = slabs.pop()
        self.assertEqual(page.value("memcached_slab_current_items", slab=slab), 19)
        self.assertEqual(page.value("memcached_slab_chunks_used", slab=slab), 19)
        self.assertEqual(page.value("memcached_slab_commands_total", slab=slab, command="get", status="hit"), 20)
        self.assertEqual(page.value("memcached_slab_commands_total", slab=slab, command="set", status="hit"), 20)
        self.assertGreater(page.value("memcached_slab_mem_requested_bytes", slab=slab), 19 * 100)
        self.assertEqual(page.types["memcached_commands_total"], "counter")
        self.assertEqual(page.matching(TROUBLE), [])

    def test_items_that_have_to_go_and_clients_that_are_refused_are_counted(self):
        server = self.memcached(options=["-m", "2", "-c", "40"])
        client = self.client(server)
        self.watch(entry("sessions", f"127.0.0.1:{server.port}"))
        self.wait_for("memcached_up", 1)
        for number in range(400):
            client.set(f"key{number}", "x" * 50_000)
        self.wait_for("memcached_items_evicted_total", lambda value: value > 0)
        self.assertEqual(client.ask("set large 0 0 2000000\r\n" + "x" * 2_000_000),
                         "SERVER_ERROR object too large for cache")
        self.wait_for("memcached_item_too_large_total", 1)
        self.wait_for("sidewatch_memcached_memory_used_ratio", lambda value: value > 0.3)
        others = [server.connect() for _ in range(45)]
        self.wait_for("memcached_connections_rejected_total", lambda value: value > 0)
        self.wait_for("sidewatch_memcached_connections_used_ratio", lambda value: value >= 0.8)
        for other in others:
            other.close()
        self.wait_for("sidewatch_memcached_connections_used_ratio", lambda value: value < 0.5)

    def test_a_login_a_unix_socket_and_no_slabs(self):
        path = os.path.join(self.directory.name, "memcached.sock")
        os.chmod(self.directory.name, 0o777)
        locked = self.memcached("locked", login="watch:secret")
        local = self.memcached("local", socket_path=path)
        self.client(local).set("key", "value")
        address = f"127.0.0.1:{locked.port}"
        agent = self.watch(entry("locked", address, "user: watch, password: secret"),
                           entry("wrong", address, "user: watch, password: guess"), entry("nobody", address),
                           entry("local", f"unix:{path}", "slabs: false"))
        self.wait_for("memcached_up", 1, instance="locked")
        self.wait_for("memcached_up", 1, instance="local")
        for name in ("wrong", "nobody"):
            self.wait_for("memcached_up", 0, instance=name)
            self.wait_for(TROUBLE, lambda value: value >= 1, instance=name, reason="login_refused")
        wait_until(lambda: "wrong user or password" in agent.log(), "the log")
        wait_until(lambda: "the server asks for a user and a password" in agent.log(), "the log")
        self.assertNotIn("secret", agent.log())
        self.assertEqual(self.page().matching("memcached_slab_current_items", instance="local"), [])
        self.assertEqual(self.page().value("memcached_current_items", instance="local"), 1)


    def test_tls_is_verified_as_asked(self):
        tls = os.path.join(self.directory.name, "tls")
        os.makedirs(tls)
        certify(tls)
        os.chmod(os.path.join(tls, "server.key"), 0o644)  # the server is another user
        server = self.memcached(tls=tls)
        address = f"127.0.0.1:{server.port}"
        agent = self.watch(entry("full", address, f"tls: {{ca: {tls}/ca.crt}}"), entry("stranger", address, "tls: {}"),
                           entry("plain", address))
        self.wait_for("memcached_up", 1, instance="full")
        self.wait_for(TROUBLE, lambda value: value >= 1, instance="stranger", reason="login_refused")
        self.wait_for("memcached_up", 0, instance="plain")
        wait_until(lambda: "its certificate does not hold" in agent.log(), "the log")


class Faults(Servers):
    def test_a_server_that_stops_or_dies_costs_its_own_series_and_one_line_of_log(self):
        server, other = self.memcached("one"), self.memcached("other")
        agent = self.watch(entry("one", f"127.0.0.1:{server.port}"), entry("other", f"127.0.0.1:{other.port}"))
        self.wait_for("memcached_up", 1, instance="one")
        server.freeze()
        self.wait_for("memcached_up", 0, instance="one")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            self.assertEqual(self.page().value("memcached_up", instance="other"), 1)
            time.sleep(0.25)
        self.assertEqual(agent.log().count("did not answer in time"), 1, agent.log())
        server.thaw()
        self.wait_for("memcached_up", 1, instance="one")
        server.kill()
        self.wait_for("memcached_up", 0, instance="one")
        self.wait_for(TROUBLE, lambda value: value >= 1, instance="one", query="connect", reason="unreachable")
        self.assertEqual(self.page().matching("memcached_current_items", instance="one"), [])
        server.start()
        self.wait_for("memcached_up", 1, instance="one")

    def test_who_says_nothing_or_nonsense_is_no_memcached(self):
        silent, garbage = Impostor(b""), Impostor(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        endless = Impostor(b"STAT name value\r\n" * 100_000)
        for impostor in (silent, garbage, endless):
            self.addCleanup(impostor.stop)
        agent = self.watch(entry("silent", f"127.0.0.1:{silent.port}"), entry("garbage", f"127.0.0.1:{garbage.port}"),
                           entry("endless", f"127.0.0.1:{endless.port}"))
        for name, reason in (("silent", "timeout"), ("garbage", "malformed"), ("endless", "too_large")):
            self.wait_for(TROUBLE, lambda value: value >= 1, instance=name, query="connect", reason=reason)
            self.wait_for("memcached_up", 0, instance=name)
        wait_until(lambda: "does not speak memcached's text protocol" in agent.log(), "the log")


class Configuration(unittest.TestCase):
    def test_mistakes_are_said_with_their_place(self):
        with temporary_directory() as directory:
            path = os.path.join(directory, "sidewatch.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write("collectors:\n  memcached:\n    - {name: a, address: \"host:port\"}\n"
                           "    - {name: a, address: host, user: me}\n    - {address: host}\n")
            said = subprocess.run([BINARY, "check", path], capture_output=True, text=True, timeout=60)
            text = re.sub(re.escape(directory) + "/", "", said.stdout + said.stderr)
        self.assertEqual(said.returncode, 2)
        self.assertIn("sidewatch.yaml:3:26: 'host:port' is not an address", text)
        self.assertIn("there is already a memcached named 'a'", text)
        self.assertIn("user and password belong together", text)
        self.assertIn("sidewatch.yaml:5:", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
