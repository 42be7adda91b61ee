"""What the integration tests stand on: the real agent, a real HTTP receiver, a real process to watch.

Everything runs on 127.0.0.1 and in temporary directories, is stopped by pid, and every wait has a deadline.
"""

import http.client
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

BINARY = os.path.abspath(os.environ.get("SIDEWATCH_BINARY", "build/dev/agent/sidewatch"))

# A sanitizer build is several times slower; deadlines are for hangs, not for speed.
DEADLINE = 30.0


def wait_until(condition, what, deadline=DEADLINE, pause=0.02):
    """The first true answer of `condition`; AssertionError naming `what` once the deadline is over."""
    end = time.monotonic() + deadline
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:.0f} s in vain for {what}")
        time.sleep(pause)


class Receiver:
    """A webhook receiver whose answers a test chooses.

    `behaviour` is called with the request's number (from 0) and returns a status code, or "hang" (no answer until the
    receiver stops), or "close" (the connection is closed without an answer).
    """

    def __init__(self, behaviour=lambda number: 200, port=0):
        self.behaviour = behaviour
        self.requests = []  # every request: {"at", "status", "headers", "body"}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                with receiver._lock:
                    number = len(receiver.requests)
                    status = receiver.behaviour(number)
                    receiver.requests.append({
                        "at": time.monotonic(),
                        "status": status,
                        "headers": {name.lower(): value for name, value in self.headers.items()},
                        "raw": body,
                        "body": json.loads(body),
                    })
                if status == "hang":
                    receiver._stopping.wait(DEADLINE)
                    self.close_connection = True
                elif status == "close":
                    self.close_connection = True
                else:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

            def handle_error(self, request, client_address):
                pass  # a killed agent resets its connections

        self._make_server = lambda on_port: Server(("127.0.0.1", on_port), Handler)
        self._server = None
        self.port = port
        self.listen()

    def listen(self):
        self._server = self._make_server(self.port)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def refuse(self):
        """Connections are refused until listen()."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def all(self):
        with self._lock:
            return list(self.requests)

    def taken(self):
        """What was answered with 2xx, in order."""
        return [r for r in self.all() if isinstance(r["status"], int) and 200 <= r["status"] < 300]

    def wait_for(self, count, what):
        wait_until(lambda: len(self.taken()) >= count, f"{what} (message {count} of the receiver)")
        return self.taken()

    def stop(self):
        self._stopping.set()
        if self._server is not None:
            self.refuse()


class Agent:
    """The real binary, started on a free port with a configuration given as text.

    `wrapper` is a command that starts the command behind it, in a namespace or as another user.
    """

    def __init__(self, config, directory, environment=None, wrapper=()):
        self.wrapper = list(wrapper)
        self.program = BINARY
        self.directory = directory
        self.config_path = os.path.join(directory, "sidewatch.yaml")
        self.log_path = os.path.join(directory, "agent.log")
        self.write_config(config)
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None
        self.port = None

    def write_config(self, config):
        temporary = self.config_path + ".new"
        with open(temporary, "w") as file:
            file.write(config)
        os.replace(temporary, self.config_path)

    def start(self, wait=True):
        self._log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            command = [*self.wrapper, self.program, "run", "--config", self.config_path]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, cwd=self.directory)
        self.port = None
        if wait:
            wait_until(self.find_port, f"the agent to serve; its log:\n{self.log()}")
        return self

    def log(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode(errors="replace")

    def log_since_start(self):
        with open(self.log_path, "rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def find_port(self):
        found = re.search(r"serving.*?address=\"?127\.0\.0\.1:(\d+)", self.log_since_start())
        if found:
            self.port = int(found.group(1))
            return True
        if self.process.poll() is not None:
            raise AssertionError(f"the agent ended with {self.process.returncode}; its log:\n{self.log_since_start()}")
        return False

    def request(self, path, method="GET", headers=None, timeout=DEADLINE):
        """(status, headers, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def metrics(self):
        """{series text as exposed: value}"""
        _, _, body = self.request("/metrics")
        series = {}
        for line in body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                series[name] = float(value)
        return series

    def alerts(self, name):
        """The alerts of one rule that are pending or firing."""
        status, _, body = self.request("/api/v1/alerts")
        assert status == 200, status
        return [alert for alert in json.loads(body)["data"]["alerts"] if alert["labels"]["alertname"] == name]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self, deadline=DEADLINE):
        """Seconds that SIGTERM took; the exit code is in process.returncode."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=deadline)
        return time.monotonic() - began

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Hog:
    """A process whose resident memory a test sets."""

    PROGRAM = """
import mmap, sys
held = []  # a MiB each: what is held goes straight up or straight down
for line in sys.stdin:
    size = int(line) >> 20
    while len(held) > size:
        held.pop().close()
    while len(held) < size:
        held.append(mmap.mmap(-1, 1 << 20))
        for offset in range(0, 1 << 20, 4096):
            held[-1][offset] = 1
    print("done", flush=True)
"""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-c", self.PROGRAM], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    @property
    def pid(self):
        return self.process.pid

    def hold(self, mebibytes):
        self.process.stdin.write(f"{mebibytes << 20}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Meminfo:
    """A procfs root whose /proc/meminfo a test sets, so that `used` percent of memory are in use."""

    TOTAL_KB = 1_000_000

    def __init__(self, directory):
        self.root = os.path.join(directory, "proc")
        os.makedirs(self.root, exist_ok=True)
        os.makedirs(os.path.join(self.root, "self"), exist_ok=True)
        with open(os.path.join(self.root, "self", "mounts"), "w"):
            pass  # nothing is mounted
        self.path = os.path.join(self.root, "meminfo")
        self.use(10)

    def use(self, percent):
        available = self.TOTAL_KB * (100 - percent) // 100
        # One line length whatever the value: the file is overwritten in place, in one write, so a reader that keeps it
        # open never sees half of it.
        text = (f"MemTotal:       {self.TOTAL_KB:8d} kB\nMemFree:        {available:8d} kB\n"
                f"MemAvailable:   {available:8d} kB\n").encode()
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(file, text, 0)
        finally:
            os.close(file)


def temporary_directory():
    return tempfile.TemporaryDirectory(prefix="sidewatch-test-")
