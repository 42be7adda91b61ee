"""The agent's own server and life: slow clients, blocked collectors, reload, signals, start-up errors."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, Agent, Hog, Meminfo, Receiver, temporary_directory, wait_until  # noqa: E402

CONFIG = """
agent: {{interval: 200ms, state_dir: state}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  host: {{roots: {{procfs: {procfs}}}}}
  process:
    - name: me
      match: {{pid_file: {pid_file}}}
      children: false                # the agent is a child of the test
rules:
  - alert: MemoryHigh
    expr: 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)
    warning: "> {threshold}"
receivers:
  - name: log
    log: {{}}
"""


class Server(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.memory = Meminfo(self.directory.name)
        self.pid_file = os.path.join(self.directory.name, "me.pid")
        with open(self.pid_file, "w") as file:
            file.write(f"{os.getpid()}\n")

    def config(self, threshold=80):
        return CONFIG.format(procfs=self.memory.root, pid_file=self.pid_file, threshold=threshold)

    def start(self, config=None, environment=None):
        agent = Agent(config or self.config(), self.directory.name, environment)
        self.addCleanup(agent.stop)
        return agent.start()

    def test_64_dripping_connections_do_not_keep_anybody_waiting(self):
        agent = self.start()
        drippers = []
        for _ in range(64):
            connection = socket.create_connection(("127.0.0.1", agent.port), timeout=5)
            self.addCleanup(connection.close)
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
            drippers.append(connection)
        slowest = 0.0
        for step in range(40):
            for connection in drippers:
                try:
                    connection.sendall(b"X-Drip: 1\r\n"[step % 11:step % 11 + 1])
                except OSError:
                    pass  # the agent has had enough of it
            for path in ("/metrics", "/-/healthy"):
                began = time.monotonic()
                status, _, _ = agent.request(path)
                slowest = max(slowest, time.monotonic() - began)
                self.assertEqual(status, 200)
            time.sleep(0.02)
        self.assertLess(slowest, 0.1)

    def test_a_blocked_collector_costs_only_its_own_series(self):
        agent = self.start()
        wait_until(lambda: "node_memory_MemTotal_bytes" in agent.metrics(), "the host to be sampled")
        os.mkfifo(os.path.join(self.memory.root, "loadavg"))  # opening it blocks until somebody writes
        wait_until(lambda: "node_memory_MemTotal_bytes" not in agent.metrics(), "the host's series to go stale")

        def overruns():
            return agent.metrics()['sidewatch_collector_overruns_total{collector="host"}']
        before = overruns()
        wait_until(lambda: overruns() > before, "overruns to be counted")
        healthy, _, _ = agent.request("/-/healthy")
        self.assertEqual(healthy, 200)
        self.assertEqual(agent.metrics()['namedprocess_namegroup_num_procs{groupname="me"}'], 1)
        wait_until(lambda: [a for a in agent.alerts("CollectorFailing") if a["labels"]["collector"] == "host"],
                   "the rules to go on and to say that a collector is blocked")
        self.assertLess(agent.terminate(), 3.0)
        self.assertEqual(agent.process.returncode, 0, agent.log_since_start())

    def test_promtool_accepts_the_page(self):
        agent = self.start("""
agent: {interval: 200ms, state_dir: state}
http: {listen: "127.0.0.1:0"}
collectors: {host: {}, process: [{name: me, match: {pid: self}}]}
""")
        wait_until(lambda: "node_load1" in agent.metrics(), "the host's samples")
        wait_until(lambda: any(s.startswith("namedprocess_") for s in agent.metrics()), "the process's samples")
        _, headers, page = agent.request("/metrics")
        self.assertEqual(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=30)
        # Exit code 3 means remarks on naming style, which the names of node_exporter and process-exporter draw too.
        self.assertIn(checked.returncode, (0, 3), checked.stdout.decode() + checked.stderr.decode())
        self.assertNotIn(b"error while linting", checked.stderr)

    def test_reload_takes_a_good_configuration_and_keeps_the_old_one_instead_of_a_bad(self):
        agent = self.start()
        self.memory.use(60)
        agent.write_config(self.config(threshold=50))
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: agent.alerts("MemoryHigh"), "the new threshold to be crossed")
        wait_until(lambda: agent.metrics()["sidewatch_config_last_reload_successful"] == 1, "the metric to tell")

        agent.write_config(self.config().replace("warning:", "warnin:"))
        status, _, body = agent.request("/-/reload", "POST")
        self.assertEqual(status, 500)
        self.assertIn("sidewatch.yaml:13:5: unknown key 'warnin', did you mean 'warning'?", body.decode())
        wait_until(lambda: agent.metrics()["sidewatch_config_last_reload_successful"] == 0, "the metric to tell")
        self.assertIn("did you mean 'warning'", agent.log())
        self.assertTrue(agent.alerts("MemoryHigh"), "the old configuration goes on")

        agent.write_config(self.config(threshold=70))
        status, _, _ = agent.request("/-/reload", "POST")
        self.assertEqual(status, 200)
        wait_until(lambda: not agent.alerts("MemoryHigh"), "the alert to end under the newest threshold")

    def test_a_removed_rule_resolves_its_alert_and_says_why(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        config = self.config() + f'  - name: hook\n    webhook: {{url: "{receiver.url}"}}\n'
        agent = self.start(config)
        self.memory.use(90)
        receiver.wait_for(1, "the alert")
        agent.write_config(config.replace("MemoryHigh", "MemoryVeryHigh"))
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: [r for r in receiver.taken() if r["body"]["alerts"][0]["reason"] == "rule_removed"],
                   "the removed rule's alert to resolve")

    def test_every_start_up_error_is_one_sentence_and_an_exit_code(self):
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]

        def run(config, arguments=("run", "--config", "sidewatch.yaml")):
            with open(os.path.join(self.directory.name, "sidewatch.yaml"), "w") as file:
                file.write(config)
            ended = subprocess.run([BINARY, *arguments], cwd=self.directory.name, capture_output=True, text=True,
                                   timeout=30)
            return ended.returncode, ended.stderr

        code, text = run(self.config().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        self.assertEqual(code, 1)
        self.assertIn(f"127.0.0.1:{port} is already in use", text)

        code, text = run(self.config(), ("run", "--config", "nowhere.yaml"))
        self.assertEqual(code, 2)
        self.assertIn("nowhere.yaml", text)
        self.assertIn("there is no such file", text)

        with open(os.path.join(self.directory.name, "occupied"), "w") as file:
            file.write("not a directory")
        code, text = run(self.config().replace("state_dir: state", "state_dir: occupied"))
        self.assertEqual(code, 1)
        self.assertIn("occupied", text)

        agent = self.start()
        code, text = run(self.config())
        self.assertEqual(code, 1)
        self.assertIn(f"locked by pid {agent.process.pid}", text)

    def test_sigterm_stops_in_time_while_a_receiver_hangs(self):
        receiver = Receiver(lambda number: "hang")
        self.addCleanup(receiver.stop)
        agent = self.start(self.config() + f'  - name: hook\n    webhook: {{url: "{receiver.url}"}}\n')
        self.memory.use(90)
        wait_until(lambda: receiver.all(), "the message to be under way")
        self.assertLess(agent.terminate(), 3.0)
        self.assertEqual(agent.process.returncode, 0, agent.log_since_start())

    def test_tells_the_service_manager_when_it_is_ready_and_that_it_lives(self):
        path = os.path.join(self.directory.name, "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(path)
        manager.settimeout(30)
        agent = self.start(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
        heard = []
        while not {"WATCHDOG=1", "READY=1"} <= set(heard):
            heard += manager.recv(4096).decode().splitlines()
        agent.process.send_signal(signal.SIGHUP)
        while "RELOADING=1" not in heard or "READY=1" not in heard[heard.index("RELOADING=1"):]:
            heard += manager.recv(4096).decode().splitlines()
        agent.process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in heard:
            heard += manager.recv(4096).decode().splitlines()
        agent.process.wait(timeout=30)


if __name__ == "__main__":
    unittest.main(verbosity=2)
