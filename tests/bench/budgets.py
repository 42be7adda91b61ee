#!/usr/bin/env python3
"""What the whole agent promises about promptness and memory, measured beside its budgets.

    tests/bench/budgets.py [--binary build/release/agent/sidewatch] [--starts 20] [--crossings 100] [--samples 720]

start    from the start of the process until a GET of /metrics is answered with the host's series.
crossing from the moment the agent reads the sample that crosses a threshold (the kernel says when the file was read)
         until the receiver holds the whole POST: the rest of that pass, 1 000 rules judged, the alert and its message
         committed to disk, and the request.
history  PSS with 1 000 series of 720 samples each, as many as an hour has at the default interval of 5 s. They are
         taken and written down at 100 ms instead of 5 s, to save the hour; every counter grows by a random amount before
         each, so that they compress no better than a busy machine's. With 50 rules and a webhook sent.

A budget that is missed is said, and is exit status 1 with --strict: a machine that compiles meanwhile misses any.
"""

import argparse
import ctypes
import os
import random
import select
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness  # noqa: E402
from whole_process import free_port, pss_kib  # noqa: E402

START_BUDGET_MS = 100
CROSSING_BUDGET_MS = 20
HISTORY_BUDGET_MIB = 10

IN_ACCESS = 1
USED = "100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)"


def at(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Reads:
    """When a file was read, by the kernel's word."""

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_CLOEXEC)
        if libc.inotify_add_watch(self.descriptor, path.encode(), IN_ACCESS) < 0:
            raise OSError(ctypes.get_errno(), path)
        self.moments = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.ending.is_set():
            if select.select([self.descriptor], [], [], 0.1)[0]:
                moment = time.monotonic()
                os.read(self.descriptor, 4096)
                self.moments.append(moment)

    def first_after(self, moment):
        return next((m for m in list(self.moments) if m > moment), None)

    def stop(self):
        self.ending.set()
        self.thread.join()
        os.close(self.descriptor)


def measure_starts(binary, starts):
    taken = []
    for _ in range(starts):
        with harness.temporary_directory() as directory:
            port = free_port()
            agent = harness.Agent(f"agent: {{state_dir: state}}\nhttp: {{listen: 127.0.0.1:{port}}}\n"
                                  "collectors:\n  host: {}\n  process: [{name: self, match: {pid: self}}]\n", directory)
            agent.port = port
            began = time.monotonic()
            process = subprocess.Popen([binary, "run", "--config", agent.config_path], cwd=directory, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            try:
                def serves():
                    try:
                        return b"node_cpu_seconds_total{" in agent.request("/metrics")[2]
                    except OSError:
                        return False
                harness.wait_until(serves, "the first scrape", pause=0.001)
                taken.append((time.monotonic() - began) * 1000)
            finally:
                process.terminate()
                process.wait(timeout=10)
    return taken


def rules(count, first_above):
    text = "rules:\n"
    for number in range(count):
        above = first_above if number == 0 else 200 + number
        text += (f"  - {{alert: Rule{number}, expr: '{USED}', warning: {{above: {above}}}, cooldown: 0s}}\n")
    return text


def measure_crossings(crossings, interval=0.2):
    taken = []
    with harness.temporary_directory() as directory:
        meminfo = harness.Meminfo(directory)
        receiver = harness.Receiver()
        agent = harness.Agent(f"agent: {{interval: {int(interval * 1000)}ms, state_dir: state}}\n"
                              "http: {listen: '127.0.0.1:0'}\n"
                              f"collectors:\n  host: {{roots: {{procfs: {meminfo.root}}}}}\n" + rules(1000, 50) +
                              f"receivers:\n  - {{name: hook, webhook: {{url: '{receiver.url}'}}}}\n", directory)
        reads = Reads(meminfo.path)
        try:
            agent.start()
            time.sleep(2)
            for number in range(crossings):
                for used, count in ((90, 2 * number + 1), (10, 2 * number + 2)):
                    harness.wait_until(lambda: reads.first_after(time.monotonic() - interval / 4), "a pass", pause=0.005)
                    time.sleep(interval * 0.4)  # away from any read
                    changed = time.monotonic()
                    meminfo.use(used)
                    posted = receiver.wait_for(count, "a message")[count - 1]["at"]
                    taken.append((posted - reads.first_after(changed)) * 1000)
        finally:
            agent.stop()
            reads.stop()
            receiver.stop()
    return taken


class NetDev:
    """A procfs whose interfaces' counters grow by random amounts."""

    HEAD = ("Inter-|   Receive                                                |  Transmit\n"
            " face |bytes    packets errs drop fifo frame compressed multicast|"
            "bytes    packets errs drop fifo colls carrier compressed\n")

    def __init__(self, root, interfaces):
        os.makedirs(os.path.join(root, "net"), exist_ok=True)
        os.makedirs(os.path.join(root, "self"), exist_ok=True)
        os.symlink("../net", os.path.join(root, "self", "net"))
        self.path = os.path.join(root, "net", "dev")
        self.counters = [[random.randrange(10**9) for _ in range(16)] for _ in range(interfaces)]
        self.grow()

    def grow(self):
        text = self.HEAD
        for number, counters in enumerate(self.counters):
            for column in range(16):
                counters[column] += random.randrange(10**5)
            text += f"veth{number:04d}: " + " ".join(map(str, counters)) + "\n"
        with open(self.path + ".new", "w") as file:
            file.write(text)
        os.replace(self.path + ".new", self.path)


def measure_history(samples):
    with harness.temporary_directory() as directory:
        meminfo = harness.Meminfo(directory)
        net_dev = NetDev(meminfo.root, 60)
        receiver = harness.Receiver()
        agent = harness.Agent("agent: {interval: 100ms, state_dir: state}\nhttp: {listen: '127.0.0.1:0'}\n"
                              "collectors:\n  process: [{name: self, match: {pid: self}}]\n"
                              f"  host: {{roots: {{procfs: {meminfo.root}}}}}\n"
                              "history: {retention: 1h, flush_interval: 100ms}\n" + rules(50, 5) +
                              f"receivers:\n  - {{name: hook, webhook: {{url: '{receiver.url}'}}}}\n", directory)
        try:
            agent.start()
            receiver.wait_for(1, "the message")
            ends = time.monotonic() + samples * 0.1
            while time.monotonic() < ends:
                net_dev.grow()
                time.sleep(0.09)
            metrics = agent.metrics()
            return {"pss_mib": pss_kib(agent.process.pid) / 1024, "series": len(metrics),
                    "history_mib": metrics["sidewatch_history_bytes"] / 2**20,
                    "passes": metrics['sidewatch_collector_passes_total{collector="host"}']}
        finally:
            agent.stop()
            receiver.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="build/release/agent/sidewatch")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--crossings", type=int, default=100)
    parser.add_argument("--samples", type=int, default=720)
    parser.add_argument("--strict", action="store_true", help="exit 1 when a budget is missed")
    arguments = parser.parse_args()
    harness.BINARY = os.path.abspath(arguments.binary)
    missed = False

    def report(what, figures, value, budget, unit):
        nonlocal missed
        missed = missed or value > budget
        print(f"  {what:52}{figures:34}{budget:4d} {unit}  {'missed' if value > budget else 'kept'}", flush=True)

    print(f"  {'':52}{'measured':34}{'budget':8}")
    starts = measure_starts(harness.BINARY, arguments.starts)
    report(f"start to the first scrape answered ({len(starts)} starts)",
           f"p50 {at(starts, 0.5):.0f}, worst {max(starts):.0f} ms", max(starts), START_BUDGET_MS, "ms")
    crossings = measure_crossings(arguments.crossings // 2)
    report(f"a sample crosses, to its POST ({len(crossings)}, 1 000 rules)",
           f"p50 {at(crossings, 0.5):.1f}, p99 {at(crossings, 0.99):.1f} ms", at(crossings, 0.99), CROSSING_BUDGET_MS, "ms")
    history = measure_history(arguments.samples)
    report(f"PSS, {history['series']} series x {history['passes']:.0f} samples",
           f"{history['pss_mib']:.1f} MiB ({history['history_mib']:.1f} of history)", history["pss_mib"],
           HISTORY_BUDGET_MIB, "MiB")
    sys.exit(1 if missed and arguments.strict else 0)


if __name__ == "__main__":
    main()
