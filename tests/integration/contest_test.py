#!/usr/bin/env python3
"""Two inputs of the real agent that say the same series: the first counts, and the second is told, where it can hear it."""

import http.client
import json
import os
import signal
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Agent, temporary_directory, wait_until  # noqa: E402

TOLD = "two inputs send the same series"


class Contest(unittest.TestCase):
    def start(self, more="", statsd=""):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.more = more
        self.agent = Agent(self.config(statsd), self.directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def config(self, statsd=""):
        return f"""
agent: {{interval: 200ms}}
http: {{listen: 127.0.0.1:0}}
collectors:
  self: {{}}
  statsd: {{listen: ["unixgram://{self.directory.name}/statsd.socket"]{statsd}}}
  push: {{}}
  otlp: {{}}
{self.more}
"""

    def send(self, *lines):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.sendto("\n".join(lines).encode(), self.directory.name + "/statsd.socket")

    def post(self, path, document):
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=10)
        try:
            connection.request("POST", path, json.dumps(document), {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def push(self, document):
        return self.post("/api/v1/push", document)

    def export(self, name, value):
        points = {"dataPoints": [{"asDouble": value}]}
        return self.post("/v1/metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": name, "gauge": points}]}]}]})

    def wait_for(self, series, value):
        wait_until(lambda: self.agent.metrics().get(series) == value, f"{series} to be {value}")

    def told(self):
        return [line for line in self.agent.log().splitlines() if TOLD in line]

    def test_the_first_counts_and_the_second_is_refused_counted_and_told_once(self):
        self.start()
        self.send("orders:1|c", "depth:9|g")
        self.wait_for("orders", 1)

        def refusals():
            answer = self.push({"orders": {"add": 10}, "depth": 50, "own": 1})
            return answer["rejected"] if len(answer["rejected"]) == 2 else None

        first, second = wait_until(refusals, "the push to be refused what StatsD sends")
        self.assertEqual((first["at"], second["at"]), ("orders", "depth"))
        self.assertIn("orders with these labels comes from statsd already", first["why"])
        said = wait_until(lambda: self.export("depth", 70).get("partialSuccess"), "the export to be refused")
        self.assertIn("'depth': another input sends this series already", said["errorMessage"])

        wait_until(lambda: len(self.told()) >= 2, "the log to tell both metrics")
        self.send("orders:1|c")
        self.wait_for("orders", 2)
        values = self.agent.metrics()
        self.assertEqual((values["depth"], values["own"]), (9, 1))
        self.assertGreater(values["sidewatch_contested_samples_total"], 0)
        self.assertGreater(values['sidewatch_push_refused_total{kind="push",reason="taken"}'], 0)
        self.assertGreater(values['sidewatch_push_refused_total{kind="otlp",reason="taken"}'], 0)
        self.assertEqual(len(self.told()), 2, self.told())
        for metric in ("orders", "depth"):
            self.assertTrue(any(f"metric={metric} first=statsd left_out=push" in line for line in self.told()), self.told())

    def test_the_second_takes_over_once_the_first_ends(self):
        self.start(statsd=", ttl: 1s")
        self.send("depth:9|g")
        self.wait_for("depth", 9)
        wait_until(lambda: self.push({"depth": 50})["rejected"], "the push to be refused")
        self.wait_for("depth", 50)
        wait_until(lambda: self.push({"depth": 51})["accepted"] == 1, "the push to be taken")

    def test_a_reload_that_makes_every_collector_anew_is_no_contest(self):
        self.start()
        self.send("orders:1|c")
        self.push({"depth": 5})
        self.wait_for("depth", 5)
        self.agent.write_config(self.config(statsd=", window: 2m").replace("push: {}", "push: {ttl: 10m}"))
        self.agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the configuration was read again" in self.agent.log(), "the reload")
        self.send("orders:1|c")
        self.push({"depth": 6})
        self.wait_for("depth", 6)
        wait_until(lambda: "orders" in self.agent.metrics(), "the counter after the reload")
        self.assertEqual(self.told(), [])
        self.assertEqual(self.agent.metrics()["sidewatch_contested_samples_total"], 0)

    def test_of_two_rules_that_record_one_series_the_first_counts(self):
        self.start(more="""
rules:
  - {record: twice, expr: vector(1)}
  - {record: twice, expr: vector(2)}
""")
        self.wait_for("twice", 1)
        wait_until(lambda: len(self.told()) == 1, "the log to tell it")
        self.assertIn("metric=twice", self.told()[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
