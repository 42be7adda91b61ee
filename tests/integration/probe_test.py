"""Checks from outside, by the real agent: against a real nginx with a chain of certificates, servers that are slow or
broken, in a network namespace, and beside blackbox_exporter on the same targets.
"""

import os
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from exposition import Page  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from nginx import Nginx  # noqa: E402
from servers import Server, free_port  # noqa: E402

DAY = 86400


class Probes(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        os.chmod(self.directory, 0o755)

    def nginx(self):
        server = Nginx(os.path.join(self.directory, "nginx"))
        self.addCleanup(server.stop)
        return server.start()

    def watch(self, *entries, more="", wrapper=()):
        lines = "".join(f"    - {{{entry}}}\n" for entry in entries)
        config = f'agent: {{interval: 200ms}}\nhttp: {{listen: "127.0.0.1:0"}}\ncollectors:\n  probe:\n{lines}{more}'
        self.agent = Agent(config, self.directory, wrapper=wrapper)
        self.addCleanup(self.agent.stop)
        return self.agent

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


def http(name, url, more=""):
    return f"name: {name}, interval: 1s, timeout: 1s, http: {{url: '{url}'{', ' + more if more else ''}}}"


class Http(Probes):
    def test_a_real_server_with_a_chain_of_certificates(self):
        nginx = self.nginx()
        plain, secure = f"http://127.0.0.1:{nginx.port}", f"https://127.0.0.1:{nginx.tls_port}"
        self.watch(
            http("health", plain + "/health", "expect: {json: [{pointer: /status, equals: up}, {pointer: /queue/size, below: 5}]}"),
            "details: true, " + http("moved", plain + "/moved"), http("loop", plain + "/loop"), http("metadata", plain + "/metadata"),
            http("broken", plain + "/broken"), http("wrong", plain + "/", "expect: {body_matches: '^bye'}"),
            http("secure", secure + "/", f"tls: {{ca: {nginx.root}, server_name: shop.example}}"),
            http("stranger", secure + "/"), http("nobody", f"http://127.0.0.1:{free_port()}/")).start()
        for name in ("health", "moved", "secure"):
            self.wait_for("probe_success", 1, probe=name, kind="http")
        self.wait_for("probe_http_redirects", 1, probe="moved")
        for name, reason in (("loop", "redirect"), ("metadata", "address_refused"), ("broken", "status"),
                             ("wrong", "body"), ("stranger", "certificate"), ("nobody", "connect")):
            self.wait_for("probe_failure_info", 1, probe=name, reason=reason)
        page = self.page()
        now = time.time()
        self.assertAlmostEqual(page.value("probe_ssl_earliest_cert_expiry", probe="secure"), now + 2 * DAY, delta=300)
        self.assertAlmostEqual(page.value("probe_ssl_last_chain_expiry_timestamp_seconds", probe="secure"), now + 2 * DAY, delta=300)
        self.assertEqual(page.value("probe_tls_version_info", probe="secure", version="TLS 1.3"), 1)
        self.assertGreater(page.value("probe_http_duration_seconds", probe="secure", phase="tls"), 0)
        self.assertEqual(page.value("probe_uptime_ratio", probe="broken", window="24h"), 0)
        self.assertEqual(page.value("sidewatch_collector_success", collector="probe"), 1)
        log = self.agent.log()
        self.assertEqual(log.count("check 'broken' fails: the status is 503"), 1, log)

    def test_a_server_that_is_down_has_the_certificate_that_it_had(self):
        nginx = self.nginx()
        self.watch(http("secure", f"https://127.0.0.1:{nginx.tls_port}/", f"tls: {{ca: {nginx.root}}}")).start()
        self.wait_for("probe_success", 1, probe="secure")
        end = self.page().value("probe_ssl_earliest_cert_expiry", probe="secure")
        nginx.stop()
        self.wait_for("probe_failure_info", 1, probe="secure", reason="connect")
        self.assertEqual(self.page().value("probe_ssl_earliest_cert_expiry", probe="secure"), end)

    def test_slow_dripping_and_dead_servers_delay_nobody_else(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.addCleanup(listener.close)
        held = []

        def drip():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                held.append(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
        threading.Thread(target=drip, daemon=True).start()
        self.addCleanup(lambda: [connection.close() for connection in held])
        nginx = self.nginx()
        slow = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        self.watch(http("quick", f"http://127.0.0.1:{nginx.port}/"), *(http(f"slow-{i}", slow) for i in range(20))).start()
        self.wait_for("probe_failure_info", 1, probe="slow-7", reason="timeout")
        self.wait_for("probe_success", 1, probe="quick")
        quick = self.page().value("probe_duration_seconds", probe="quick")
        self.assertLess(quick, 0.5)
        nginx.freeze()
        self.wait_for("probe_failure_info", 1, probe="quick", reason="timeout")
        nginx.thaw()
        self.wait_for("probe_success", 1, probe="quick")
        self.assertLess(self.agent.terminate(), 5)
        self.assertEqual(self.agent.process.returncode, 0)

    def test_a_reload_that_changes_a_check_changes_what_is_checked(self):
        nginx = self.nginx()
        self.watch(http("front", f"http://127.0.0.1:{nginx.port}/broken"),
                   http("other", f"http://127.0.0.1:{nginx.port}/broken")).start()
        self.wait_for("probe_success", 0, probe="front")
        self.wait_for("probe_success", 0, probe="other")
        with open(self.agent.config_path, encoding="utf-8") as file:
            text = file.read()
        self.agent.write_config(text.replace("/broken", "/health", 1))
        self.agent.request("/-/reload", method="POST")
        self.wait_for("probe_success", 1, probe="front")
        self.wait_for("probe_uptime_ratio", lambda share: 0 < share < 1, probe="front", window="24h")
        self.assertEqual(self.agent.log().count("check 'other' fails"), 1, "it failed before, and is the same check")


# Becomes the program of its arguments, with the port of the name server open.
SILENT_NAME_SERVER = """
import os, socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
server.set_inheritable(True)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class OtherKinds(Probes):
    def test_each_kind_says_that_all_is_well(self):
        nginx = self.nginx()
        file = os.path.join(self.directory, "backup")
        with open(file, "w", encoding="utf-8") as out:
            out.write("x" * 10)
        common = "interval: 1s, timeout: 1s"
        self.watch(
            f"name: port, {common}, tcp: {{address: 'localhost:{nginx.port}', ip_protocol: ip4}}",
            f"name: tls, {common}, tls: {{address: '127.0.0.1:{nginx.tls_port}', ca: {nginx.root}}}",
            f"name: ping, {common}, icmp: {{host: 127.0.0.1, packets: 2, spacing: 10ms}}",
            f"name: file, {common}, file: {{path: {file}, max_age: 1h, watch_content: true}}",
            f"name: chain, {common}, certificate: {{files: ['{nginx.directory}/chain.crt']}}").start()
        for name in ("port", "tls", "ping", "file", "chain"):
            self.wait_for("probe_success", 1, probe=name)
        page = self.page()
        self.assertEqual(page.value("probe_file_size_bytes", probe="file"), 10)
        self.assertAlmostEqual(page.value("probe_certificate_not_after_timestamp_seconds", probe="chain", position="1"),
                               time.time() + 5 * DAY, delta=300)

    def test_pings_in_a_network_of_their_own(self):
        """An interface with one neighbour's address: what is there answers, what is not does not."""
        script = "ip link set lo up; ip addr add 192.0.2.1/32 dev lo; exec \"$@\""
        wrapper = ["unshare", "--net", "sh", "-c", script, "sh"]
        if subprocess.run(["unshare", "--net", "true"], capture_output=True, timeout=20).returncode != 0:
            self.skipTest("no right to make a network namespace")
        self.watch("name: there, interval: 1s, timeout: 500ms, icmp: {host: 192.0.2.1, spacing: 10ms}",
                   "name: gone, interval: 1s, timeout: 500ms, icmp: {host: 198.51.100.1, spacing: 10ms}",
                   more="receivers: []\n", wrapper=wrapper).start(wait=False)
        wait_until(lambda: "check 'gone' fails" in self.agent.log(), "the check that fails: " + self.agent.log())
        log = self.agent.log()
        self.assertIn("Network is unreachable", log)
        self.assertNotIn("check 'there' fails", log)

    def test_a_silent_name_server_fails_no_check_that_needs_none(self):
        """Its socket is there and nobody reads from it: neither an answer nor a refusal comes."""
        resolv_conf = os.path.join(self.directory, "resolv.conf")
        with open(resolv_conf, "w", encoding="utf-8") as file:
            file.write("nameserver 127.0.0.1\n")
        script = f"set -e; ip link set lo up; mount --bind {resolv_conf} /etc/resolv.conf; exec \"$@\""
        wrapper = ["unshare", "--net", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", SILENT_NAME_SERVER]
        if subprocess.run([*wrapper, "true"], capture_output=True, timeout=20).returncode != 0:
            self.skipTest("no right to make a network namespace of its own")
        often = "interval: 2s, timeout: 1s"
        self.watch(f"name: file, {often}, file: {{path: /etc/hostname}}",
                   f"name: home, {often}, icmp: {{host: localhost, ip_protocol: ip4, spacing: 10ms}}",
                   *(f"name: tcp-{i}, {often}, tcp: {{address: 'tcp-{i}.example:80'}}" for i in range(60)),
                   *(f"name: http-{i}, {often}, http: {{url: 'http://http-{i}.example/'}}" for i in range(60)),
                   wrapper=wrapper).start(wait=False)
        wait_until(lambda: self.agent.log().count("all threads that look up names wait") > 50,
                   "checks that are not run")
        log = self.agent.log()
        self.assertIn("is not resolved in time", log)
        self.assertNotIn("check 'file'", log)
        self.assertNotIn("check 'home'", log)
        for line in log.splitlines():
            if " fails: " in line:
                self.assertIn("is not resolved", line)
        with open(f"/proc/{self.agent.process.pid}/status", encoding="utf-8") as status:
            threads = next(int(line.split()[1]) for line in status if line.startswith("Threads:"))
        self.assertLess(threads, 100)

    def test_a_missing_right_to_ping_says_what_to_do(self):
        drop = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw", "--ambient-caps", "-net_raw"]
        script = "echo 1 0 > /proc/sys/net/ipv4/ping_group_range; ip link set lo up; exec \"$@\""
        wrapper = ["unshare", "--net", "sh", "-c", script, "sh", *drop]
        if subprocess.run([*wrapper, "true"], capture_output=True, timeout=20).returncode != 0:
            self.skipTest("no right to make a network namespace")
        self.watch("name: ping, interval: 1s, timeout: 500ms, icmp: {host: 127.0.0.1}", wrapper=wrapper).start(wait=False)
        wait_until(lambda: "check 'ping' fails" in self.agent.log(), "the check that fails: " + self.agent.log())
        self.assertIn("net.ipv4.ping_group_range", self.agent.log())


BLACKBOX = """
modules:
  http: {prober: http, timeout: 5s}
  tls:
    prober: http
    timeout: 5s
    http: {tls_config: {ca_file: CA}}
  regex:
    prober: http
    http: {fail_if_body_not_matches_regexp: [^bye]}
  tcp: {prober: tcp}
"""

# What blackbox_exporter has and we have not, and why.
LEFT_OUT = {
    "probe_ip_addr_hash": "a number for which nobody has a use: the address is not to be read out of it",
    "probe_http_last_modified_timestamp_seconds": "of nginx's files; an application's answers rarely have it",
}


class Blackbox(Server):
    def command(self):
        return ["prometheus-blackbox-exporter", f"--web.listen-address=127.0.0.1:{self.port}",
                f"--config.file={self.directory}/blackbox.yml"]

    def is_ready(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def probe(self, module, target):
        query = urllib.parse.urlencode({"module": module, "target": target})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/probe?{query}", timeout=20) as answer:
            return Page(answer.read().decode())


class BesideBlackboxExporter(Probes):
    def test_the_same_families_labels_and_values(self):
        nginx = self.nginx()
        directory = os.path.join(self.directory, "blackbox")
        os.makedirs(directory)
        with open(os.path.join(directory, "blackbox.yml"), "w", encoding="utf-8") as file:
            file.write(BLACKBOX.replace("CA", nginx.root))
        exporter = Blackbox(directory)
        self.addCleanup(exporter.stop)
        exporter.start()
        plain, secure = f"http://127.0.0.1:{nginx.port}", f"https://127.0.0.1:{nginx.tls_port}"
        targets = {"health": ("http", plain + "/health", ""), "moved": ("http", plain + "/moved", ""),
                   "broken": ("http", plain + "/broken", ""),
                   "secure": ("tls", secure + "/", f"tls: {{ca: {nginx.root}}}"),
                   "wrong": ("regex", plain + "/", "expect: {body_matches: ^bye}")}
        self.watch(*("details: true, " + http(name, url, more) for name, (_, url, more) in targets.items()),
                   f"name: port, details: true, interval: 1s, timeout: 1s, tcp: {{address: '127.0.0.1:{nginx.port}'}}").start()
        for name in [*targets, "port"]:
            self.wait_for("probe_duration_seconds", lambda value: value > 0, probe=name)
        ours = self.page()
        for name, (module, url, _) in {**targets, "port": ("tcp", f"127.0.0.1:{nginx.port}", "")}.items():
            theirs = exporter.probe(module, url)
            for (family, labels), value in theirs.values.items():
                if family in LEFT_OUT:
                    continue
                with self.subTest(probe=name, family=family, labels=labels):
                    found = ours.matching(family, probe=name, **dict(labels))
                    self.assertEqual(len(found), 1)
                    self.assertEqual(ours.types[family], theirs.types[family])
                    if "seconds" not in family or "timestamp" in family:
                        self.assertEqual(found[0], value)


if __name__ == "__main__":
    unittest.main(verbosity=2)
