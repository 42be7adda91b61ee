#!/usr/bin/env python3
"""Log files that are written and rotated as nginx, logrotate and a Node service do it, read by the real agent; the
configurations are those of docs/log.md."""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from exposition import Page  # noqa: E402
from harness import BINARY, Agent, Receiver, temporary_directory, wait_until  # noqa: E402

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "log.md")

NGINX = ('127.0.0.1 - - [21/Nov/2026:10:00:0{n} +0000] "GET /cart?id={n} HTTP/1.1" {status} 512 "-" "curl/7.88.1" 0.0{n}\n')
PINO = ('{{"level":{level},"time":1793700000000,"pid":7,"hostname":"api","req":{{"method":"GET","url":"/"}},'
        '"res":{{"statusCode":{status}}},"responseTime":{took},"msg":"request completed"}}\n')


def example(heading):
    """The configuration under a heading of docs/log.md; the first of all where there is none."""
    with open(DOCS, encoding="utf-8") as file:
        text = file.read()
    part = text.split(f"\n## {heading}\n", 1)[1] if heading else text
    return re.search(r"```yaml\n(.*?)```", part, re.S).group(1)


class Log(unittest.TestCase):
    def start(self, config, more="", agent="{interval: 200ms}"):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        config = re.sub(r"/var/log(/\w+)?/", self.directory + "/", config)
        agent = agent.replace("STATE", self.path("state"))
        self.agent = Agent(f"agent: {agent}\nhttp: {{listen: 127.0.0.1:0}}\n{config}{more}", self.directory)
        self.addCleanup(self.agent.stop)
        self.agent.start()
        wait_until(lambda: self.page().matching("sidewatch_log_lines_total"), "the first pass")

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def write(self, name, text, mode="a"):
        with open(os.path.join(self.directory, name), mode, encoding="utf-8") as file:
            file.write(text)

    def path(self, name):
        return os.path.join(self.directory, name)

    def wait_for(self, value, name, **labels):
        wait_until(lambda: self.page().matching(name, **labels) == [value], f"{name} {labels} to be {value}")

    def test_nginx_is_counted_through_a_rotation(self):
        self.start(example("nginx"))
        self.write("access.log", NGINX.format(n=1, status=200) + NGINX.format(n=2, status=502))
        self.wait_for(1, "nginx_http_requests_total", method="GET", status="502")
        os.rename(self.path("access.log"), self.path("access.log.1"))
        self.write("access.log.1", NGINX.format(n=3, status=200))
        self.write("access.log", NGINX.format(n=4, status=200))
        self.wait_for(3, "nginx_http_requests_total", method="GET", status="200")
        page = self.page()
        self.assertEqual(page.value("nginx_http_server_errors_total"), 1)
        self.assertEqual(page.value("nginx_http_sent_bytes_total"), 4 * 512)
        self.assertEqual(page.value("nginx_http_request_seconds_count"), 4)
        self.assertEqual(page.value("nginx_http_request_seconds_bucket", le="0.01"), 1)
        self.assertEqual(page.value("sidewatch_log_unmatched_lines_total"), 0)
        self.assertEqual(page.value("sidewatch_log_rotations_total"), 1)

    def test_a_json_log_is_counted_through_copytruncate(self):
        self.start(example("JSON").replace("*.log", "app.log*"))
        for took in (5, 20):
            self.write("app.log", PINO.format(level=30, status=200, took=took))
        self.wait_for(2, "api_request_seconds_count", status="200", method="GET")
        subprocess.run(["cp", self.path("app.log"), self.path("app.log.1")], check=True)
        os.truncate(self.path("app.log"), 0)
        self.write("app.log", PINO.format(level=50, status=500, took=1000) + "broken {\n")
        self.wait_for(1, "api_errors_total")
        page = self.page()
        self.assertEqual(page.value("api_log_lines_total", level="30"), 2)
        self.assertAlmostEqual(page.value("api_request_seconds_sum", status="500"), 1)
        self.assertEqual(page.value("sidewatch_log_json_errors_total"), 1)

    def test_syslog_lines_of_both_kinds_are_told_by_program(self):
        self.start(example("syslog"))
        self.write("syslog", "Nov 21 10:00:01 host cron[17]: job\n"
                   "2026-11-21T10:00:02.123456+00:00 host kernel: Out of memory: Killed process 7 (java)\n")
        self.wait_for(1, "syslog_lines_total", program="cron")
        self.wait_for(1, "syslog_out_of_memory_total")

    def test_an_error_in_the_log_becomes_a_message(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.start(example(""), f"receivers: [{{name: hook, webhook: {{url: \"{receiver.url}\"}}}}]\n")
        wait_until(lambda: self.page().matching("shop_errors_total") == [0], "the counter to stand at 0")
        self.write("app.log", "INFO fine\nERROR out of stock\n")
        alert = receiver.wait_for(1, "that there was an error")[0]["body"]["alerts"][0]
        self.assertEqual(alert["annotations"]["summary"][:1] > "0", True, alert)
        self.assertIn("errors in the shop's log", alert["annotations"]["summary"])

    def start_with_state(self, receiver, flush_interval="200ms", keys="max_files: 64"):
        self.start(f"""history: {{flush_interval: {flush_interval}}}
collectors:
  log:
    - name: shop
      path: /var/log/app.log
      {keys}
      metrics:
        - {{name: shop_errors_total, match: '\\b(ERROR|FATAL)\\b'}}
        - {{name: shop_errors_by_part_total, match: 'ERROR (\\w+)', labels: {{part: $1}}}}
rules:
  - {{alert: ShopErrors, expr: 'increase(shop_errors_total[5m])', warning: "> 0", summary: errors}}
  - {{alert: CartErrors, expr: 'increase(shop_errors_by_part_total{{part="cart"}}[5m])', warning: "> 0", summary: errors}}
receivers: [{{name: hook, webhook: {{url: "{receiver.url}"}}}}]
""", agent="{interval: 200ms, state_dir: STATE}")

    def saved_offsets(self):
        found = [name for name in os.listdir(self.path("state")) if name.startswith("log-") and name.endswith(".json")]
        if not found:
            return []
        with open(os.path.join(self.path("state"), found[0]), encoding="utf-8") as file:
            return [one["offset"] for one in json.load(file)["files"]]

    def test_errors_that_are_written_while_the_agent_is_killed_and_started_again_are_seen_by_a_rule(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.start_with_state(receiver)
        self.write("app.log", "INFO fine\n")
        wait_until(lambda: self.saved_offsets() == [10], "the place to be saved")
        self.agent.kill()
        self.write("app.log", "ERROR cart\n")
        os.rename(self.path("app.log"), self.path("app.log.1"))
        self.write("app.log.1", "ERROR cart\n")
        self.write("app.log", "ERROR cart\n")
        self.agent.start()
        told = {alert["labels"]["alertname"] for message in receiver.wait_for(2, "that there were errors")
                for alert in message["body"]["alerts"]}
        self.assertEqual(told, {"ShopErrors", "CartErrors"})
        self.wait_for(3, "shop_errors_total")
        self.wait_for(3, "shop_errors_by_part_total", part="cart")
        self.agent.terminate()
        self.assertEqual(sorted(self.saved_offsets()), [11, 32])
        self.agent.start()
        self.wait_for(0, "shop_errors_total")
        self.write("app.log", "INFO fine\n")
        self.wait_for(1, "sidewatch_log_lines_total")
        self.assertEqual(self.page().value("shop_errors_total"), 0)

    def test_the_first_error_of_a_label_is_seen_by_a_rule(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.start_with_state(receiver)
        self.write("app.log", "ERROR cart\n")
        told = [message["body"]["alerts"][0]["labels"]["alertname"]
                for message in receiver.wait_for(2, "that there were errors")]
        self.assertEqual(sorted(told), ["CartErrors", "ShopErrors"])

    def test_an_error_that_was_counted_just_before_a_kill_is_not_lost_with_the_history(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.start_with_state(receiver, flush_interval="10m")  # no sample gets to the disk
        self.write("app.log", "")
        wait_until(lambda: self.saved_offsets() == [0], "the place to be saved")
        self.write("app.log", "ERROR cart\n")
        self.wait_for(1, "shop_errors_total")
        self.agent.kill()
        self.agent.start()
        self.wait_for(1, "shop_errors_total")

    def test_a_reload_that_changes_the_entry_loses_no_line(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.start_with_state(receiver, keys="interval: 1h")  # it looks once
        with open(self.agent.config_path, encoding="utf-8") as file:
            config = file.read()
        self.write("app.log", "ERROR before\n")
        self.agent.write_config(config.replace("interval: 1h", "interval: 200ms"))
        self.assertEqual(self.agent.request("/-/reload", "POST")[0], 200)
        self.wait_for(1, "shop_errors_total")

    def test_a_flood_of_labels_leaves_the_rest_right(self):
        self.start("""collectors:
  log:
    - name: flood
      path: /var/log/flood.log
      metrics: [{name: flood_total, match: 'id=(\\S+)', labels: {id: $1}}, {name: quiet_total, match: quiet}]
""")
        self.write("flood.log", "".join(f"id={n}\n" for n in range(50_000)) + "quiet\n")
        self.wait_for(1, "quiet_total")
        page = self.page()
        self.assertEqual(sum(page.matching("flood_total")), 50_000)
        self.assertEqual(page.value("sidewatch_log_series"), 1000)

    def test_every_example_of_the_documentation_is_a_configuration_that_check_takes(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        with open(DOCS, encoding="utf-8") as file:
            examples = re.findall(r"```yaml\n(.*?)```", file.read(), re.S)
        self.assertGreaterEqual(len(examples), 5)
        for text in examples:
            path = os.path.join(directory.name, "log.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            answer = subprocess.run([BINARY, "check", path], capture_output=True, text=True, check=False)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            self.assertIn("the log /var/log/", answer.stdout)


if __name__ == "__main__":
    unittest.main()
