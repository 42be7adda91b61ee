"""`sidewatch init` on the live machine: real servers are found, what it writes is accepted, and the agent that runs with
it watches them.

The test enters a network and a PID namespace of its own, so that its servers are all there is and nobody else is asked
for anything. Where that is not allowed it says so and is skipped.
"""

import fcntl
import glob
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Agent, temporary_directory, wait_until  # noqa: E402

INSIDE = "SIDEWATCH_TEST_INSIDE_NAMESPACES"
IS_ROOT = os.geteuid() == 0 and os.environ.get(INSIDE) != "as somebody"  # who is root there and nobody else

NODE_SERVER = """
const http = require('http');
const [port, metrics] = [Number(process.argv[2]), process.argv[3] === 'metrics'];
http.createServer((request, response) => {
  const known = metrics && request.url === '/metrics';
  response.writeHead(known ? 200 : 404);
  response.end(known ? '# TYPE orders_total counter\\norders_total{kind="a"} 1\\n' : 'no');
}).listen(port, '127.0.0.1');
"""

PYTHON_SERVER = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()  # accepts and never answers
"""


def find_program(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found[-1] if found else shutil.which(name)


def raise_loopback():
    with socket.socket() as any_socket:
        up = struct.pack("16sh", b"lo", 0x1 | 0x40) + b"\0" * 14
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return any_socket.getsockname()[1]


def init(*arguments, **options):
    return subprocess.run([BINARY, "init", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE,
                          text=True, **options)


def check(path):
    return subprocess.run([BINARY, "check", path], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE,
                          text=True)


def groups_in(config):
    """{name: (the comment above, the condition)} of the groups of processes that are in use."""
    found = re.findall(r"((?:^    # .*\n)+)^    - name: (\S+)\n      match: \{(.*)\}$", config, re.M)
    return {name: (comment, match) for comment, name, match in found}


class World(unittest.TestCase):
    """A temporary directory that everybody may read, and servers that end with the test."""

    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        os.chmod(self.directory.name, 0o755)
        self.path = lambda *parts: os.path.join(self.directory.name, *parts)

    def write(self, text, *parts):
        os.makedirs(os.path.dirname(self.path(*parts)), exist_ok=True)
        with open(self.path(*parts), "w") as file:
            file.write(text)
        return self.path(*parts)

    def serve(self, port, *command, **options):
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, **options)

        def stop():
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(timeout=5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        self.addCleanup(stop)
        wait_until(lambda: listens(port), f"{command[0]} to listen on {port}")
        return server

    def serve_node(self, *parts, metrics=False, **options):
        port = free_port()
        self.serve(port, "node", self.write(NODE_SERVER, *parts), str(port), "metrics" if metrics else "none",
                   "--password=canary", env={"PATH": os.environ["PATH"], "SECRET": "canary"}, **options)
        return port

    def serve_python(self, *parts):
        port = free_port()
        self.serve(port, sys.executable, self.write(PYTHON_SERVER, *parts), str(port))
        return port

    def serve_postgres(self):
        port = free_port()
        data = self.path("pg")
        os.mkdir(data)
        options = {}
        if IS_ROOT:
            shutil.chown(data, "nobody")
            options = {"user": "nobody"}
        subprocess.run([find_program("initdb"), "-D", data, "-A", "trust", "--no-sync"], check=True, cwd="/",
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * DEADLINE, **options)
        self.serve(port, find_program("postgres"), "-D", data, "-p", str(port), "-c", "fsync=off",
                   "-c", f"unix_socket_directories={data}", "-c", "listen_addresses=127.0.0.1", cwd="/", **options)
        return port

    def assert_accepted(self, config, name="sidewatch.yaml"):
        answer = check(self.write(config, name))
        self.assertEqual(answer.stderr, "")
        self.assertEqual(answer.returncode, 0)
        return answer.stdout


@unittest.skipUnless(os.environ.get(INSIDE), "runs in namespaces of its own")
class LiveMachine(World):
    def test_servers_are_found_and_the_agent_watches_them(self):
        found = {"ledger": self.serve_python("ledger", "ledger.py")}
        expected_metrics = None
        if shutil.which("node"):
            expected_metrics = found["checkout"] = self.serve_node("checkout", "dist", "server.js", metrics=True)
            found["web"] = self.serve_node("web", "index.js")
        if find_program("postgres") and find_program("initdb") and IS_ROOT:  # PostgreSQL refuses to run as root
            found["postgres"] = self.serve_postgres()
        if shutil.which("redis-server"):
            found["redis"] = free_port()
            self.serve(found["redis"], "redis-server", "--port", str(found["redis"]), "--bind", "127.0.0.1",
                       "--save", "", "--dir", self.directory.name)

        answer = init()
        self.assertEqual(answer.returncode, 0)
        self.assertNotIn("canary", answer.stdout + answer.stderr)
        groups = groups_in(answer.stdout)
        for name, port in found.items():
            self.assertIn(name, groups, answer.stdout)
            self.assertIn(f"port {port}", groups[name][0])
        if expected_metrics:
            self.assertIn("  scrape:\n    - job: checkout\n"
                          f"      url: 'http://127.0.0.1:{expected_metrics}/metrics'\n", answer.stdout)
            self.assertEqual(answer.stdout.count("/metrics'"), 1)
        self.assert_accepted(answer.stdout)
        self.assertEqual(init().stdout, answer.stdout, "another order or other words the second time")
        self.watch(answer.stdout, found, expected_metrics)

    def watch(self, config, found, metrics_port=None):
        config = re.sub(r"listen: \S+", "listen: 127.0.0.1:0", config)
        config = re.sub(r"state_dir: \S+", "state_dir: " + self.path("state"), config)
        agent = Agent(config.replace("interval: 5s", "interval: 200ms"), self.directory.name)
        self.addCleanup(agent.stop)
        agent.start()
        for name in found:
            series = f'namedprocess_namegroup_num_procs{{groupname="{name}"}}'
            wait_until(lambda: agent.metrics().get(series, 0) >= 1, f"{name} to be watched")
        if metrics_port:
            series = f'up{{instance="127.0.0.1:{metrics_port}",job="checkout"}}'
            wait_until(lambda: agent.metrics().get(series) == 1, "its page to be scraped")
        for rule in ("ProcessAbsent", "ProcessRestarting", "ProcessFileDescriptorsHigh", "ContainerNotFound"):
            self.assertEqual([alert["labels"] for alert in agent.alerts(rule)], [])
        agent.terminate()
        self.assertEqual(agent.process.returncode, 0)

    @unittest.skipUnless(shutil.which("node"), "there is no node")
    def test_scripts_with_strange_paths_are_watched_by_something_else(self):
        port = self.serve_node("it's [a] \"b\": #1 ${HOME}", "x\ny.js")
        answer = init()
        self.assertIn(f"match: {{port: {port}}}", answer.stdout)
        self.assert_accepted(answer.stdout)

    @unittest.skipUnless(IS_ROOT, "only root can become somebody else")
    def test_somebody_who_may_see_little_is_told_so(self):
        port = self.serve_python("ledger", "ledger.py")
        binary = shutil.copy(BINARY, self.path("sidewatch"))
        answer = subprocess.run([binary, "init"], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE,
                                text=True, user="nobody", group="nogroup", extra_groups=[], cwd="/",
                                env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn(f"  #   port {port} on 127.0.0.1, user root\n", answer.stdout)
        self.assertIn("run as root to see whose every port is", answer.stderr)
        self.assertIn("state_dir: /nonexistent/.local/state/sidewatch\n", answer.stdout)
        self.assert_accepted(answer.stdout)

    @unittest.skipUnless(IS_ROOT and shutil.which("setpriv"), "only root can hide processes")
    def test_somebody_who_sees_only_their_own_processes_is_told_so(self):
        binary = shutil.copy(BINARY, self.path("sidewatch"))
        command = ("mount -t proc -o hidepid=2 proc /proc && "
                   f"exec setpriv --reuid=nobody --regid=nogroup --clear-groups {binary} init")
        answer = subprocess.run(["unshare", "--mount", "sh", "-c", command], stdin=subprocess.DEVNULL, cwd="/",
                                capture_output=True, timeout=DEADLINE, text=True)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("  processes of other users, which /proc hides (hidepid): run as root\n", answer.stderr)
        self.assert_accepted(answer.stdout)

    def test_a_server_that_never_answers_holds_nobody_up(self):
        for name in "abcdefgh":
            self.serve_python(name, f"{name}.py")
        answer = init()
        self.assertEqual(answer.returncode, 0)
        self.assertEqual(len([name for name in groups_in(answer.stdout) if len(name) == 1]), 8, answer.stdout)

    def test_the_agent_is_given_another_port_where_its_own_is_taken(self):
        self.serve(9766, sys.executable, self.write(PYTHON_SERVER, "ledger.py"), "9766")
        self.assertIn("  listen: 127.0.0.1:9767\n", init().stdout)


@unittest.skipUnless(os.environ.get(INSIDE), "runs in namespaces of its own")
class File(World):
    def test_is_written_once_and_for_its_owner(self):
        path = self.path("sidewatch.yaml")
        answer = init("--output", path)
        self.assertEqual((answer.returncode, answer.stdout), (0, ""))
        self.assertIn(f"  sidewatch run --config {path}\n", answer.stderr)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(check(path).returncode, 0)

        with open(path, "a") as file:
            file.write("# mine\n")
        answer = init("--output", path)
        self.assertEqual(answer.returncode, 1)
        self.assertEqual(answer.stderr, f"sidewatch: {path}: is there already and was left as it is; "
                                        "--force writes over it\n")
        with open(path) as file:
            self.assertIn("# mine\n", file.read())
        self.assertEqual(init("--output", path, "--force").returncode, 0)
        with open(path) as file:
            self.assertNotIn("# mine\n", file.read())
        self.assertEqual(os.listdir(self.directory.name), ["sidewatch.yaml"])

    def test_is_not_taken_for_written_when_nobody_could_read_it(self):
        with open("/dev/full", "w") as full:
            answer = subprocess.run([BINARY, "init"], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                                    timeout=DEADLINE, text=True)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("No space left on device", answer.stderr)


def run_inside():
    """This test again in namespaces of its own; None where that is not allowed."""
    enter = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.geteuid() != 0:
        enter.insert(1, "--map-root-user")
    if shutil.which("unshare") is None or subprocess.run([*enter, "true"], capture_output=True).returncode != 0:
        return None
    return subprocess.run([*enter, sys.executable, os.path.abspath(__file__)],
                          env={**os.environ, INSIDE: "as root" if os.geteuid() == 0 else "as somebody"}).returncode


if __name__ == "__main__":
    if os.environ.get(INSIDE):
        raise_loopback()
        unittest.main(verbosity=2)
    code = run_inside()
    if code is None:
        print("skipped: no namespaces may be made here (unshare --net --pid)")
    sys.exit(code or 0)
