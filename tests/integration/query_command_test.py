"""`sidewatch query`, the real binary: over a file of samples, against an agent that runs, and against a real Prometheus
that holds the samples of the file. The three must show the same.
"""

import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Agent, Meminfo, temporary_directory, wait_until  # noqa: E402
import prometheus  # noqa: E402

START = 1_700_000_000
EXPRESSIONS = [
    "requests_total", "sum(requests_total)", "rate(requests_total[1m])", "sum by (code) (increase(requests_total[2m]))",
    "requests_total offset 1m", "requests_total[30s]", "max_over_time(temperature[5m:30s])", "1 + 1", '"text"',
    "temperature > 20", "nothing", "temperature * NaN", "0 - temperature / 0", "topk(1, requests_total)",
    "label_replace(temperature, \"where\", \"$1\", \"room\", \"(.).*\")", "histogram_quantile(0.5, latency_bucket)",
]
WRONG = ["sum(", "requests_total{", "rate(requests_total)", "foo bar", "1 +", "up[5m"]


def query(*arguments, environment=None, stdin=None):
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LC_ALL", "LANG", "LC_CTYPE", "NO_COLOR")}
    return subprocess.run([BINARY, "query", *arguments], input=stdin or b"", capture_output=True, timeout=DEADLINE,
                          env={**inherited, **(environment or {})})


def samples():
    """[{"name", "labels", "samples": [(ms, value)]}]"""
    def series(name, labels, value_at):
        return {"name": name, "labels": labels,
                "samples": [((START + i * 15) * 1000, value_at(i)) for i in range(40)]}
    return [
        series("requests_total", {"code": "200", "path": "/a \"b\" \\c"}, lambda i: i * 30),
        series("requests_total", {"code": "500", "path": "/ü"}, lambda i: i % 17),
        series("temperature", {"room": "north"}, lambda i: 20 + (i % 7) / 8),
        series("temperature", {"room": "south"}, lambda i: 1e-7 * i),
        series("latency_bucket", {"le": "0.5"}, lambda i: i),
        series("latency_bucket", {"le": "+Inf"}, lambda i: 3 * i),
    ]


def openmetrics(all_series):
    def escaped(text):
        return text.replace("\\", "\\\\").replace('"', '\\"')
    lines = []
    for series in all_series:
        labels = ",".join(f'{name}="{escaped(value)}"' for name, value in series["labels"].items())
        lines += [f'{series["name"]}{{{labels}}} {value!r} {ms / 1000!r}' for ms, value in series["samples"]]
    return "\n".join(lines) + "\n# EOF\n"


@unittest.skipUnless(" 2.42." in prometheus.version(), "needs prometheus 2.42")
class LikePrometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="sidewatch-query-")
        cls.prometheus = prometheus.Prometheus(cls.directory.name)
        cls.addClassCleanup(cls.directory.cleanup)
        cls.addClassCleanup(cls.prometheus.stop)
        cls.prometheus.write(samples())
        cls.file = os.path.join(cls.directory.name, "samples.om")
        with open(cls.file, "w") as file:
            file.write(openmetrics(samples()))
        cls.url = f"http://127.0.0.1:{cls.prometheus.port}/"

    def both(self, expression, *arguments):
        return (query(expression, "--load", self.file, *arguments), query(expression, "--url", self.url, *arguments))

    def test_a_file_is_answered_as_a_prometheus_that_holds_it(self):
        for expression in EXPRESSIONS:
            for at in (START, START + 300, START + 599.5, START + 900):
                with self.subTest(f"{expression} at {at}"):
                    ours, theirs = self.both(expression, "--at", str(at))
                    self.assertEqual(ours.stdout, theirs.stdout)
                    self.assertEqual(ours.stderr, theirs.stderr)
                    self.assertEqual((ours.returncode, theirs.returncode), (0, 0))

    def test_so_is_a_range(self):
        for expression in EXPRESSIONS:
            for form in ("--json", "--csv", "--plot"):
                with self.subTest(expression + form):
                    ours, theirs = self.both(expression, "--at", str(START + 600), "--range", "10m", "--step", "45s", form)
                    self.assertEqual(ours.stdout, theirs.stdout)
                    self.assertEqual(ours.stderr == b"", theirs.stderr == b"")
                    self.assertEqual(ours.returncode, theirs.returncode)

    def test_a_mistake_is_pointed_at_in_the_same_place(self):
        for expression in WRONG:
            with self.subTest(expression):
                ours, theirs = self.both(expression)
                self.assertEqual((ours.returncode, theirs.returncode), (2, 2))
                self.assertEqual(ours.stderr, theirs.stderr)
                self.assertRegex(ours.stderr.decode(), r"(?s)^sidewatch: .*\n    .*\n +\^\n$")

    def test_json_is_what_the_api_answers(self):
        for expression in ("requests_total", "1", "temperature[1m]"):
            answer = json.loads(query(expression, "--load", self.file, "--at", str(START + 60), "--json").stdout)
            self.assertEqual(answer, self.prometheus.post("/api/v1/query", query=expression, time=str(START + 60)))


class OverAFile(unittest.TestCase):
    def test_standard_input_is_a_file_too(self):
        answer = query("sum(a)", "--load", "-", stdin=b"a{x=\"1\"} 1\na{x=\"2\"} 2\n")
        self.assertEqual((answer.stdout, answer.stderr, answer.returncode), (b"{}  3\n", b"", 0))

    def test_what_cannot_be_read_is_said_in_one_line(self):
        for path, words in (("/no/such/file", "there is no such file"), ("/dev/zero", "not a regular file")):
            answer = query("up", "--load", path)
            self.assertEqual(answer.returncode, 1)
            self.assertRegex(answer.stderr.decode(), f"^sidewatch: {path}: .*{words}.*\n$")

    def test_a_terminal_is_drawn_on_in_colour_and_in_its_width(self):
        with tempfile.NamedTemporaryFile("w", suffix=".om") as file:
            file.write(openmetrics(samples()))
            file.flush()
            command = [BINARY, "query", "temperature", "--load", file.name, "--range", "10m", "--plot"]
            drawn = self.on_a_terminal(command)
            self.assertIn("\x1b[32m", drawn)
            self.assertIn("\u28ff", drawn)
            plain = self.on_a_terminal(["env", "NO_COLOR=1", "LC_ALL=C", *command])
            self.assertNotIn("\x1b", plain)
            self.assertTrue(plain.isascii(), plain)

    def on_a_terminal(self, command):
        master, slave = pty.openpty()
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.DEVNULL)
            os.close(slave)
            output = b""
            while True:
                try:
                    piece = os.read(master, 65536)
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                output += piece
            self.assertEqual(process.wait(DEADLINE), 0)
            return output.decode()
        finally:
            os.close(master)


class AgainstAnAgent(unittest.TestCase):
    def test_the_agent_that_runs_is_asked(self):
        with temporary_directory() as directory:
            memory = Meminfo(directory)
            agent = Agent(f"agent: {{interval: 200ms}}\nhttp: {{listen: '127.0.0.1:0'}}\n"
                          f"collectors: {{host: {{roots: {{procfs: {memory.root}}}}}}}\n", directory).start()
            self.addCleanup(agent.stop)
            url = f"http://127.0.0.1:{agent.port}"
            wait_until(lambda: query("node_memory_MemAvailable_bytes", "--url", url).stdout, "the first sample")
            answer = query("node_memory_MemAvailable_bytes / 1024", "--url", url)
            self.assertEqual(answer.stdout, b"{}  900000\n", answer.stderr)
            drawn = query("node_memory_MemAvailable_bytes", "--url", url, "--plot", "--range", "10s")
            self.assertRegex(drawn.stdout.decode(), r"GiB|MiB")
            wrong = query("sum(", "--url", url)
            self.assertEqual(wrong.returncode, 2)
            self.assertRegex(wrong.stderr.decode(), r"\n    sum\(\n +\^\n$")
            elsewhere = query("up", "--url", url + "/metrics")
            self.assertEqual(elsewhere.returncode, 1)
            self.assertRegex(elsewhere.stderr.decode(), "is it sidewatch or a Prometheus")


if __name__ == "__main__":
    unittest.main()
