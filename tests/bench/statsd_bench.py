#!/usr/bin/env python3
"""What StatsD costs, beside netdata and collectd where they are installed (packages netdata-core and collectd-core).

    cmake --preset bench && cmake --build --preset bench --target sidewatch statsd_sender
    tests/bench/statsd_bench.py [--seconds 5] [--binary build/bench/agent/sidewatch]

Each of them gets the same lines from the same sender, one program after the other: counters, timings and gauges of 200
names, many to a datagram and one to a datagram, at a rate that is kept and as fast as they can be sent. Reported: samples
per second that were sent, what was lost (by the kernel's own count of datagrams that a socket had no room for), CPU per
sample. Of sidewatch it must hold that what was sent is exactly what was counted and what was lost.

The budgets: 8 million samples/s packed at under 0.1 us of CPU each, 500 000/s one by one at under 1 us, none lost. On a
machine that others use as well rates and losses say little; CPU per sample and its ratio to the others' remain.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from whole_process import Target, cpu_seconds, free_port, pss_kib  # noqa: E402

PACKED = 60  # plain lines in a datagram: about what fits into an Ethernet frame
LOADS = [  # name, samples per datagram, samples per second (0: as fast as they can be sent), tagged
    ("packed, 8 M/s", PACKED, 8_000_000, "plain"),
    ("packed, unpaced", PACKED, 0, "plain"),
    ("packed and tagged, 4 M/s", 28, 4_000_000, "tagged"),
    ("one by one, 500 k/s", 1, 500_000, "plain"),
    ("one by one, unpaced", 1, 0, "plain"),
]
BUDGETS = {"packed, 8 M/s": 0.1, "one by one, 500 k/s": 1.0}  # us of CPU per sample
REACHED = 0.98  # of the rate that is asked for must have been sent
UNPACED_RATES = {PACKED: 8_000_000, 1: 600_000}               # how many samples are sent without a pause


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def socket_row(port):
    """(bytes that wait, datagrams dropped) of the UDP socket that is bound to the port, or None."""
    with open("/proc/net/udp", encoding="ascii") as table:
        for line in table:
            row = line.split()
            if row[1].endswith(f":{port:04X}"):
                return int(row[4].split(":")[1], 16), int(row[12])
    return None


def wait_for(condition, what, deadline=30):
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {deadline} s in vain for {what}")
        time.sleep(0.02)


class Sidewatch:
    name = "sidewatch"

    def __init__(self, binary, directory):
        self.udp, port = free_udp_port(), free_port()
        with open(os.path.join(directory, "statsd.yaml"), "w") as file:
            file.write(f"agent: {{interval: 1s}}\nhttp: {{listen: 127.0.0.1:{port}}}\n"
                       f"collectors: {{statsd: {{listen: ['udp://127.0.0.1:{self.udp}']}}}}\n")
        self.target = Target(self.name, [binary, "run", "--config", "statsd.yaml"], port, directory)
        self.pid = self.target.pid

    def counted(self):
        wanted = "sidewatch_statsd_samples_total "
        lines = [line for line in self.target.scrape().decode().splitlines() if line.startswith(wanted)]
        return int(float(lines[0].split()[1])) if lines else 0

    def stop(self):
        self.target.stop()


class Peer:
    """A process that is stopped by its pid; what it says goes to a file."""

    def __init__(self, command, directory):
        self.log = open(os.path.join(directory, self.name + ".log"), "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=directory)
        self.pid = self.process.pid

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Netdata(Peer):
    name = "netdata"

    def __init__(self, directory):
        self.udp, port = free_udp_port(), free_port()
        for folder in ("config", "cache", "lib", "log"):
            os.makedirs(os.path.join(directory, "netdata", folder))
        base = os.path.join(directory, "netdata")
        path = os.path.join(base, "config", "netdata.conf")
        off = ["proc", "diskspace", "cgroups", "tc", "idlejitter", "timex", "checks", "apps", "python.d", "charts.d", "go.d",
               "node.d", "perf", "slabinfo", "ioping", "ebpf", "fping", "nfacct", "cups", "freeipmi", "xenstat"]
        with open(path, "w") as file:
            file.write(f"""[global]
  run as user = {os.environ.get('USER') or 'root'}
[directories]
  config = {base}/config
  cache = {base}/cache
  lib = {base}/lib
  log = {base}/log
  home = {base}/lib
[db]
  mode = ram
[ml]
  enabled = no
[health]
  enabled = no
[registry]
  enabled = no
[web]
  bind to = 127.0.0.1:{port}
[plugins]
  enable running new plugins = no
  statsd = yes
""" + "".join(f"  {plugin} = no\n" for plugin in off) + f"""[statsd]
  bind to = udp:127.0.0.1:{self.udp}
""")
        super().__init__([shutil.which(self.name), "-D", "-c", path, "-P", os.path.join(base, "pid")], directory)


class Collectd(Peer):
    name = "collectd"

    def __init__(self, directory):
        self.udp = free_udp_port()
        path = os.path.join(directory, "collectd.conf")
        with open(path, "w") as file:
            file.write(f"""BaseDir "{directory}"
PIDFile "{directory}/collectd.pid"
Interval 1
LoadPlugin statsd
<Plugin statsd>
  Host "127.0.0.1"
  Port "{self.udp}"
  TimerPercentile 50.0
  TimerPercentile 99.0
</Plugin>
""")
        super().__init__([shutil.which(self.name), "-f", "-C", path], directory)


def measure(receiver, sender, load, seconds):
    name, each, rate, lines = load
    counts = hasattr(receiver, "counted")
    samples = int((rate or UNPACED_RATES[each]) * seconds) // each * each
    command = [sender, str(receiver.udp), None, str(each), None, lines]
    run = lambda how_many, how_fast: json.loads(subprocess.run(  # noqa: E731
        command[:2] + [str(how_many), str(each), str(how_fast), lines], check=True, capture_output=True).stdout)
    run(each * 400, 100_000 if each == 1 else 1_000_000)  # so that every name is known
    wait_for(lambda: socket_row(receiver.udp)[0] == 0, f"{receiver.name} to read what came")
    time.sleep(1.5)
    before = cpu_seconds(receiver.pid), socket_row(receiver.udp)[1], receiver.counted() if counts else 0
    sent = run(samples, rate)
    wait_for(lambda: socket_row(receiver.udp)[0] == 0, f"{receiver.name} to read what came")
    time.sleep(1.2)  # the last samples are summed up in the next pass
    cpu, dropped = cpu_seconds(receiver.pid) - before[0], socket_row(receiver.udp)[1] - before[1]
    taken = sent["samples"] - dropped * each
    if counts:
        wait_for(lambda: receiver.counted() - before[2] >= taken, "all samples to be counted", deadline=5)
        if receiver.counted() - before[2] != taken:
            sys.exit(f"{sent['samples']} sent, {dropped * each} lost, but {receiver.counted() - before[2]} counted")
    return {"load": name, "sent_per_s": sent["samples"] / sent["seconds"], "lost": dropped * each / sent["samples"],
            "cpu_us": cpu / taken * 1e6 if taken else float("nan"), "sender_cpu_us": sent["cpu_seconds"] / samples * 1e6}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--binary", default="build/bench/agent/sidewatch")
    parser.add_argument("--sender", default="build/bench/tests/bench/statsd_sender")
    parser.add_argument("--alone", action="store_true", help="without netdata and collectd")
    arguments = parser.parse_args()
    binary, sender = os.path.abspath(arguments.binary), os.path.abspath(arguments.sender)
    with tempfile.TemporaryDirectory(prefix="sidewatch-bench-") as directory:
        makers = [lambda: Sidewatch(binary, directory)]
        for peer in (Netdata, Collectd):
            if shutil.which(peer.name) and not arguments.alone:
                makers.append(lambda peer=peer: peer(directory))
        print(f"{'':34}{'sent/s':>12}{'lost':>9}{'CPU us/sample':>15}{'sender us':>11}{'PSS MiB':>10}")
        figures = {}
        for make in makers:
            receiver = make()
            wait_for(lambda: socket_row(receiver.udp) is not None, f"{receiver.name} to listen")
            time.sleep(1)
            try:
                for load in LOADS:
                    if load[3] == "tagged" and receiver.name != "sidewatch":
                        continue
                    f = figures[receiver.name, load[0]] = measure(receiver, sender, load, arguments.seconds)
                    print(f"{receiver.name:10}{load[0]:24}{f['sent_per_s']:12,.0f}{f['lost']:9.2%}{f['cpu_us']:15.3f}"
                          f"{f['sender_cpu_us']:11.3f}{pss_kib(receiver.pid) / 1024:10.1f}", flush=True)
            finally:
                receiver.stop()
    broken = False
    for load, budget in BUDGETS.items():
        mine = figures["sidewatch", load]
        wanted = next(rate for name, _, rate, _ in LOADS if name == load)
        reached = mine["sent_per_s"] >= REACHED * wanted
        kept = reached and mine["cpu_us"] < budget and mine["lost"] == 0
        broken = broken or not kept
        verdict = "kept" if kept else "BROKEN" if reached else "not tried, for the sender was too slow"
        print(f"budget, {load}: {budget} us of CPU each and none lost: {verdict}")
        for (name, other), f in figures.items():
            if other == load and name != "sidewatch":
                print(f"  CPU of {name} / CPU of sidewatch per sample: {f['cpu_us'] / mine['cpu_us']:.1f}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
