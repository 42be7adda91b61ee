"""The HTTP API of the real agent: beside a real Prometheus that holds the same samples, before promtool, a federating
Prometheus and what Grafana sends, and among clients that want too much."""

import http.client
import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import Agent, Meminfo, temporary_directory, wait_until  # noqa: E402
from prometheus import Prometheus, version  # noqa: E402

CONFIG = """
agent: {{interval: 200ms, labels: {{service: checkout}}}}
http: {{listen: "127.0.0.1:0"}}
limits: {{query_timeout: 3s}}
collectors:
  host: {{roots: {{procfs: {procfs}}}}}
  process: [{{name: me, match: {{pid: self}}}}]
rules:
  - {{alert: MemoryHigh, expr: node_memory_MemTotal_bytes, warning: "> 1", summary: "of {{{{ $value }}}}"}}
receivers:
  - name: hook
    webhook: {{url: "http://127.0.0.1:9/T0psecret", bearer_token: hunter2}}
"""

WRITTEN_OTHERWISE = re.compile(r"error parsing (regexp|number)")  # the texts of Go's libraries


def sorted_result(data):
    if isinstance(data, dict) and data.get("resultType") in ("vector", "matrix"):
        return sorted(data["result"], key=lambda series: sorted(series["metric"].items()))
    if isinstance(data, list):
        return sorted(data, key=lambda item: sorted(item.items()) if isinstance(item, dict) else item)
    return data


def same(a, b):
    """Equal, but for the last digits of numbers that stand in texts."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, str) and isinstance(b, str) and a != b:
        try:
            return math.isclose(float(a), float(b), rel_tol=1e-12)
        except ValueError:
            return False
    return a == b


class Base(unittest.TestCase):
    def start(self, config=CONFIG):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.memory = Meminfo(self.directory)
        agent = Agent(config.format(procfs=self.memory.root), self.directory)
        self.addCleanup(agent.stop)
        agent.start()
        wait_until(lambda: "node_memory_MemTotal_bytes" in " ".join(agent.metrics()), "the first samples")
        return agent

    def prometheus(self, config=""):
        if not version().startswith("prometheus, version 2.42."):
            self.skipTest("needs prometheus 2.42, found " + (version() or "none"))
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        prometheus = Prometheus(directory.name, config)
        self.addCleanup(prometheus.stop)
        return prometheus

    def ask(self, port, path, params=(), form=False, headers=None):
        """(status, content type, JSON or text)"""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            encoded = urllib.parse.urlencode(params)
            if form:
                connection.request("POST", path, encoded,
                                   {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})
            else:
                connection.request("GET", path + ("?" + encoded if encoded else ""), headers=headers or {})
            response = connection.getresponse()
            body = response.read()
            kind = response.getheader("Content-Type", "")
            return response.status, kind, json.loads(body) if kind == "application/json" else body.decode()
        finally:
            connection.close()

    def data(self, agent, path, params=(), form=False):
        status, _, answer = self.ask(agent.port, path, params, form)
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["status"], "success")
        return answer["data"]


class BesidePrometheus(Base):
    """Everything that the agent has is written into a Prometheus; then both are asked about that time."""

    def setUp(self):
        self.agent = self.start()
        wait_until(lambda: self.agent.metrics()['sidewatch_collector_passes_total{collector="host",service="checkout"}'] > 15,
                   "a history")
        self.theirs = self.prometheus()
        at = time.time()
        matrix = self.data(self.agent, "/api/v1/query", {"query": '{__name__=~"node_.+|namedprocess_.+"}[1m]', "time": at})
        self.start_s = min(s["values"][0][0] for s in matrix["result"])
        self.end_s = max(s["values"][-1][0] for s in matrix["result"])
        self.theirs.write([{"name": s["metric"].pop("__name__"), "labels": s["metric"],
                            "samples": [(round(t * 1000), v) for t, v in s["values"]]} for s in matrix["result"]])

    def times(self):
        middle = (self.start_s + self.end_s) / 2
        return {"early": f"{self.start_s + 0.35:.3f}", "middle": f"{middle:.3f}", "late": f"{self.end_s - 0.05:.3f}"}

    def requests(self):
        now = self.times()
        for query in ("node_memory_MemTotal_bytes", "sum(node_memory_MemAvailable_bytes) / 3", "1 + 1", '"text"', "vector(NaN)",
                      "node_memory_MemAvailable_bytes[1s]", "rate(namedprocess_namegroup_cpu_seconds_total[2s])",
                      "count by (__name__) ({__name__=~\"node_.+\"})", "nothing", "-1/0", "1e21 * vector(1)", "1e-7 * vector(-1)",
                      "123456789012345678901", "absent(nothing{x=\"y\"})", "node_memory_MemTotal_bytes @ " + now["middle"],
                      "max_over_time(node_memory_MemAvailable_bytes[2s:200ms])", "time()", "timestamp(node_memory_MemTotal_bytes)"):
            yield "/api/v1/query", {"query": query, "time": now["late"]}
        for query in ("sum(", "", "up{", "foo bar", "sum(1)", "rate(x)", "1 +", "{}", 'x{a=~"("}', "x[5m] + 1", "x offset",
                      "node_memory_MemTotal_bytes * on(service) {__name__=~\"node_memory_.+\"}", "nope(x)", "x{a=\"b\"", "0x"):
            yield "/api/v1/query", {"query": query, "time": now["late"]}
        yield "/api/v1/query", {"query": "1", "time": "1.5"}
        yield "/api/v1/query", {"query": "1", "time": "2015-07-01T20:10:51.781Z"}
        for broken in ({"time": "x"}, {"time": "2015-07-01"}, {"timeout": "x"}):
            yield "/api/v1/query", {"query": "1", **broken}
        span = {"start": now["early"], "end": now["late"], "step": "0.1"}
        for query in ("node_memory_MemAvailable_bytes", "rate(namedprocess_namegroup_cpu_seconds_total[1s])", "time()", "nothing",
                      "sum by (service) (node_memory_MemTotal_bytes)", "node_memory_MemTotal_bytes offset 1s", "vector(1) / 0"):
            yield "/api/v1/query_range", {"query": query, **span}
            yield "/api/v1/query_range", {"query": query, **span, "step": "700ms"}
        for broken in ({"start": ""}, {"start": "x"}, {"end": "x"}, {"end": "1"}, {"step": "0"}, {"step": "-1"}, {"step": "x"},
                       {"step": ""}, {"step": "1e30"}, {"query": "sum("}, {"query": "x[1m]"}, {"query": '"a"'},
                       {"start": "0", "end": "11001", "step": "1"}, {"timeout": "x"}):
            yield "/api/v1/query_range", {"query": "1", **span, **broken}
        for match in (["node_memory_MemTotal_bytes"], ['{__name__=~"node_memory_.+"}', "node_memory_MemTotal_bytes"],
                      ['{groupname="me",state!=""}'], ["nothing"]):
            params = [("match[]", one) for one in match] + [("start", now["early"]), ("end", now["late"])]
            for path in ("/api/v1/series", "/api/v1/labels", "/api/v1/label/state/values", "/api/v1/label/__name__/values"):
                yield path, params
        for match in ("{}", '{x=~".*"}', "sum(up)", "up[5m]", "up offset 5m", "1", "", "up{", "up(", "up,", '{x=~"("}', "sum"):
            for path in ("/api/v1/series", "/api/v1/labels", "/api/v1/label/job/values"):
                yield path, {"match[]": match}
            if match not in ("{}", '{x=~".*"}'):
                yield "/federate", {"match[]": match}
        yield "/api/v1/series", {}
        yield "/api/v1/series", {"match[]": "x", "start": "y"}
        yield "/api/v1/label/a-b/values", {}
        yield "/api/v1/label/nothing/values", {}
        yield "/api/v1/metadata", {"limit": "x"}
        yield "/api/v1/rules", {"type": "x"}
        yield "/api/v1/targets", {"state": "dropped"}
        for query in ("sum(up)by(a)", "sum(", "a+b*c", "topk(3,rate(x{a!=\"b\"}[5m]))"):
            yield "/api/v1/format_query", {"query": query}
            yield "/api/v1/query_exemplars", {"query": query, "start": "1", "end": "2"}
        yield "/api/v1/query_exemplars", {"query": "x", "start": "2", "end": "1"}
        yield "/api/v1/nothing", {}

    def test_answers_what_prometheus_answers(self):
        compared, different = 0, []
        for path, params in self.requests():
            forms = (False, True) if path in ("/api/v1/query", "/api/v1/query_range", "/api/v1/series", "/api/v1/labels") else (False,)
            for form in forms:
                ours, theirs = (self.ask(port, path, params, form) for port in (self.agent.port, self.theirs.port))
                compared += 1
                if not self.agree(ours, theirs):
                    different.append(f"{path} {params} form={form}\n    ours   {ours}\n    theirs {theirs}")
        print(f"{compared - len(different)} of {compared} answers agree with Prometheus's")
        self.assertGreater(compared, 200)
        self.assertFalse(different, "".join("\n" + one[:1000] for one in different))

    def agree(self, ours, theirs):
        if ours[0] != theirs[0]:
            return False
        if isinstance(theirs[2], str):  # a page of text: errors end with a line break there as here
            return theirs[0] == 404 or ours[2].strip() == theirs[2].strip() or WRITTEN_OTHERWISE.search(theirs[2])
        if theirs[2]["status"] == "error":
            return (ours[2]["errorType"] == theirs[2]["errorType"] and
                    (ours[2]["error"] == theirs[2]["error"] or WRITTEN_OTHERWISE.search(theirs[2]["error"])))
        return ours[1] == theirs[1] and same(sorted_result(ours[2]["data"]), sorted_result(theirs[2]["data"]))

    def test_promtool_prints_the_same(self):
        now = self.times()
        span = [f"--start={now['early']}", f"--end={now['late']}"]
        for command in (["instant", f"--time={now['late']}", "{}", "node_memory_MemTotal_bytes"],
                        ["instant", f"--time={now['late']}", "{}", "sum(node_memory_MemAvailable_bytes) by (service)"],
                        ["instant", "{}", "sum("],
                        ["range", *span, "--step=200ms", "{}", "node_memory_MemAvailable_bytes"],
                        ["series", *span, '--match={__name__=~"node_memory_.+"}', "{}"],
                        ["labels", *span, "{}", "groupname"]):
            ours, theirs = (self.promtool(command, port) for port in (self.agent.port, self.theirs.port))
            self.assertEqual(ours, theirs, command)
            self.assertTrue(ours[1] or ours[0] != 0, command)

    def promtool(self, command, port):
        done = subprocess.run(["promtool", "query", *[part.replace("{}", f"http://127.0.0.1:{port}") if part == "{}" else part
                                                      for part in command]],
                              capture_output=True, text=True, timeout=30)
        return done.returncode, sorted(done.stdout.splitlines()), done.stderr.replace(str(port), "PORT")


class Federation(Base):
    def test_a_prometheus_federates_from_the_agent(self):
        agent = self.start()
        prometheus = self.prometheus(f"""
scrape_configs:
  - job_name: sidecars
    scrape_interval: 200ms
    scrape_timeout: 200ms
    honor_labels: true
    metrics_path: /federate
    params: {{"match[]": ['{{__name__=~"node_.+"}}']}}
    static_configs: [{{targets: ["127.0.0.1:{agent.port}"]}}]
""")
        query = {"query": "node_memory_MemTotal_bytes"}
        found = wait_until(lambda: self.ask(prometheus.port, "/api/v1/query", query)[2]["data"]["result"], "the series")
        self.assertEqual(found[0]["metric"], {"__name__": "node_memory_MemTotal_bytes", "service": "checkout",
                                              "instance": f"127.0.0.1:{agent.port}", "job": "sidecars"})
        self.assertEqual(found[0]["value"][1], str(Meminfo.TOTAL_KB * 1024))
        their_time = {"query": "timestamp(node_memory_MemTotal_bytes)"}
        at = self.ask(prometheus.port, "/api/v1/query", their_time)[2]["data"]["result"][0]["value"][1]
        ours = self.data(agent, "/api/v1/query", {"query": "node_memory_MemTotal_bytes[1m]"})["result"][0]["values"]
        self.assertIn(float(at), [sample[0] for sample in ours], "the samples keep their time")


class Grafana(Base):
    def test_gets_what_its_data_source_asks_for(self):
        agent = self.start()
        info = self.data(agent, "/api/v1/status/buildinfo")
        self.assertGreaterEqual(tuple(map(int, info["version"].split(".")[:2])), (2, 24))
        now = time.time()
        health = self.data(agent, "/api/v1/query", {"query": "1+1", "time": f"{now:.3f}"}, form=True)
        self.assertEqual(health, {"resultType": "scalar", "result": [round(now, 3), "2"]})
        span = {"start": f"{now - 3600:.0f}", "end": f"{now + 1:.0f}"}
        self.assertIn("service", self.data(agent, "/api/v1/labels", span, form=True))
        self.assertEqual(self.data(agent, "/api/v1/label/groupname/values",
                                   {**span, "match[]": "namedprocess_namegroup_num_procs"}), ["me"])
        meaning = self.data(agent, "/api/v1/metadata")
        self.assertEqual(meaning["node_memory_MemTotal_bytes"][0]["type"], "gauge")
        matrix = self.data(agent, "/api/v1/query_range", {"query": "node_memory_MemTotal_bytes", **span, "step": "15"}, form=True)
        self.assertEqual(matrix["resultType"], "matrix")
        self.assertEqual(self.data(agent, "/api/v1/query_exemplars", {"query": "x", **span}, form=True), [])
        groups = wait_until(lambda: self.data(agent, "/api/v1/rules")["groups"], "the rules")
        rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
        self.assertEqual(rules["MemoryHigh"]["type"], "alerting")
        status, _, text = self.ask(agent.port, "/api/v1/rules/test/test")  # whether there is a ruler
        self.assertEqual((status, text), (404, "page not found\n"))
        status, _, _ = self.ask(agent.port, "/api/v1/query", {"query": "1"}, form=True,
                                headers={"Host": "localhost:9766", "User-Agent": "Grafana/9.5.0"})
        self.assertEqual(status, 200)

    def test_sees_collectors_as_targets_and_a_configuration_without_secrets(self):
        agent = self.start()
        targets = wait_until(lambda: [t for t in self.data(agent, "/api/v1/targets")["activeTargets"] if t["health"] == "up"
                                      and t["scrapePool"] == "host"], "the host to be up")
        self.assertEqual(targets[0]["scrapeInterval"], "200ms")
        shown = self.data(agent, "/api/v1/status/config")["yaml"]
        self.assertIn("bearer_token: <secret>", shown)
        self.assertNotIn("hunter2", shown)
        self.assertNotIn("T0psecret", shown)
        for page in ("flags", "runtimeinfo", "tsdb"):
            self.assertNotIn("hunter2", json.dumps(self.data(agent, "/api/v1/status/" + page)))
        self.assertTrue(self.data(agent, "/api/v1/status/runtimeinfo")["reloadConfigSuccess"])
        self.assertEqual(agent.request("/-/reload", "POST")[0], 200)


class Hostile(Base):
    HEAVY = "sum(rate({__name__=~\".+\"}[10m])) " + "+ sum(rate({__name__=~\".+\"}[10m]))" * 100

    def start_heavy(self, agent, count, outcomes, query=HEAVY):
        now = time.time()
        params = {"query": query, "start": f"{now - 10000:.0f}", "end": f"{now:.0f}", "step": "1"}

        def one():
            try:
                outcomes.append(self.ask(agent.port, "/api/v1/query_range", params, form=True)[0])
            except OSError:
                outcomes.append("closed")
        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def resident_mib(self, agent):
        """0 under a sanitizer, whose own memory says nothing about ours."""
        with open(f"/proc/{agent.process.pid}/maps") as file:
            if "san.so" in file.read():
                return 0
        with open(f"/proc/{agent.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) / 1024

    def test_heavy_queries_keep_nobody_else_waiting_and_end(self):
        agent = self.start()
        before = agent.metrics()['sidewatch_collector_passes_total{collector="host",service="checkout"}']
        outcomes = []
        threads = self.start_heavy(agent, 64, outcomes)
        slowest, rounds = 0.0, 0
        while any(thread.is_alive() for thread in threads):
            began = time.monotonic()
            self.assertEqual(agent.request("/-/healthy")[0], 200)
            slowest = max(slowest, time.monotonic() - began)
            rounds += 1
            time.sleep(0.02)
        self.assertEqual(len(outcomes), 64)
        self.assertTrue(set(outcomes) <= {200, 422, 503}, set(outcomes))
        self.assertIn(503, outcomes)
        self.assertGreater(rounds, 3)
        self.assertLess(slowest, 2.0)
        after = agent.metrics()
        self.assertGreater(after['sidewatch_collector_passes_total{collector="host",service="checkout"}'], before)
        refused = wait_until(lambda: agent.metrics().get('sidewatch_http_refused_total{reason="busy",service="checkout"}'),
                             "the busy ones to be counted")
        self.assertGreater(refused, 0)

    def test_a_query_under_way_does_not_hold_up_the_end(self):
        agent = self.start()
        threads = self.start_heavy(agent, 4, [])
        time.sleep(0.3)
        self.assertLess(agent.terminate(), 3.0)
        self.assertEqual(agent.process.returncode, 0, agent.log_since_start())
        for thread in threads:
            thread.join()

    def test_questions_without_measure_are_refused_and_cost_little(self):
        agent = self.start()
        ask = self.ask
        self.assertEqual(ask(agent.port, "/api/v1/query", {"query": "1+" * 500_000 + "1"}, form=True)[0], 413)
        self.assertEqual(ask(agent.port, "/api/v1/query", {"query": "(" * 20_000}, form=True)[0], 400)
        self.assertEqual(ask(agent.port, "/api/v1/series", [("match[]", "a")] * 1000, form=True)[0], 200)
        self.assertEqual(ask(agent.port, "/api/v1/series", [("match[]", "a")] * 1001, form=True)[0], 400)
        before = self.resident_mib(agent)
        repetition = "((x{100}){100}){100}"
        status, _, answer = ask(agent.port, "/api/v1/query", {"query": f'x{{a=~"{repetition}"}}'}, form=True)
        self.assertEqual((status, answer["errorType"]), (400, "bad_data"))
        matchers = ",".join(f'a{i}!~".{{900}}"' for i in range(2500))
        ask(agent.port, "/api/v1/query", {"query": f"x{{{matchers}}}"}, form=True)
        ask(agent.port, "/api/v1/series", [("match[]", f'x{{a!~".{{9{i % 90:02}}}"}}') for i in range(900)], form=True)
        self.assertEqual(agent.request("/-/healthy")[0], 200)
        self.assertLess(self.resident_mib(agent) - before, 200)

    def test_slow_readers_of_big_answers_disturb_nobody(self):
        agent = self.start()
        body = urllib.parse.urlencode({"query": " or ".join(f'label_replace(vector({i}), "n", "{i}", "", "")' for i in range(20)),
                                       "start": "0", "end": "10000", "step": "1"})
        slow = []
        for _ in range(24):
            connection = socket.create_connection(("127.0.0.1", agent.port), timeout=30)
            self.addCleanup(connection.close)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall((f"POST /api/v1/query_range HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
                                "Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body).encode())
            slow.append(connection)
        until = time.monotonic() + 4
        while time.monotonic() < until:
            began = time.monotonic()
            self.assertEqual(agent.request("/-/healthy")[0], 200)
            self.assertLess(time.monotonic() - began, 2.0)
            self.assertLess(self.resident_mib(agent), 600)
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main(verbosity=2)
