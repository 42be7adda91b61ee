#!/usr/bin/env python3
"""What many HTTP checks cost, beside blackbox_exporter at the same rate in the same run.

    tests/bench/probe_bench.py [--checks 1000] [--interval 10] [--seconds 30] [--binary build/release/agent/sidewatch]

A real nginx on this machine answers. sidewatch runs the checks by itself, spread over the interval; blackbox_exporter is
asked for one at a time at the same rate, over a connection that is kept, as Prometheus asks it. Reported: CPU of one core
in percent, CPU per check and PSS. A check of either resolves nothing, connects anew and reads a short answer.

Budget: 1 000 checks every 10 s under 5 % of a core. CPU is from /proc/PID/schedstat (nanoseconds).
"""

import argparse
import http.client
import os
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from nginx import Nginx  # noqa: E402
from whole_process import Target, cpu_seconds, free_port, pss_kib  # noqa: E402

EXPORTER = "prometheus-blackbox-exporter"
BUDGET = 5  # % of a core
BUDGET_RATE = 100  # checks per second


def start_sidewatch(binary, directory, url, checks, interval):
    port = free_port()
    with open(os.path.join(directory, "sidewatch.yaml"), "w", encoding="utf-8") as file:
        file.write(f"agent: {{interval: {interval}s}}\nhttp: {{listen: 127.0.0.1:{port}}}\n"
                   "limits: {max_series: 200000, max_series_per_metric: 50000}\n"
                   "collectors:\n  probe:\n")
        for number in range(checks):
            file.write(f"    - {{name: check-{number}, interval: {interval}s, http: {{url: '{url}'}}}}\n")
    return Target("sidewatch", [binary, "run", "--config", "sidewatch.yaml"], port, directory)


def start_exporter(directory):
    port = free_port()
    with open(os.path.join(directory, "blackbox.yml"), "w", encoding="utf-8") as file:
        file.write("modules: {http: {prober: http}}\n")
    return Target("blackbox_exporter", [EXPORTER, f"--web.listen-address=127.0.0.1:{port}", "--config.file=blackbox.yml",
                                        "--log.level=error"], port, directory)


class Asker(threading.Thread):
    """Asks the exporter for one probe after the other, `rate` times a second."""

    def __init__(self, port, url, rate):
        super().__init__(daemon=True)
        self.port, self.rate, self.asked, self.ending = port, rate, 0, threading.Event()
        self.path = "/probe?" + urllib.parse.urlencode({"module": "http", "target": url})

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        due = time.monotonic()
        while not self.ending.wait(max(0.0, due - time.monotonic())):
            due += 1 / self.rate
            connection.request("GET", self.path)
            body = connection.getresponse().read()
            if b"probe_success 1" not in body:
                raise AssertionError("blackbox_exporter's probe failed")
            self.asked += 1


def runs(target):
    """Checks that have ended, and those that succeed now."""
    page = target.scrape().decode()
    total = next(float(line.split()[-1]) for line in page.splitlines() if line.startswith("sidewatch_probe_runs_total"))
    well = sum(line.endswith(" 1") for line in page.splitlines() if line.startswith("probe_success{"))
    return total, well


def report(name, cpu, seconds, done, pss):
    print(f"{name:18} {100 * cpu / seconds:6.2f} % of a core  {1e6 * cpu / done:7.1f} us per check  "
          f"{done / seconds:6.1f} checks/s  PSS {pss / 1024:5.1f} MiB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checks", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--binary", default="build/release/agent/sidewatch")
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    with tempfile.TemporaryDirectory(prefix="sidewatch-bench-") as directory:
        os.chmod(directory, 0o755)
        nginx = Nginx(os.path.join(directory, "nginx")).start()
        url = f"http://127.0.0.1:{nginx.port}/"
        targets = []
        try:
            ours = start_sidewatch(binary, directory, url, options.checks, options.interval)
            targets.append(ours)
            time.sleep(options.interval + 2)  # every check has run once
            before, _ = runs(ours)
            began, cpu = time.monotonic(), cpu_seconds(ours.pid)
            time.sleep(options.seconds)
            seconds, cpu = time.monotonic() - began, cpu_seconds(ours.pid) - cpu
            after, well = runs(ours)
            if well != options.checks:
                raise AssertionError(f"{well} of {options.checks} checks succeed")
            report("sidewatch", cpu, seconds, after - before, pss_kib(ours.pid))
            our_cost = cpu / (after - before)
            share = 100 * our_cost * BUDGET_RATE
            kept = share < BUDGET and after - before >= 0.98 * seconds * options.checks / options.interval
            print(f"budget, 1 000 checks every 10 s: {BUDGET} % of a core: {share:.2f} %, {'kept' if kept else 'BROKEN'}")
            if not shutil.which(EXPORTER):
                return 0 if kept else 1
            ours.stop()
            targets.remove(ours)
            theirs = start_exporter(directory)
            targets.append(theirs)
            asker = Asker(theirs.port, url, options.checks / options.interval)
            asker.start()
            time.sleep(2)
            began, cpu, before = time.monotonic(), cpu_seconds(theirs.pid), asker.asked
            time.sleep(options.seconds)
            seconds, cpu, done = time.monotonic() - began, cpu_seconds(theirs.pid) - cpu, asker.asked - before
            report("blackbox_exporter", cpu, seconds, done, pss_kib(theirs.pid))
            asker.ending.set()
            asker.join()
            print(f"blackbox_exporter needs {cpu / done / our_cost:.1f} times the CPU of sidewatch for a check")
            return 0 if kept else 1
        finally:
            for target in targets:
                target.stop()
            nginx.stop()


if __name__ == "__main__":
    sys.exit(main())
