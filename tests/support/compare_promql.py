#!/usr/bin/env python3
"""Asks a real Prometheus and our evaluator the same questions about the same samples and compares the answers.

    compare_promql.py ANSWERS SERIES CORPUS

ANSWERS is the program tests/metrics/promql/answers.cpp, SERIES a file of JSON lines (samples), CORPUS a file of
expressions, one per line (`<nl>` stands for a line break). Values must be equal to within rounding, label sets and
types equal, errors the same text at the same place. Prometheus is given its samples by remote write, which can carry
stale markers. Exit code 77 (skip) without a prometheus of the version whose rules we follow.
"""
import http.client
import json
import math
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

BASE_MS = 1_700_000_000_000
INSTANTS_S = [0, 20, 59.5, 300, 601.001, 900, 1195, 1500, 2400]
READY_WITHIN_S = 30
STALE_BITS = 0x7FF0000000000002

# What is said otherwise on purpose: the text of Go's libraries, Prometheus's column after a stray parenthesis.
OTHER_WORDS = [
    r"error parsing regexp:", r"error parsing number:", r"timestamp out of bounds", r"unexpected right parenthesis",
]


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
    def __init__(self, directory):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = directory + "/prometheus.yml"
        open(config, "w").close()
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

    def write(self, all_series):
        """By time, for Prometheus takes no sample that is much older than the newest it has."""
        by_time = sorted((ms, i, value) for i, s in enumerate(all_series) for ms, value in s["samples"])
        body = b""
        for ms, i, value in by_time:
            body += field(1, time_series({**all_series[i], "samples": [(ms, value)]}))
        status, answer = self.request("POST", "/api/v1/write", snappy(body), {
            "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0"})
        if status // 100 != 2:
            sys.exit(f"remote write refused: {status} {answer.decode()}")

    def ask(self, expression, ms):
        body = urllib.parse.urlencode({"query": expression, "time": f"{ms / 1000:.3f}"})
        status, answer = self.request("POST", "/api/v1/query", body,
                                      {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.loads(answer)
        if answer["status"] == "error":
            return {"error": re.sub(r'^invalid parameter "query": |^expanding series: ', "", answer["error"])}
        data = answer["data"]
        return {"type": data["resultType"], "result": self.normal(data["resultType"], data["result"])}

    @staticmethod
    def normal(kind, result):
        if kind == "string":
            return [result[1]]
        if kind == "scalar":
            return [({}, [result])]
        return [(s["metric"], s["values"] if kind == "matrix" else [s["value"]]) for s in result]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def load_series(path):
    """Each line: {"name", "labels", "start", "step", "values"}; seconds from the base; null is no sample."""
    all_series = []
    for line in open(path, encoding="utf-8"):
        if not line.strip() or line.startswith("#"):
            continue
        series = json.loads(line)
        series["samples"] = [
            (BASE_MS + round((series["start"] + i * series["step"]) * 1000), value)
            for i, value in enumerate(series["values"]) if value is not None]
        all_series.append(series)
    return all_series


def load_corpus(path):
    lines = (line.rstrip("\n") for line in open(path, encoding="utf-8"))
    return [line.replace("<nl>", "\n") for line in lines if line and not line.startswith("##")]


def our_answers(program, all_series, questions):
    def encoded(text):
        return text.encode().hex()
    lines = []
    for series in all_series:
        labels = [encoded(part) for label in series["labels"].items() for part in label]
        lines.append("\t".join(["series", encoded(series["name"]), *labels]))
        lines += [f"sample\t{ms}\t{value}" for ms, value in series["samples"]]
    lines += [f"query\t{ms}\t{encoded(expression)}" for expression, ms in questions]
    done = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{program} ended with {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def same_number(a, b):
    a, b = float(a), float(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or math.isclose(a, b, rel_tol=1e-13, abs_tol=0)


def same_error(ours, theirs):
    parse = re.fullmatch(r"(\d+:\d+): parse error: (.*)", theirs, re.S)
    if any(re.search(words, ours) and re.search(words, theirs) for words in OTHER_WORDS):
        return True
    if parse:
        return ours == f"{parse[1]}: {parse[2]}"
    # At evaluation Prometheus gives no place; which of two duplicates it names first depends on its index.
    what = ours.split(": ", 1)[1]
    return what == theirs or what.split("operation: [")[0] == theirs.split("operation: [")[0]


def by_labels(result):
    return sorted(result, key=lambda entry: sorted(entry[0].items()))


def same_answer(ours, theirs):
    if "error" in ours or "error" in theirs:
        return "error" in ours and "error" in theirs and same_error(ours["error"], theirs["error"])
    if ours["type"] != theirs["type"] or len(ours["result"]) != len(theirs["result"]):
        return False
    if ours["type"] == "string":
        return ours["result"] == theirs["result"]
    for (labels, points), (their_labels, their_points) in zip(by_labels(ours["result"]), by_labels(theirs["result"])):
        if labels != their_labels or len(points) != len(their_points):
            return False
        for (_, value), (_, their_value) in zip(points, their_points):
            if not same_number(value, their_value):
                return False
        if ours["type"] == "matrix" and [ms for ms, _ in points] != [round(s * 1000) for s, _ in their_points]:
            return False
    return True


def main():
    program, series_path, corpus_path = sys.argv[1:]
    try:
        version = subprocess.run(["prometheus", "--version"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        version = ""
    if not version.startswith("prometheus, version 2.42."):
        print("skipped: needs prometheus 2.42, found", version.splitlines()[:1] or "none")
        sys.exit(77)

    all_series = load_series(series_path)
    corpus = load_corpus(corpus_path)
    questions = [(expression, BASE_MS + round(s * 1000)) for expression in corpus for s in INSTANTS_S]
    ours = our_answers(program, all_series, questions)
    assert len(ours) == len(questions), f"{len(ours)} answers to {len(questions)} questions"
    differences = 0
    with tempfile.TemporaryDirectory(prefix="sidewatch-promql-") as directory:
        prometheus = Prometheus(directory)
        try:
            prometheus.write(all_series)
            for (expression, ms), answer in zip(questions, ours):
                theirs = prometheus.ask(expression, ms)
                if not same_answer(answer, theirs):
                    differences += 1
                    print(f"{expression}\n  at {(ms - BASE_MS) / 1000} s\n  ours:   {answer}\n  theirs: {theirs}")
        finally:
            prometheus.stop()
    print(f"{len(corpus)} expressions at {len(INSTANTS_S)} instants: {len(questions) - differences} of "
          f"{len(questions)} answers agree")
    sys.exit(1 if differences else 0)


main()
