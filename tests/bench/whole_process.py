#!/usr/bin/env python3
"""What the whole agent costs, beside node_exporter and process-exporter in the same run.

    tests/bench/whole_process.py [--seconds 60] [--binary build/release/agent/sidewatch]

Part one: sidewatch samples this machine and one group of processes at a 1 s interval; node_exporter and (where it is
installed) process-exporter do the same half each. All are scraped once a second on a kept connection, plain, then
gzipped as Prometheus asks for it. Reported: PSS, CPU per minute, CPU per pass (which is a scrape: the exporters sample
when they are asked); of the host and the process collector, from sidewatch's own words, the time of one pass.
Part two: sidewatch and node_exporter serve 100, 1 000 and 10 000 series made of the same /proc/net/dev. Reported: latency
of a scrape on a kept connection (p50, p99) and CPU per scrape.

Seconds differ from machine to machine: the ratio is what counts. CPU is from /proc/PID/schedstat (nanoseconds).
"""

import argparse
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

NODE_EXPORTER = "prometheus-node-exporter"
PROCESS_EXPORTER = "prometheus-process-exporter"

# Judged in every pass, and never true: what a firing alert costs (a commit on disk) is not what is measured here.
RULES = """
rules:
  - alert: HostMemoryHigh
    expr: 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)
    warning: {above: 101, clear: 100}
    critical: {above: 105, clear: 104}
  - alert: HostCpuHigh
    expr: 100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[1m])))
    warning: {above: 101, clear: 100}
    critical: {above: 105, clear: 104}
    for: 30s
  - alert: HostDiskFull
    expr: 100 * (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes)
    warning: {above: 101, clear: 100}
    critical: {above: 105, clear: 104}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def cpu_seconds(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        except OSError:
            pass
    return total / 1e9


class Target:
    def __init__(self, name, command, port, directory):
        self.name, self.port = name, port
        self.log = open(os.path.join(directory, name + ".log"), "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=directory)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                self.scrape()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    sys.exit(f"{name} does not serve; see {self.log.name}")
                time.sleep(0.05)

    @property
    def pid(self):
        return self.process.pid

    def scrape(self, headers={}):
        self.connection.request("GET", "/metrics", headers=headers)
        response = self.connection.getresponse()
        return response.read()

    def series(self):
        return sum(1 for line in self.scrape().splitlines() if line and not line.startswith(b"#"))

    def stop(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait(timeout=10)
        self.log.close()


def start_sidewatch(binary, directory, interval, procfs=None):
    port = free_port()
    host = f"{{roots: {{procfs: {procfs}}}}}" if procfs else "{}"
    with open(os.path.join(directory, "sidewatch.yaml"), "w") as file:
        file.write(f"agent: {{interval: {interval}, state_dir: state}}\n"
                   f"http: {{listen: 127.0.0.1:{port}}}\n"
                   f"collectors:\n  host: {host}\n  process: [{{name: self, match: {{pid: self}}}}]\n"
                   "limits: {max_series: 30000, max_series_per_metric: 30000}\n" + RULES)
    return Target("sidewatch", [binary, "run", "--config", "sidewatch.yaml"], port, directory)


def start_node_exporter(directory, procfs=None):
    port = free_port()
    command = [NODE_EXPORTER, f"--web.listen-address=127.0.0.1:{port}"]
    if procfs:
        command += [f"--path.procfs={procfs}", "--collector.disable-defaults", "--collector.netdev",
                    "--no-collector.netdev.netlink", "--web.disable-exporter-metrics"]
    return Target("node_exporter", command, port, directory)


def start_process_exporter(directory):
    port = free_port()
    with open(os.path.join(directory, "process-exporter.yml"), "w") as file:
        file.write("process_names: [{comm: [sidewatch]}]\n")
    return Target("process-exporter", [PROCESS_EXPORTER, f"-web.listen-address=127.0.0.1:{port}", "-threads=false",
                                       "-config.path=process-exporter.yml"], port, directory)


def write_net_dev(directory, interfaces):
    procfs = os.path.join(directory, f"proc{interfaces}")
    os.makedirs(os.path.join(procfs, "net"))
    # node_exporter reads it as its own process sees it.
    os.makedirs(os.path.join(procfs, "self"))
    lines = ["Inter-|   Receive                                                |  Transmit",
             " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed"]
    for i in range(interfaces):
        numbers = " ".join(str(1_000_003 * (i + 1) * (column + 1)) for column in range(16))
        lines.append(f"veth{i:04d}: {numbers}")
    with open(os.path.join(procfs, "net", "dev"), "w") as file:
        file.write("\n".join(lines) + "\n")
    os.symlink("../net", os.path.join(procfs, "self", "net"))
    return procfs


def scrape_for(targets, seconds, headers):
    """CPU seconds per minute of each while it is scraped once a second, and the scrapes of each."""
    for _ in range(3):
        for target in targets:
            target.scrape(headers)
        time.sleep(1)
    before = [cpu_seconds(target.pid) for target in targets]
    began = time.monotonic()
    scrapes = 0
    while time.monotonic() - began < seconds:
        for target in targets:
            target.scrape(headers)
        scrapes += 1
        time.sleep(1)
    minutes = (time.monotonic() - began) / 60
    return [(cpu_seconds(target.pid) - cpu) / minutes for target, cpu in zip(targets, before)], scrapes / minutes


def seconds_per_pass(target, collector):
    """By sidewatch's own word, over twenty passes."""
    wanted = f'sidewatch_collector_duration_seconds{{collector="{collector}"}} '
    taken = []
    for _ in range(20):
        taken += [float(line[len(wanted):]) for line in target.scrape().decode().splitlines() if line.startswith(wanted)]
        time.sleep(1)
    return statistics.median(taken)


def watch_this_machine(binary, seconds):
    print(f"This machine, 1 s interval, scraped once a second, {seconds} s plain and {seconds} s gzipped")
    print(f"  {'':17}{'series':>8}{'PSS MiB':>10}{'CPU s/min':>11}{'gzipped':>10}{'CPU ms/pass':>13}")
    figures = {}
    with tempfile.TemporaryDirectory(prefix="sidewatch-bench-") as directory:
        targets = [start_sidewatch(binary, directory, "1s"), start_node_exporter(directory)]
        if shutil.which(PROCESS_EXPORTER):
            targets.append(start_process_exporter(directory))
        plain, scrapes = scrape_for(targets, seconds, {})
        gzipped, _ = scrape_for(targets, seconds, {"Accept-Encoding": "gzip"})
        for target, cpu, cpu_gzipped in zip(targets, plain, gzipped):
            f = figures[target.name] = {"series": target.series(), "pss_mib": pss_kib(target.pid) / 1024,
                                        "cpu_s_per_min": cpu, "cpu_s_per_min_gzipped": cpu_gzipped,
                                        "cpu_ms_per_pass": cpu / scrapes * 1000}
            print(f"  {target.name:17}{f['series']:8d}{f['pss_mib']:10.1f}{cpu:11.3f}{cpu_gzipped:10.3f}"
                  f"{f['cpu_ms_per_pass']:13.2f}")
        for collector in ("host", "process"):
            taken = figures["sidewatch"][f"{collector}_s_per_pass"] = seconds_per_pass(targets[0], collector)
            print(f"  one pass of the {collector} collector: {taken * 1000:.2f} ms")
        for target in targets:
            target.stop()
    for name in list(figures)[1:]:
        ratio = figures["sidewatch"]["cpu_s_per_min"] / figures[name]["cpu_s_per_min"]
        print(f"  CPU of sidewatch / CPU of {name}: {ratio:.2f}")
    print()
    return figures


def serve_many_series(binary, interfaces, scrapes):
    figures = {}
    with tempfile.TemporaryDirectory(prefix="sidewatch-bench-") as directory:
        procfs = write_net_dev(directory, interfaces)
        targets = [start_sidewatch(binary, directory, "1s", procfs), start_node_exporter(directory, procfs)]
        time.sleep(2)
        taken = {target.name: [] for target in targets}
        before = {target.name: cpu_seconds(target.pid) for target in targets}
        for _ in range(scrapes):  # in turn, so that a slow moment of the machine hits both
            for target in targets:
                began = time.perf_counter()
                target.scrape()
                taken[target.name].append(time.perf_counter() - began)
        for target in targets:
            cpu = cpu_seconds(target.pid) - before[target.name]
            times = sorted(taken[target.name])
            figures[target.name] = {
                "series": target.series(),
                "p50_ms": statistics.median(times) * 1000,
                "p99_ms": times[int(len(times) * 0.99)] * 1000,
                "cpu_us_per_scrape": cpu / scrapes * 1e6,
            }
            f = figures[target.name]
            print(f"  {target.name:14}{f['series']:8d}{f['p50_ms']:10.3f}{f['p99_ms']:10.3f}{f['cpu_us_per_scrape']:14.0f}")
        for target in targets:
            target.stop()
    ratio = figures["node_exporter"]["cpu_us_per_scrape"] / figures["sidewatch"]["cpu_us_per_scrape"]
    print(f"  scrapes per CPU second, sidewatch / node_exporter: {ratio:.1f}")
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--scrapes", type=int, default=400)
    parser.add_argument("--binary", default="build/release/agent/sidewatch")
    parser.add_argument("--json", help="also write the figures to this file")
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.binary)

    figures = {"this_machine": watch_this_machine(binary, arguments.seconds)}
    print("Many series on a kept connection (CPU includes one collection a second)")
    print(f"  {'':14}{'series':>8}{'p50 ms':>10}{'p99 ms':>10}{'CPU us/scrape':>14}")
    for interfaces in (4, 60, 620):
        figures[f"interfaces_{interfaces}"] = serve_many_series(binary, interfaces, arguments.scrapes)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
