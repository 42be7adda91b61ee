"""The history over kill -9, damage and a full disk, as queries show it.

A test sets a value that only ever rises, so every sample is known again by its value: what a query showed before a kill
must be there after it, but for what is younger than `history.flush_interval`.
"""

import glob
import json
import os
import random
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import Agent, Meminfo, temporary_directory, wait_until  # noqa: E402

CONFIG = """
agent: {{interval: 100ms, state_dir: state}}
http: {{listen: "127.0.0.1:0"}}
history: {{flush_interval: 200ms}}
collectors:
  host: {{roots: {{procfs: {procfs}}}}}
"""

FLUSH = 0.2
SLACK = 1.0  # for a machine that does other things too
LIVES = 150 if os.environ.get("SIDEWATCH_LONG_TESTS") == "1" else 25


class RisingMemory(Meminfo):
    """MemAvailable rises by a kilobyte every few milliseconds."""

    def __init__(self, directory):
        super().__init__(directory)
        self.kilobytes = 100_000
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._rise, daemon=True)
        self._thread.start()

    def _rise(self):
        file = os.open(self.path, os.O_WRONLY)
        while not self._stopping.wait(0.02):
            self.kilobytes += 1
            text = f"MemTotal:       {self.TOTAL_KB:8d} kB\nMemFree:        {self.kilobytes:8d} kB\n" \
                   f"MemAvailable:   {self.kilobytes:8d} kB\n"
            os.pwrite(file, text.encode(), 0)
        os.close(file)

    def stop(self):
        self._stopping.set()
        self._thread.join()


class History(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.memory = RisingMemory(self.directory.name)
        self.addCleanup(self.memory.stop)
        self.agent = Agent(CONFIG.format(procfs=self.memory.root), self.directory.name)
        self.addCleanup(self.agent.stop)
        self.folder = os.path.join(self.directory.name, "state", "history")

    def samples(self):
        """[(time, kilobytes)] of the whole history, oldest first."""
        query = urllib.parse.urlencode({"query": "node_memory_MemAvailable_bytes[1h]"})
        status, _, body = self.agent.request("/api/v1/query?" + query)
        assert status == 200, body
        result = json.loads(body)["data"]["result"]
        if not result:
            return []
        assert len(result) == 1, result
        return [(float(at), int(float(value)) // 1024) for at, value in result[0]["values"]]

    def own(self, name):
        return self.agent.metrics().get(name)

    def check_rising(self, samples):
        for (before, low), (after, high) in zip(samples, samples[1:]):
            self.assertLess(before, after)
            self.assertLessEqual(low, high, "a sample stands where it does not belong")

    def test_kill_9_in_a_loop_costs_at_most_the_flush_interval_of_samples(self):
        seed = int(os.environ.get("SIDEWATCH_SEED", time.time_ns() % 1_000_000_000))
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        durable = set()  # by value: seen, and older than the flush interval when the agent was killed
        seen = set()
        for life in range(LIVES):
            self.agent.start()
            there = self.samples()
            self.check_rising(there)
            lost = durable - {value for _, value in there}
            self.assertFalse(lost, f"life {life}: {len(lost)} of {len(durable)} samples are lost")
            time.sleep(dice.choice([0.0, 0.1, 0.5, dice.uniform(0.5, 2.5)]))
            there = self.samples()
            if dice.random() < 0.2:
                self.agent.terminate()
                durable.update(value for _, value in there)  # a clean end costs nothing
            else:
                self.agent.kill()
                durable.update(value for at, value in there if at < time.time() - FLUSH - SLACK)
            seen.update(value for _, value in there)
        self.agent.start()
        there = {value for _, value in self.samples()}
        self.assertGreater(len(durable), LIVES, "the test itself must have made samples")
        self.assertGreater(len(seen & there), len(seen) * 0.6)
        # A kill may come between two pages of a write, whose tail is torn then, and before the next life's checkpoint
        # comes another. Dozens of kills that each leave damage would be something else.
        self.assertLessEqual(self.own("sidewatch_history_corruptions_total"), 2)
        self.assertEqual(self.own("sidewatch_history_on_disk"), 1)
        print(f"{LIVES} lives, {len(seen)} samples seen, {len(seen - there)} of them lost, all of them young", flush=True)

    def test_what_stopped_is_not_shown_as_alive_after_a_restart(self):
        self.agent.start()
        wait_until(lambda: len(self.samples()) > 5, "some samples")
        self.agent.terminate()
        os.remove(self.memory.path)
        self.agent.start()
        self.assertGreater(len(self.samples()), 5)
        self.assertNotIn("node_memory_MemAvailable_bytes", self.agent.metrics())

    def test_a_torn_tail_is_cut_off_and_told(self):
        self.agent.start()
        wait_until(lambda: len(self.samples()) > 20, "some samples")
        wait_until(lambda: self.own("sidewatch_history_disk_bytes") > 3000, "the samples to be on disk")
        before = self.samples()
        self.agent.terminate()
        log = sorted(glob.glob(self.folder + "/wal-*"))[-1]
        os.truncate(log, os.path.getsize(log) - 7)
        self.agent.start()
        self.assertIn("the history on disk is damaged, what cannot be read is cut off", self.agent.log_since_start())
        self.assertEqual(self.own("sidewatch_history_corruptions_total"), 1)
        after = {value for _, value in self.samples()}
        self.assertGreater(len(after & {value for _, value in before[:10]}), 8)
        wait_until(lambda: os.path.exists(self.folder + "/checkpoint"), "the damage to be written over")
        self.agent.terminate()
        self.agent.start()
        self.assertEqual(self.own("sidewatch_history_corruptions_total"), 0)
        self.assertTrue(after <= {value for _, value in self.samples()})

    def test_a_full_disk_means_memory_only_until_there_is_room(self):
        os.makedirs(self.folder, mode=0o700)
        os.chmod(os.path.dirname(self.folder), 0o700)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", self.folder],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest("no file system can be mounted here: " + mounted.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder], check=True)
        self.agent.start()
        wait_until(lambda: self.own("sidewatch_history_on_disk") == 1, "the history to be on disk")
        filler = os.path.join(self.folder, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        wait_until(lambda: self.own("sidewatch_history_on_disk") == 0, "the full disk to be noticed")
        self.assertGreaterEqual(self.own("sidewatch_history_write_failures_total"), 1)
        self.assertIn("the history is in memory only", self.agent.log_since_start())
        count = len(self.samples())
        wait_until(lambda: len(self.samples()) > count + 5, "sampling to go on")
        meanwhile = self.samples()
        os.remove(filler)
        wait_until(lambda: self.own("sidewatch_history_on_disk") == 1, "the history to be on disk again")
        self.assertIn("the history is on disk again", self.agent.log_since_start())
        self.agent.kill()
        self.agent.start()
        self.assertTrue({value for _, value in meanwhile} <= {value for _, value in self.samples()})


if __name__ == "__main__":
    unittest.main(verbosity=2)
