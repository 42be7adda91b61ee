#!/usr/bin/env python3
"""What batch jobs push, to the real agent beside a real Prometheus Pushgateway: the same requests get the same statuses and
leave the same series; and by the client library for Python.

Runs on Debian's own Python, where scripts/setup puts python3-prometheus-client.
"""

import gzip
import http.client
import os
import struct
import sys
import time
import unittest

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_client import delete_from_gateway, push_to_gateway, pushadd_to_gateway

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from exposition import Page  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from prometheus import field, varint  # noqa: E402
from pushgateway import RealPushgateway  # noqa: E402

GOOD = b"# HELP bytes Written.\n# TYPE bytes gauge\nbytes{disk=\"a\"} 3\nbytes{disk=\"b\"} 4.5\n"
HISTOGRAM = b"# TYPE took histogram\ntook_bucket{le=\"1\"} 2\ntook_bucket{le=\"+Inf\"} 3\ntook_sum 7\ntook_count 3\n"

# Method, path behind /metrics, body. In this order, each upon what those before it left.
REQUESTS = [
    ("PUT", "/job/a", GOOD),
    ("PUT", "/job/a/instance/x", GOOD),
    ("POST", "/job/a", b"# TYPE other counter\nother 1\n"),
    ("POST", "/job/a", b"# TYPE bytes gauge\nbytes 9\n"),
    ("PUT", "/job/b/instance/x-y/path/z%20z", HISTOGRAM),
    ("PUT", "/job@base64/L3Zhci90bXA", GOOD),
    ("PUT", "/job/c/path@base64/L3Zhci90bXA=", GOOD),
    ("PUT", "/job/c/path@base64/=", b"# TYPE bytes gauge\nbytes 1\n"),
    ("PUT", "/job/d", b"# TYPE bytes gauge\nbytes{job=\"mine\",x=\"1\"} 1\n"),
    ("PUT", "/job/e", b"untyped 1\nnan NaN\ninf +Inf\n"),
    ("PUT", "/job/f", b"# TYPE quantiles summary\nquantiles{quantile=\"0.5\"} 2\nquantiles_sum 3\nquantiles_count 1\n"),
    ("POST", "/job/f", b""),
    ("PUT", "/job/g", GOOD),
    ("PUT", "/job/g", b""),
    ("PUT", "/job/h", GOOD),
    ("DELETE", "/job/h", b""),
    ("DELETE", "/job/never", b""),
    ("PUT", "/job/a/instance/x/", b"# TYPE third gauge\nthird 1\n"),
    ("PUT", "/job/i/", b"# TYPE third gauge\nthird 1\n"),
    # What cannot be.
    ("PUT", "/job/a", b"bytes{ 1\n"),
    ("PUT", "/job/a", b"bytes 1"),
    ("PUT", "/job/a", b"1bytes 1\n"),
    ("PUT", "/job/wrong1", b"# TYPE bytes counter\nbytes 1\n"),
    ("PUT", "/job/wrong2", b"at 1 1700000000000\n"),
    ("PUT", "/job/wrong3", b"twice 1\ntwice 1\n"),
    ("PUT", "/job/wrong4", b"twice{job=\"x\"} 1\ntwice{job=\"y\"} 1\n"),
    ("PUT", "/job/wrong5", b"push_time_seconds 1\n"),
    ("PUT", "/job/one", b"of_two{instance=\"x\"} 1\n"),
    ("PUT", "/job/one/instance/x", b"of_two 2\n"),
    ("PUT", "/job/a/instance", GOOD),
    ("PUT", "/job/a/in-stance/x", GOOD),
    ("PUT", "/job/a/__name__/x", GOOD),
    ("PUT", "/job/a/x@base64/!!", GOOD),
    ("PUT", "/job@base64/=", GOOD),
]



class Side:
    def __init__(self, port):
        self.port = port

    def send(self, method, path, body, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, "/metrics" + path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def series(self):
        """{(name, labels): value} of what was pushed; times as whether there is one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/metrics")
        page = Page(connection.getresponse().read().decode())
        connection.close()
        found = {}
        for (name, labels), value in page.values.items():
            labels = tuple(label for label in labels if label[1])  # an empty label is none
            # A page with a series twice cannot be read here, and so is of no group; there the group says that it failed.
            if dict(labels).get("job", "wrong3") != "wrong3":
                found[name, labels] = value > 0 if name.startswith("push_") else repr(value)
        return found


class SideBySide(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        real = RealPushgateway(os.path.join(directory.name, "real"))
        self.addCleanup(real.stop)
        real.start()
        agent = Agent("agent: {interval: 100ms}\nhttp: {listen: 127.0.0.1:0}\ncollectors: {pushgateway: {}}\n", directory.name)
        self.addCleanup(agent.stop)
        agent.start()
        self.agent = agent
        self.ours, self.theirs = Side(agent.port), Side(real.port)

    def both(self, method, path, body, headers=None):
        theirs = self.theirs.send(method, path, body, headers)
        ours = self.ours.send(method, path, body, headers)
        self.assertEqual(ours[0], theirs[0], f"{method} {path} {body[:60]}\nours: {ours[1]}\ntheirs: {theirs[1]}")

    def passes(self):
        page = Page(self.agent.request("/metrics")[2].decode())
        return page.value("sidewatch_collector_passes_total", collector="pushgateway")

    def same_series(self, after):
        begun = self.passes()
        wait_until(lambda: self.passes() >= begun + 2, "a pass that began since")

        def differences():
            ours, theirs = set(self.ours.series().items()), set(self.theirs.series().items())
            return [f"ours alone: {each}" for each in ours - theirs] + [f"theirs alone: {each}" for each in theirs - ours]

        try:
            wait_until(lambda: not differences(), "", deadline=5)
        except AssertionError:
            self.assertEqual(differences(), [], after)

    def test_the_same_requests_get_the_same_statuses_and_leave_the_same_series(self):
        for method, path, body in REQUESTS:
            self.both(method, path, body)
            self.same_series(f"after {method} {path} {body}")
        self.assertGreater(len(self.ours.series()), 30)

    def test_what_client_libraries_in_go_push_is_read(self):
        """MetricFamily messages, each with its length before it: name 1, help 2, type 3, metric 4."""
        def label(name, value):
            return field(1, field(1, name) + field(2, value))

        def real(number, value):
            return varint(number << 3 | 1) + struct.pack("<d", value)

        def family(name, kind, *metrics):
            message = field(1, name) + field(2, b"Help.") + varint(3 << 3) + varint(kind) + b"".join(field(4, m) for m in metrics)
            return varint(len(message)) + message

        bucket = varint(1 << 3) + varint(2) + real(2, 0.5)
        histogram = varint(1 << 3) + varint(3) + real(2, 7.5) + field(3, bucket)
        summary = varint(1 << 3) + varint(3) + real(2, 6) + field(3, real(1, 0.5) + real(2, 2.5))
        body = (family(b"rows_total", 0, label(b"table", b"a") + field(3, real(1, 7)), field(3, real(1, 8))) +
                family(b"level", 1, field(2, real(1, -1.5))) + family(b"plain", 3, field(5, real(1, 2))) +
                family(b"took", 4, field(7, histogram)) + family(b"size", 2, field(4, summary)))
        kind = {"Content-Type": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"}
        self.both("PUT", "/job/go", body, kind)
        self.same_series("the push")
        self.assertEqual(len(self.ours.series()), 13)
        self.both("PUT", "/job/cut", body[:-1], kind)
        timed = family(b"timed", 1, field(2, real(1, 1)) + varint(6 << 3) + varint(1_700_000_000_000))
        self.both("PUT", "/job/timed", timed, kind)
        self.same_series("what was refused")

    def test_a_packed_push_is_unpacked(self):
        self.assertEqual(self.ours.send("PUT", "/job/packed", gzip.compress(GOOD), {"Content-Encoding": "gzip"})[0], 200)


class ClientLibrary(unittest.TestCase):
    def test_of_python_pushes_replaces_and_deletes(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        agent = Agent("agent: {interval: 100ms}\nhttp: {listen: 127.0.0.1:0}\ncollectors: {pushgateway: {}}\n", directory.name)
        self.addCleanup(agent.stop)
        agent.start()
        registry = CollectorRegistry()
        Gauge("backup_last_success_unixtime", "When it ended.", registry=registry).set_to_current_time()
        Counter("rows", "Rows.", ["table"], registry=registry).labels("a b/c").inc(7)
        Histogram("took_seconds", "It took.", registry=registry).observe(0.3)
        Summary("size_bytes", "Sizes.", registry=registry).observe(12)
        address = f"127.0.0.1:{agent.port}"
        push_to_gateway(address, job="back/up", registry=registry, grouping_key={"instance": "db-1"})
        side = Side(agent.port)

        def value(name, **labels):
            return [each for (other, have), each in side.series().items()
                    if other == name and set(labels.items()) <= set(have)]

        wait_until(lambda: value("rows_total", job="back/up", instance="db-1", table="a b/c") == ["7.0"], "the counter")
        self.assertEqual(value("took_seconds_bucket", le="0.5"), ["1.0"])
        self.assertEqual(value("size_bytes_sum"), ["12.0"])
        self.assertAlmostEqual(float(value("backup_last_success_unixtime")[0]), time.time(), delta=30)
        second = CollectorRegistry()
        Gauge("second", "Another.", registry=second).set(1)
        pushadd_to_gateway(address, job="back/up", registry=second, grouping_key={"instance": "db-1"})
        wait_until(lambda: value("second") == ["1.0"] and value("size_bytes_sum"), "both")
        delete_from_gateway(address, job="back/up", grouping_key={"instance": "db-1"})
        wait_until(lambda: not side.series(), "the removal")


if __name__ == "__main__":
    unittest.main()
