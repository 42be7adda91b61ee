"""Debian's prometheus-alertmanager as an ordinary process, alone or as peers of a cluster, on free ports."""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request

from harness import DEADLINE, wait_until

PROGRAM = "/usr/bin/prometheus-alertmanager"

CONFIG = """
route: {{receiver: none, group_wait: 1s, group_interval: 1s}}
global: {{resolve_timeout: {resolve_timeout}}}
receivers: [{{name: none}}]
"""


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Alertmanager:
    """`peer`: another one to form a cluster with. Between choosing a port and listening somebody else may take it: then
    it ends at once, and is started with another."""

    def __init__(self, directory, name, peer=None, resolve_timeout="5s"):
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory)
        self.config = os.path.join(self.directory, "alertmanager.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(resolve_timeout=resolve_timeout))
        self.peer = peer
        self.process = None
        for _ in range(5):
            self.port, self.cluster_port = free_port(), free_port()
            if self.start():
                return
        raise AssertionError(f"Alertmanager does not start:\n{self.log()}")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        command = [PROGRAM, "--config.file", self.config, "--storage.path", self.directory,
                   "--web.listen-address", f"127.0.0.1:{self.port}",
                   "--cluster.listen-address", f"127.0.0.1:{self.cluster_port}", "--cluster.settle-timeout", "1s"]
        if self.peer is not None:
            command += ["--cluster.peer", f"127.0.0.1:{self.peer.cluster_port}"]
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self.process.poll() is not None or self.ready(), "Alertmanager to be ready")
        return self.process.poll() is None

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=DEADLINE) as answer:
            return json.load(answer)

    def ready(self):
        try:
            self.get("/api/v2/status")
            return True
        except (OSError, urllib.error.URLError, ValueError):
            return False

    def peers(self):
        return len(self.get("/api/v2/status")["cluster"].get("peers", []))

    def firing(self):
        """The alerts that are active, as Alertmanager sees them."""
        return [alert for alert in self.get("/api/v2/alerts?active=true") if alert["status"]["state"] == "active"]

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
