"""A real Prometheus (Debian's) for tests: started on a free port, filled by remote write, which can carry stale markers.

The requests are written by hand (protobuf, snappy with literals only), so that nothing needs to be installed.
"""
import http.client
import json
import socket
import struct
import subprocess
import sys
import time
import urllib.parse

READY_WITHIN_S = 30
STALE_BITS = 0x7FF0000000000002


def version():
    """The first line of `prometheus --version`, or an empty text."""
    try:
        return subprocess.run(["prometheus", "--version"], capture_output=True, text=True).stdout.partition("\n")[0]
    except FileNotFoundError:
        return ""


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def sample_bits(value):
    return STALE_BITS if value == "stale" else struct.unpack("<Q", struct.pack("<d", float(value)))[0]


def time_series(series):
    """A prometheus.TimeSeries of the remote write protocol: labels (1), samples (2)."""
    labels = sorted({"__name__": series["name"], **series["labels"]}.items())
    out = b"".join(field(1, field(1, n.encode()) + field(2, v.encode())) for n, v in labels)
    for ms, value in series["samples"]:
        sample = varint(1 << 3 | 1) + struct.pack("<Q", sample_bits(value)) + varint(2 << 3) + varint(ms)
        out += field(2, sample)
    return out


def snappy(data):
    """Snappy's block format with literals only."""
    out = varint(len(data))
    for i in range(0, len(data), 60):
        piece = data[i:i + 60]
        out += bytes([(len(piece) - 1) << 2]) + piece
    return out


class Prometheus:
    def __init__(self, directory, config_text=""):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = directory + "/prometheus.yml"
        with open(config, "w") as file:
            file.write(config_text)
        self.log = open(directory + "/log", "w+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/data", "--log.level=warn",
             f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver"],
            stdout=self.log, stderr=self.log)
        self.wait_until_ready()

    def wait_until_ready(self):
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                sys.exit("prometheus did not become ready:\n" + self.log.read())
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                if self.request("GET", "/-/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)

    def request(self, method, path, body=None, headers={}):
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def post(self, path, **form):
        """The answer's JSON."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return json.loads(self.request("POST", path, urllib.parse.urlencode(form), headers)[1])

    def write(self, all_series):
        """[{"name", "labels", "samples": [(ms, value), ...]}, ...], where a value may be "stale". Written in order of
        time, for Prometheus takes no sample that is much older than the newest it has."""
        by_time = sorted((ms, i, value) for i, s in enumerate(all_series) for ms, value in s["samples"])
        body = b""
        for ms, i, value in by_time:
            body += field(1, time_series({**all_series[i], "samples": [(ms, value)]}))
        status, answer = self.request("POST", "/api/v1/write", snappy(body), {
            "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0"})
        if status // 100 != 2:
            sys.exit(f"remote write refused: {status} {answer.decode()}")

    def stop(self):
        self.connection.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
