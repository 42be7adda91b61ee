#!/usr/bin/env python3
"""Beside Debian's prometheus-process-exporter, on the same processes in the same groups: the same families, types and
label sets, and the same values.

The watched processes are started while both watch, work when told to and rest before they are compared, so that what
both say must be equal and not merely near: CPU, I/O, faults and switches counted since their birth. A last one never
rests: what theirs says of it must lie between what ours says just before and just after.

Prints figures and every difference. A difference without a reason in DIFFERENCES fails.
"""

import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Agent, wait_until  # noqa: E402

EXPORTER = "prometheus-process-exporter"
REST_WITHIN_S = 60  # our switches of threads are up to date after five seconds

# A process that takes a name, works when told to, and rests. Threads and children as its arguments say.
WORKER = r"""
import ctypes, mmap, os, subprocess, sys, tempfile, threading
name, threads, children, zombies = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
libc = ctypes.CDLL(None)
def call(text):
    libc.prctl(15, text.encode(), 0, 0, 0)
held = []
def work(number):
    until = os.times().user + 0.15
    while os.times().user < until:
        pass
    with tempfile.NamedTemporaryFile(dir=sys.argv[5]) as file:
        file.write(os.urandom(256 << 10))
        file.flush()
        os.fsync(file.fileno())
    memory = mmap.mmap(-1, 4 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for offset in range(0, 4 << 20, 4096):
        memory[offset] = 1
    held.append(memory)
    held.extend(open("/dev/null") for _ in range(5))
go = [threading.Semaphore(0) for _ in range(threads)]
done = threading.Semaphore(0)
def run(number):
    call("%s-t%d" % (name[:8], number % 2))
    while True:
        go[number].acquire()
        work(number)
        done.release()
for number in range(threads):
    threading.Thread(target=run, args=(number,), daemon=True).start()
for number in range(children):
    subprocess.Popen(["/bin/sleep", "1000"], stdin=subprocess.DEVNULL)
for number in range(zombies):
    subprocess.Popen(["/bin/true"], stdin=subprocess.DEVNULL)
if sys.argv[6]:
    os.setgid(int(sys.argv[6]))
    os.setuid(int(sys.argv[6]))
call(name)
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "spin":
        while True:
            os.getppid()
    work(0)
    for one in go:
        one.release()
    for one in go:
        done.acquire()
    print("done", flush=True)
"""

# What may differ, and why. The series of ours and of theirs are matched by these patterns.
THEIR_THREADS = ("they count a process of several threads once for itself and once for each thread; "
                 "ours counts processes, as both help texts say")
DIFFERENCES = [
    (r"^namedprocess_namegroup_states\{.*groupname=\"[^\"]*threads", THEIR_THREADS),
    (r"^namedprocess_namegroup_threads_wchan\{.*groupname=\"[^\"]*threads",
     "they count the wait of the first thread twice when there are several"),
    (r"^namedprocess_namegroup_thread_(cpu|io|major|minor|context)",
     "they leave out what a thread consumed before they first looked at it; ours counts it from its birth"),
]
ONLY_OURS = [
    (r"^namedprocess_namegroup_(max_fds|max_address_space_bytes|oom_score|restarts_total)\{", "ours alone"),
]

GROUPS = ["cmp-single", "cfg-alpha", "cfg-beta", "cmp-threads", "cmp-family", "cmp-stranger:nobody"]


def parse(text):
    """({family: type}, {series with its labels sorted: value}) of what speaks of processes."""
    types, values = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE namedprocess_"):
            _, _, family, kind = line.split()
            types[family] = kind
        elif line.startswith("namedprocess_"):
            series, _, value = line.rpartition(" ")
            name, _, labels = series.partition("{")
            labels = sorted(re.findall(r'[a-z]+="(?:[^"\\]|\\.)*"', labels))
            values[name + "{" + ",".join(labels) + "}"] = float(value)
    return types, values


def reason(series, table):
    return next((why for pattern, why in table if re.search(pattern, series)), None)


class Worker:
    def __init__(self, directory, name, threads=0, children=0, zombies=0, arguments=(), user=""):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, name, str(threads), str(children), str(zombies), directory,
             str(user), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self.process.stdout.readline() == "ready\n"

    def work(self):
        self.tell("work")
        assert self.process.stdout.readline() == "done\n"

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def stop(self):
        os.killpg(self.process.pid, 9)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@unittest.skipUnless(shutil.which(EXPORTER), EXPORTER + " is not installed")
@unittest.skipUnless(os.geteuid() == 0, "looking at the I/O of other users takes root")
class BesideProcessExporter(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="sidewatch-process-exporter-")
        self.addCleanup(shutil.rmtree, self.directory)
        os.chmod(self.directory, 0o777)
        self.start_exporter()
        self.start_agent()

    def start_exporter(self):
        config = os.path.join(self.directory, "exporter.yml")
        with open(config, "w") as file:
            file.write(r"""
process_names:
  - {name: "cfg-{{.Matches.who}}", comm: [cmp-config], cmdline: ['--who=(?P<who>\w+)']}
  - {name: "{{.Comm}}:{{.Username}}", comm: [cmp-stranger]}
  - {name: "{{.Comm}}", comm: [cmp-single, cmp-threads, cmp-family, cmp-busy]}
""")
        port = free_port()
        self.exporter_url = f"http://127.0.0.1:{port}/metrics"
        exporter = subprocess.Popen([EXPORTER, f"-web.listen-address=127.0.0.1:{port}", f"-config.path={config}",
                                     "-recheck"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(exporter.wait)
        self.addCleanup(exporter.kill)
        wait_until(self.theirs, EXPORTER + " to serve")
        self.exporter_serves_since = time.monotonic()

    def start_agent(self):
        self.agent = Agent(r"""
agent: {interval: 200ms}
http: {listen: 127.0.0.1:0}
collectors:
  process:
    - name: "cfg-{{.Matches.who}}"
      match: {comm: cmp-config, cmdline: '--who=(?P<who>\w+)'}
      threads: true
      wchan: true
      proportional_memory_every: 100ms
    - name: "{{.Comm}}:{{.Username}}"
      match: {comm: cmp-stranger}
      threads: true
      wchan: true
      proportional_memory_every: 100ms
    - name: "{{.Comm}}"
      match: {comm: [cmp-single, cmp-threads, cmp-family, cmp-busy]}
      threads: true
      wchan: true
      proportional_memory_every: 100ms
""", self.directory).start()
        self.addCleanup(self.agent.stop)

    def theirs(self):
        try:
            with urllib.request.urlopen(self.exporter_url, timeout=10) as answer:
                return parse(answer.read().decode())
        except OSError:
            return None

    def ours(self):
        _, _, body = self.agent.request("/metrics")
        return parse(body.decode())

    def start(self, *arguments, **keywords):
        worker = Worker(self.directory, *arguments, **keywords)
        self.addCleanup(worker.stop)
        return worker

    def next_pass(self):
        """Our page after a pass that began after this call: the second one that reads /proc anew from now on."""
        reads = 'sidewatch_collector_passes_total{collector="process"}'
        seen = self.agent.metrics()[reads]
        wait_until(lambda: self.agent.metrics()[reads] >= seen + 2, "two more passes")
        return self.ours()

    def differences(self, ours, theirs):
        """What is not equal and has no reason, and what has one."""
        found, excused = [], []

        def note(series, text, table):
            why = reason(series, table)
            (excused if why else found).append(f"{text} ({why})" if why else text)

        for family in sorted(theirs[0].keys() | ours[0].keys()):
            kinds = ours[0].get(family), theirs[0].get(family)
            if kinds[0] != kinds[1] and kinds[1] is not None:
                found.append(f"{family}: ours is a {kinds[0]}, theirs a {kinds[1]}")
        for series in sorted(ours[1].keys() - theirs[1].keys()):
            note(series, f"only ours: {series}", ONLY_OURS)
        for series in sorted(theirs[1].keys() - ours[1].keys()):
            note(series, f"only theirs: {series} {theirs[1][series]}", [])
        for series in sorted(theirs[1].keys() & ours[1].keys()):
            mine, other = ours[1][series], theirs[1][series]
            if abs(mine - other) > self.slack(series, other):
                note(series, f"{series}: ours {mine}, theirs {other}", DIFFERENCES)
        return found, excused

    @staticmethod
    def slack(series, value):
        if "cmp-busy" in series:
            return float("inf")  # compared by itself
        if "proportional" in series:  # what is shared is divided among others, too, which come and go
            return 0.05 * value + (256 << 10)
        if "oldest_start_time" in series:  # theirs is cut to whole seconds
            return 1
        if series.startswith("namedprocess_scrape_"):  # they count every time, ours once per process and file
            return float("inf")
        return 1e-6 * abs(value)

    def test_families_label_sets_and_values_are_the_same(self):
        # In each group the processes are born after both looked for the first time. Theirs finds that out by a clock of
        # whole seconds.
        wait_until(lambda: time.monotonic() > self.exporter_serves_since + 2.5, "the clock to move on")
        workers = [self.start("cmp-single"), self.start("cmp-single"),
                   self.start("cmp-config", arguments=["--who=alpha"]),
                   self.start("cmp-config", arguments=["--who=beta", "--other"]),
                   self.start("cmp-threads", threads=4), self.start("cmp-family", children=2, zombies=1),
                   self.start("cmp-stranger", user=pwd.getpwnam("nobody").pw_uid)]

        def all_seen():
            return all(f'namedprocess_namegroup_num_procs{{groupname="{group}"}}' in page
                       for page in (self.ours()[1], self.theirs()[1]) for group in GROUPS)
        wait_until(all_seen, "both to see every group")
        before = self.next_pass(), self.theirs()
        for worker in workers:
            worker.work()

        last = {}
        def at_rest():
            last["theirs"] = self.theirs()
            last["ours"] = self.next_pass()
            last["found"], last["excused"] = self.differences(last["ours"], last["theirs"])
            return not last["found"]
        try:
            wait_until(at_rest, "the pages to be equal", deadline=REST_WITHIN_S)
        except AssertionError:
            self.fail("differences:\n" + "\n".join(last["found"]))
        self.check_increments(before, (last["ours"], last["theirs"]))
        self.check_states(last["ours"][1], last["theirs"][1])
        self.print_figures(last)
        # A family of which theirs has something is one of ours.
        self.assertGreaterEqual(len(last["theirs"][0].keys() & last["ours"][0].keys()), 20)
        self.assertEqual(last["theirs"][0].keys() - last["ours"][0].keys(), set())
        self.check_a_busy_process()

    def check_increments(self, before, after):
        """Counters of threads begin differently, but what the work added must be the same."""
        compared = 0
        for series, value in after[1][1].items():
            if not re.search(r"_thread_(cpu|io|major|minor|context)", series):
                continue
            theirs = value - before[1][1][series]
            ours = after[0][1][series] - before[0][1][series]
            # Between the two looks before the work, threads may still have been settling.
            slack = 0.02 if "cpu" in series else 30 if "context" in series or "faults" in series else 0
            self.assertLessEqual(abs(ours - theirs), slack, series)
            compared += 1
        self.assertGreater(compared, 20)
        name = ('namedprocess_namegroup_thread_cpu_seconds_total'
                '{groupname="cmp-threads",mode="user",threadname="cmp-thre-t1"}')
        self.assertGreater(after[0][1][name] - before[0][1][name], 0, "the work must be seen at all")

    def check_states(self, ours, theirs):
        """Theirs, less each thread, are ours: nothing else hides behind that difference."""
        for group, single, threaded_threads in (("cmp-single", 2, 0), ("cmp-threads", 1, 5)):
            def total(page):
                return sum(v for s, v in page.items() if s.startswith("namedprocess_namegroup_states{")
                           and f'groupname="{group}"' in s)
            self.assertEqual(total(ours), single)
            self.assertEqual(total(theirs), single + threaded_threads)

    def check_a_busy_process(self):
        busy = self.start("cmp-busy")
        cpu = ['namedprocess_namegroup_cpu_seconds_total{groupname="cmp-busy",mode="%s"}' % mode
               for mode in ("user", "system")]
        wait_until(lambda: cpu[0] in self.theirs()[1] and cpu[0] in self.ours()[1], "both to see the busy process")
        busy.tell("spin")
        moments = 0
        for _ in range(8):
            low = self.ours()[1]
            theirs = self.theirs()[1]
            high = self.next_pass()[1]
            for series in cpu:
                self.assertLessEqual(low[series] - 0.011, theirs[series], series)
                self.assertLessEqual(theirs[series], high[series] + 0.011, series)
                moments += 1
        self.assertGreater(high[cpu[0]] + high[cpu[1]], 0.5)
        print(f"  busy process: CPU of theirs between ours before and after, {moments} times")

    @staticmethod
    def print_figures(last):
        ours, theirs = last["ours"], last["theirs"]
        shared = theirs[1].keys() & ours[1].keys()
        equal = sum(1 for series in shared if ours[1][series] == theirs[1][series])
        print(f"families of theirs: {len(theirs[0])}, served by ours: {len(theirs[0].keys() & ours[0].keys())}")
        print(f"series of theirs: {len(theirs[1])}, served by ours: {len(shared)}, of equal value: {equal}")
        print(f"differences with a reason: {len(last['excused'])}")
        for text in last["excused"]:
            print("  " + text)
        print(json.dumps({"families": len(theirs[0]), "series": len(theirs[1]), "equal": equal,
                          "excused": len(last["excused"]), "unexcused": len(last["found"])}))


if __name__ == "__main__":
    unittest.main(verbosity=2)
