"""The real agent among enemies: receivers that misbehave, disks, files and descriptors that fail, names that deceive."""

import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, Agent, Receiver, temporary_directory, wait_until  # noqa: E402

CONFIG = """
agent: {{interval: 200ms, state_dir: state}}
http: {{listen: "127.0.0.1:{port}"}}
collectors:
  process:
{groups}
rules:
  - {{alert: Running, expr: namedprocess_namegroup_num_procs, warning: "> {threshold}"}}
receivers:
{receivers}
"""


def configuration(receivers="  - {name: log, log: {}}", groups="    - {name: me, match: {pid: self}}", threshold=0,
                  port=0):
    return CONFIG.format(receivers=receivers, groups=groups, threshold=threshold, port=port)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class HostileTest(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.state = os.path.join(self.directory.name, "state")

    def start(self, config=None, environment=None):
        agent = Agent(config or configuration(), self.directory.name, environment)
        self.addCleanup(agent.stop)
        return agent.start()

    def launch(self, before=(), **streams):
        """The agent behind `before`, on a known port; for when its log cannot be read."""
        port = free_port()
        agent = Agent(configuration(port=port), self.directory.name)
        self.addCleanup(agent.stop)
        agent.process = subprocess.Popen([*before, BINARY, "run", "--config", agent.config_path],
                                         stdin=subprocess.DEVNULL, cwd=self.directory.name, **streams)
        agent.port = port

        def serves():
            self.assertIsNone(agent.process.poll(), "the agent ended")
            try:
                return agent.request("/-/ready")[0] == 200
            except OSError:
                return False
        wait_until(serves, "the agent to serve")
        return agent

    def state_files(self):
        """(path, content) of every file in the state directory that is still there when it is read."""
        for folder, _, names in os.walk(self.state):
            for name in names:
                try:
                    with open(os.path.join(folder, name), "rb") as file:
                        yield os.path.join(folder, name), file.read()
                except FileNotFoundError:
                    pass

    def passes(self, agent, collector="process"):
        return agent.metrics()[f'sidewatch_collector_passes_total{{collector="{collector}"}}']

    def goes_on(self, agent):
        before = self.passes(agent)
        wait_until(lambda: self.passes(agent) >= before + 3, "further passes")
        self.assertEqual(agent.request("/-/healthy")[0], 200)

    def refused(self, sentence):
        """Starts the agent, which must say `sentence` and end with exit code 1."""
        ended = subprocess.run([BINARY, "run", "--config", "sidewatch.yaml"], cwd=self.directory.name, timeout=30,
                               capture_output=True, text=True)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertRegex(ended.stderr, r"\Asidewatch: .*\n\Z")
        self.assertIn(sentence, ended.stderr)


class Logs(HostileTest):
    def test_closed_standard_streams_do_not_make_the_log_overwrite_the_state(self):
        agent = self.launch(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
        agent.process.send_signal(signal.SIGHUP)  # something to log
        wait_until(lambda: [a for a in agent.alerts("Running") if a["state"] == "firing"], "the alert")
        for number in ("0", "1", "2"):
            self.assertEqual(os.readlink(f"/proc/{agent.process.pid}/fd/{number}"), "/dev/null")
        self.assertLess(agent.terminate(), 3.0)
        self.assertEqual(agent.process.returncode, 0)
        for name, content in self.state_files():
            self.assertNotIn(b"level=info", content, name)

    def test_a_log_that_nobody_reads_holds_nothing_up(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        agent = self.launch(stdout=subprocess.DEVNULL, stderr=writing)
        os.close(writing)
        end = time.monotonic() + 20
        while agent.metrics()["sidewatch_log_lines_dropped_total"] == 0:
            self.assertLess(time.monotonic(), end, "no line was dropped")
            for _ in range(50):
                agent.request("/-/reload", "POST")
        self.goes_on(agent)
        self.assertLess(agent.terminate(), 3.0)
        self.assertEqual(agent.process.returncode, 0)

    def test_a_log_on_a_full_disk_is_counted_and_holds_nothing_up(self):
        with open("/dev/full", "wb") as full:
            agent = self.launch(stdout=full, stderr=full)
        wait_until(lambda: agent.metrics()["sidewatch_log_write_failures_total"] > 0, "the failures to be counted")
        self.goes_on(agent)
        self.assertLess(agent.terminate(), 3.0)
        self.assertEqual(agent.process.returncode, 0)


class State(HostileTest):
    def setUp(self):
        super().setUp()
        self.agent = Agent(configuration(), self.directory.name)
        self.addCleanup(self.agent.stop)
        self.database = os.path.join(self.state, "outbox.db")

    def ran_before(self):
        self.agent.start()
        self.agent.terminate()

    def remove_database(self):
        for name in os.listdir(self.state):
            if name.startswith("outbox.db"):
                os.unlink(os.path.join(self.state, name))

    def test_a_second_agent_on_the_same_state_is_refused_and_the_first_goes_on(self):
        self.agent.start()
        self.refused(f"locked by pid {self.agent.process.pid}")
        self.goes_on(self.agent)

    def test_what_is_no_database_is_named_and_left_alone(self):
        self.ran_before()
        self.remove_database()
        with open(self.database, "w") as file:
            file.write("hello world\n")
        self.refused("outbox.db: is not a database")
        with open(self.database) as file:
            self.assertEqual(file.read(), "hello world\n")
        os.unlink(self.database)
        os.mkdir(self.database)
        self.refused("outbox.db: is a directory")
        os.rmdir(self.database)
        os.mkfifo(self.database)
        self.refused("outbox.db: is not a regular file")

    def test_a_symbolic_link_in_place_of_the_database_is_not_followed(self):
        self.ran_before()
        self.remove_database()
        precious = os.path.join(self.directory.name, "precious")
        with open(precious, "w") as file:
            file.write("precious\n")
        os.symlink(precious, self.database)
        self.refused("outbox.db: is a symbolic link")
        with open(precious) as file:
            self.assertEqual(file.read(), "precious\n")

    def test_a_full_disk_costs_nothing_once_there_is_room_again(self):
        os.mkdir(self.state, 0o700)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "none", self.state],
                                 capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=True)
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.agent.write_config(configuration(receivers=f'  - {{name: hook, webhook: {{url: "{receiver.url}"}}}}',
                                              threshold=5))
        self.agent.start()
        self.addCleanup(self.agent.stop)
        filler = os.path.join(self.state, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        threshold = 5

        def change_the_rule():
            nonlocal threshold
            threshold = 5 - threshold
            self.agent.write_config(self.agent_config(receiver, threshold))
            self.assertEqual(self.agent.request("/-/reload", "POST")[0], 200)
            with open(filler, "ab", buffering=0) as file:  # also what the ballast gave
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
            return self.agent.metrics()["sidewatch_outbox_degraded"] == 1
        wait_until(change_the_rule, "the disk to refuse a commit", pause=0.1)
        self.goes_on(self.agent)
        os.unlink(filler)
        self.agent.write_config(self.agent_config(receiver, 5))
        self.assertEqual(self.agent.request("/-/reload", "POST")[0], 200)
        wait_until(lambda: self.agent.metrics()["sidewatch_outbox_degraded"] == 0, "everything to be on disk")
        wait_until(lambda: not self.agent.alerts("Running"), "the alert to end")
        wait_until(lambda: self.agent.metrics()['sidewatch_notifications_pending{receiver="hook"}'] == 0,
                   "everything to be sent")
        taken = receiver.taken()
        self.assertGreaterEqual(len(taken), 1)
        keys = [request["headers"]["idempotency-key"] for request in taken]
        self.assertEqual(len(keys), len(set(keys)), "nothing is sent twice")
        self.assertLess(self.agent.terminate(), 3.0)
        self.agent.start()
        self.assertEqual(self.agent.metrics()["sidewatch_outbox_missing_messages"], 0)
        self.agent.terminate()

    def agent_config(self, receiver, threshold):
        return configuration(receivers=f'  - {{name: hook, webhook: {{url: "{receiver.url}"}}}}', threshold=threshold)


class RawReceiver:
    """Takes whole requests and does to the connection what `behave(connection)` does."""

    def __init__(self, behave):
        self.behave = behave
        self.requests = 0
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(16)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                connection.settimeout(20)
                self._read(connection)
                self.requests += 1
                self.behave(connection)
            except OSError:
                pass

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        while len(body) < length:
            body += self._more(connection)

    @staticmethod
    def _more(connection):
        data = connection.recv(65536)
        if not data:
            raise OSError("closed")
        return data

    def stop(self):
        self._socket.close()


def drip(connection):
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.2)


def reset(connection):
    connection.sendall(b"HTTP/1.1 200")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def flood(head, piece):
    def behave(connection):
        connection.sendall(head)
        for _ in range((1 << 30) // len(piece)):
            connection.sendall(piece)
    return behave


def answer(*lines):
    return lambda connection: connection.sendall("\r\n".join([*lines, "Content-Length: 0", "", ""]).encode())


class Receivers(HostileTest):
    # What a receiver does, and what the log then says of it. None: it took the message.
    MANNERS = {
        "drip": (drip, "timed out"),
        "reset": (reset, "reset by peer"),
        "silence": (lambda connection: None, "Empty reply"),
        "garbage": (lambda connection: connection.sendall(b"\xff\x00SSH-2.0\r\n\r\n"), "HTTP/0.9"),
        "headers": (flood(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"y" * 4000 + b"\r\n"), None),
        "huge": (flood(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", bytes(65536)), None),
        "hugefailure": (flood(b"HTTP/1.1 500 No\r\nContent-Length: 1073741824\r\n\r\n", bytes(65536)), "HTTP 500"),
        "moved": (answer("HTTP/1.1 301 M", "Location: http://169.254.169.254/"), "redirect not followed"),
        "later": (answer("HTTP/1.1 503 L", "Retry-After: 315360000"), "HTTP 503"),
        "gone": (answer("HTTP/1.1 410 G"), "delivery failed, it will be tried again"),
        "nocontent": (answer("HTTP/1.1 204 N"), None),
    }

    def test_no_receiver_harms_another_or_the_agent(self):
        entries = []
        for name, (behave, _) in self.MANNERS.items():
            receiver = RawReceiver(behave)
            self.addCleanup(receiver.stop)
            entries.append(f'  - {{name: {name}, webhook: {{url: "http://127.0.0.1:{receiver.port}/c4nary", timeout: 2s}}}}')
        good = Receiver()
        self.addCleanup(good.stop)
        entries.append(f'  - {{name: good, webhook: {{url: "{good.url}"}}}}')
        agent = self.start(configuration(receivers="\n".join(entries)))
        good.wait_for(1, "the good receiver's message")
        for name, (_, words) in self.MANNERS.items():
            if words is None:
                delivered = f'sidewatch_notifications_delivered_total{{receiver="{name}"}}'
                wait_until(lambda: agent.metrics()[delivered] == 1, f"{name} to be taken for delivered")
            else:
                wait_until(lambda: [line for line in agent.log().splitlines()
                                    if f"receiver={name} " in line and words in line], f"the log's word on {name}")
        self.goes_on(agent)
        self.assertEqual(len(good.all()), 1)
        self.assertNotIn("c4nary", agent.log())
        for page in ("/metrics", "/api/v1/alerts", "/"):
            self.assertNotIn(b"c4nary", agent.request(page)[2], page)
        for name, content in self.state_files():
            self.assertNotIn(b"c4nary", content, name)
        self.assertNotIn("<...>...", agent.log())
        self.assertLess(agent.terminate(), 3.0)

    def test_what_waits_for_a_receiver_that_is_taken_away_is_not_lost_in_silence(self):
        receiver = Receiver(lambda number: 500)
        self.addCleanup(receiver.stop)

        def named(name):
            return configuration(receivers=f'  - {{name: {name}, webhook: {{url: "{receiver.url}"}}}}')
        failed = 'sidewatch_notifications_failed_attempts_total{receiver="first"}'
        agent = self.start(named("first"))
        wait_until(lambda: agent.metrics()[failed] > 0, "a failed attempt")
        agent.write_config(named("second"))
        self.assertEqual(agent.request("/-/reload", "POST")[0], 200)
        wait_until(lambda: "in the dead letters\" receiver=first messages=1" in agent.log(), "the log to tell")
        dropped = 'sidewatch_notifications_dropped_total{receiver="first"}'
        wait_until(lambda: agent.metrics()[dropped] == 1, "the message to be counted as dropped")

        agent.kill()
        shutil.rmtree(self.state)
        agent.write_config(named("first"))
        agent.start()
        wait_until(lambda: agent.metrics()[failed] > 0, "a failed attempt")
        agent.kill()
        agent.write_config(named("second"))
        agent.start()
        self.assertIn("1 unsent message is in the dead letters: there is no receiver 'first' any more",
                      agent.log_since_start())

    def test_a_certificate_that_nobody_vouches_for_is_refused_and_a_missing_file_is_told_at_the_start(self):
        certificate, key = (os.path.join(self.directory.name, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-subj", "/CN=other.example", "-addext", "subjectAltName=DNS:other.example"],
                       check=True, capture_output=True)
        port = free_port()
        server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate, "-key", key,
                                   "-quiet"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.stdin.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        url = f"https://127.0.0.1:{port}/"
        agent = self.start(configuration(receivers=(
            f'  - {{name: unknown, webhook: {{url: "{url}"}}}}\n'
            f'  - {{name: othername, webhook: {{url: "{url}", tls: {{ca_file: {certificate}}}}}}}')))
        for name, words in (("unknown", "self-signed certificate"), ("othername", "certificate subject name")):
            wait_until(lambda: [line for line in agent.log().splitlines() if f"receiver={name} " in line and words in line],
                       f"the log's word on {name}")
        self.assertIn(f"{url}...: ", agent.log(), "the log says where")
        agent.write_config(configuration(receivers=(
            f'  - {{name: a, webhook: {{url: "{url}", tls: {{ca_file: {self.directory.name}/missing.pem}}}}}}')))
        status, _, body = agent.request("/-/reload", "POST")
        self.assertEqual(status, 500)
        self.assertIn("missing.pem: there is no such file", body.decode())


class Configuration(HostileTest):
    def test_check_takes_the_configuration_as_run_does(self):
        Agent(configuration(), self.directory.name)  # writes the configuration
        said = [subprocess.run([BINARY, "check", *arguments, "sidewatch.yaml"], cwd=self.directory.name, timeout=30,
                               capture_output=True, text=True) for arguments in ((), ("--config",), ("-c",))]
        for ended in said:
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertIn("Running: warning > 0", ended.stdout)
            self.assertEqual(ended.stdout, said[0].stdout)

    def test_a_configuration_that_is_no_file_any_more_changes_nothing_and_a_swapped_link_is_taken(self):
        agent = self.start()
        wait_until(lambda: agent.alerts("Running"), "the alert")
        path = agent.config_path
        for make, words in ((os.mkfifo, "is a named pipe"), (os.mkdir, "is a directory"),
                            (lambda p: os.symlink("/dev/zero", p), "is a device"),
                            (lambda p: os.symlink("nowhere", p), "there is no such file")):
            os.unlink(path)
            make(path)
            status, _, body = agent.request("/-/reload", "POST")
            self.assertEqual(status, 500)
            self.assertIn(words, body.decode())
            if os.path.isdir(path):
                os.rmdir(path)
                os.symlink("nowhere", path)
        wait_until(lambda: agent.metrics()["sidewatch_config_last_reload_successful"] == 0, "the metric to tell")
        self.assertTrue(agent.alerts("Running"), "the old configuration goes on")

        # As Kubernetes swaps a ConfigMap: the directory behind the link is another one at once.
        for name, threshold in (("one", 0), ("two", 5)):
            os.mkdir(os.path.join(self.directory.name, name))
            with open(os.path.join(self.directory.name, name, "c.yaml"), "w") as file:
                file.write(configuration(threshold=threshold))
        data = os.path.join(self.directory.name, "..data")
        os.symlink("one", data)
        os.unlink(path)
        os.symlink("..data/c.yaml", path)
        self.assertEqual(agent.request("/-/reload", "POST")[0], 200)
        os.symlink("two", data + ".new")
        os.replace(data + ".new", data)
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not agent.alerts("Running"), "the new threshold to count")

    def test_a_storm_of_hangups_leaves_nothing_behind(self):
        agent = self.start()
        self.goes_on(agent)
        descriptors = len(os.listdir(f"/proc/{agent.process.pid}/fd"))
        threads = len(os.listdir(f"/proc/{agent.process.pid}/task"))
        for number in range(1000):
            agent.process.send_signal(signal.SIGHUP)
            if number == 500:
                agent.write_config(configuration(threshold=5))
            time.sleep(0.001)
        wait_until(lambda: not agent.alerts("Running"), "the last content to win")
        self.goes_on(agent)
        self.assertLessEqual(len(os.listdir(f"/proc/{agent.process.pid}/fd")), descriptors + 2)
        self.assertLessEqual(len(os.listdir(f"/proc/{agent.process.pid}/task")), threads)
        agent.process.send_signal(signal.SIGTERM)
        agent.process.send_signal(signal.SIGHUP)
        agent.process.send_signal(signal.SIGTERM)
        agent.process.wait(timeout=10)
        self.assertEqual(agent.process.returncode, 0)


class Machine(HostileTest):
    def test_a_pause_of_the_machine_makes_one_pass_and_raises_no_alert(self):
        agent = self.start(configuration(threshold=5))
        self.goes_on(agent)
        before = self.passes(agent)
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(4)  # twenty intervals
        agent.process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        after = self.passes(agent)
        self.assertLessEqual(after - before, 3 + (time.monotonic() - began) / 0.2, "what was missed is not made up for")
        self.goes_on(agent)
        self.assertNotIn("alert fired", agent.log())

    def test_few_descriptors_and_many_clients(self):
        agent = self.launch(["prlimit", "--nofile=120"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        clients = []
        for _ in range(150):
            client = socket.create_connection(("127.0.0.1", agent.port), timeout=5)
            self.addCleanup(client.close)
            clients.append(client)
        self.goes_on(agent)
        ticks = self.cpu_ticks(agent)
        time.sleep(1)
        self.assertLess(self.cpu_ticks(agent) - ticks, 30, "the agent spins")
        for client in clients:
            client.close()
        self.goes_on(agent)
        self.assertEqual(agent.metrics()['sidewatch_collector_success{collector="process"}'], 1)

    @staticmethod
    def cpu_ticks(agent):
        with open(f"/proc/{agent.process.pid}/stat") as file:
            return sum(map(int, file.read().rpartition(") ")[2].split()[11:13]))

    @unittest.skipUnless(shutil.which("strace"), "strace makes the faults")
    def test_a_machine_without_threads_to_spare_is_told_in_a_sentence(self):
        Agent(configuration(), self.directory.name)  # writes the configuration
        for first in range(1, 6):  # the first thread that cannot be had
            ended = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=clone,clone3", "-e",
                 f"inject=clone,clone3:error=EAGAIN:when={first}+", BINARY, "run", "--config", "sidewatch.yaml"],
                cwd=self.directory.name, capture_output=True, text=True, timeout=30,
                env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))  # which does not work under strace
            self.assertEqual(ended.returncode, 1, ended.stderr)
            self.assertRegex(ended.stderr, r"(?m)^sidewatch: cannot start")
            self.assertNotIn("terminate called", ended.stderr)


class Processes(HostileTest):
    NAMES = r"""
import ctypes, sys, time
ctypes.CDLL(None).prctl(15, b'a) R "\\\n\xff\xc3', 0, 0, 0)
print("ready", flush=True)
time.sleep(1000)
"""

    def disguised(self, *arguments):
        process = subprocess.Popen([sys.executable, "-c", self.NAMES, "sidewatch-disguised", *arguments],
                                   stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_names_that_deceive_and_processes_that_come_and_go(self):
        plain = self.disguised('x"}\n y 1', b"\xff\xfe")
        self.disguised(*["y" * 100_000] * 15)  # a command line of 1.5 MB
        garbage = os.path.join(self.directory.name, "garbage.pid")
        with open(garbage, "w") as file:
            file.write("not a pid 99999999999999999999\n")
        listener = socket.socket(socket.AF_INET6)
        self.addCleanup(listener.close)
        listener.bind(("::1", 0))
        listener.listen(1)
        agent = self.start(configuration(threshold=5, groups=(
            '    - {name: disguised, match: {cmdline: sidewatch-disguised}}\n'
            f'    - {{name: garbage, match: {{pid_file: {garbage}}}}}\n'
            '    - {name: endless, match: {pid_file: /dev/zero}}\n'
            f'    - {{name: ipv6, match: {{port: {listener.getsockname()[1]}}}, children: false}}\n')))

        def count(group):
            return agent.metrics().get(f'namedprocess_namegroup_num_procs{{groupname="{group}"}}')
        wait_until(lambda: count("disguised") == 2, "both disguised processes")
        self.assertEqual(count("garbage"), 0)
        self.assertEqual(count("endless"), 0)
        self.assertEqual(count("ipv6"), 1)
        self.assertIn("garbage.pid: holds no PID", agent.log())
        agent.request("/metrics")[2].decode("utf-8", errors="strict")

        plain.send_signal(signal.SIGSTOP)
        stopped = 'namedprocess_namegroup_states{groupname="disguised",state="Other"}'
        wait_until(lambda: agent.metrics()[stopped] == 1, "the stopped process to be shown as such")
        plain.kill()
        wait_until(lambda: agent.metrics()[stopped] == 0, "the killed process not to be shown as stopped")

        storm = subprocess.Popen(["sh", "-c", "i=0; while [ $i -lt 3000 ]; do /bin/true & i=$((i+1)); done; wait"])
        self.addCleanup(storm.wait)
        self.addCleanup(storm.kill)
        wait_until(lambda: storm.poll() is not None, "3 000 short processes")
        self.goes_on(agent)
        wait_until(lambda: agent.metrics()['sidewatch_collector_success{collector="process"}'] == 1, "a good pass")
        self.assertLess(agent.terminate(), 3.0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
