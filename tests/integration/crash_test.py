"""kill -9 at random instants while alerts fire, resolve and are delivered to a receiver that misbehaves.

What is checked is the promise: every incident that the agent ever showed as firing reaches the receiver, each message is
taken once, or twice if a kill fell between the receiver's 2xx and the commit that records it; a resolved message never
comes before its firing one and never alone; timers go on over the restart.
"""

import collections
import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import Agent, Meminfo, Receiver, temporary_directory, wait_until  # noqa: E402

CONFIG = """
agent: {{interval: 100ms, state_dir: state}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  host: {{roots: {{procfs: {procfs}}}}}
rules:
  - alert: MemoryHigh
    expr: 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)
    warning: {{above: 80, clear: 75}}
    critical: {{above: 95, clear: 90}}
    cooldown: {cooldown}
    for: {hold}
receivers:
  - name: hook
    webhook: {{url: "{url}", timeout: 500ms}}
"""

KILLS = 1000 if os.environ.get("SIDEWATCH_LONG_TESTS") == "1" else 200


class Crash(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.memory = Meminfo(self.directory.name)

    def make_agent(self, receiver, hold="0s", cooldown="0s"):
        agent = Agent(CONFIG.format(procfs=self.memory.root, hold=hold, cooldown=cooldown, url=receiver.url),
                      self.directory.name)
        self.addCleanup(agent.stop)
        return agent

    def test_nothing_is_lost_and_nothing_sent_twice_beyond_the_promise(self):
        seed = int(os.environ.get("SIDEWATCH_SEED", time.time_ns() % 1_000_000_000))
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        answers = random.Random(seed + 1)
        misbehave = True

        def behaviour(number):
            if not misbehave:
                return 200
            return answers.choices([200, 500, 503, "hang", "close"], weights=[10, 3, 2, 1, 2])[0]

        receiver = Receiver(behaviour)
        self.addCleanup(receiver.stop)
        agent = self.make_agent(receiver)
        seen_firing = set()

        def look():
            try:
                for alert in agent.alerts("MemoryHigh"):
                    if alert["state"] == "firing":
                        seen_firing.add(alert["incident"])
            except (OSError, AssertionError):
                pass  # killed, or not yet serving

        for kill in range(KILLS):
            refusing = dice.random() < 0.1
            if refusing:
                receiver.refuse()
            agent.start(wait=False)
            end = time.monotonic() + dice.uniform(0.02, 0.9)
            while time.monotonic() < end:
                self.memory.use(dice.choice([10, 10, 85, 97]))
                time.sleep(dice.uniform(0.0, 0.12))
                if agent.port is None:
                    agent.find_port()
                elif dice.random() < 0.5:
                    look()
            agent.kill()
            if refusing:
                receiver.listen()

        misbehave = False
        self.memory.use(10)
        agent.start()
        wait_until(lambda: not agent.alerts("MemoryHigh"), "every alert to resolve")
        wait_until(lambda: agent.metrics()['sidewatch_notifications_pending{receiver="hook"}'] == 0,
                   "every message to be delivered")
        agent.terminate()
        self.assertEqual(agent.process.returncode, 0, agent.log_since_start())
        self.assertNotIn("missing", agent.log(), "no message of the outbox is missing")

        self.check(receiver, seen_firing)

    def check(self, receiver, seen_firing):
        taken = [r for r in receiver.taken() if r["body"]["alerts"][0]["labels"]["alertname"] == "MemoryHigh"]
        times_taken = collections.Counter(request["headers"]["idempotency-key"] for request in taken)
        self.assertLessEqual(max(times_taken.values()), 2, "a message was taken more than twice")
        duplicates = sum(count - 1 for count in times_taken.values())
        self.assertLessEqual(duplicates, KILLS)

        incidents = collections.defaultdict(list)
        for request in taken:
            incidents[request["body"]["alerts"][0]["incident"]].append(request["body"]["alerts"][0])
        self.assertGreater(len(incidents), KILLS // 10, "the test itself must have made incidents")
        lost = seen_firing - set(incidents)
        self.assertFalse(lost, f"{len(lost)} of {len(seen_firing)} incidents that fired were never delivered")
        for incident, alerts in incidents.items():
            story = [(alert["reason"], alert["level"]) for alert in alerts]
            first, last = alerts[0], alerts[-1]
            self.assertIn(first["reason"], ("fired", "fired_and_resolved"), story)
            self.assertEqual(last["status"], "resolved", story)
        print(f"{len(incidents)} incidents, {len(receiver.all())} requests, {len(taken)} taken, {duplicates} duplicates",
              flush=True)

    def test_a_pending_timer_goes_on_after_kill_9_and_downtime_is_not_breach_time(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        agent = self.make_agent(receiver, hold="4s")
        agent.start()
        self.memory.use(85)
        wait_until(lambda: [a for a in agent.alerts("MemoryHigh") if a["state"] == "pending"], "the alert to be pending")
        pending_since = time.monotonic()
        wait_until(lambda: time.monotonic() - pending_since >= 2.0, "half of the time to pass")
        agent.kill()
        down_at = time.monotonic()
        lived = down_at - pending_since
        wait_until(lambda: time.monotonic() - down_at >= 3.0, "some downtime")
        agent.start()
        up_at = time.monotonic()
        fired = receiver.wait_for(1, "the alert")[0]
        held = fired["at"] - up_at
        self.assertGreater(held, 4.0 - lived - 1.0, "downtime must not count as breach time")
        self.assertLess(held, 3.2, "what had been held before the crash must count")

    def test_the_cooldown_goes_on_over_kill_9(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        agent = self.make_agent(receiver, cooldown="6s")
        agent.start()
        self.memory.use(85)
        first = receiver.wait_for(1, "the alert")[0]
        self.memory.use(10)
        receiver.wait_for(2, "the resolved message")
        agent.kill()
        agent.start()
        self.memory.use(85)
        again = receiver.wait_for(3, "the alert after the cooldown")[2]
        self.assertGreaterEqual(again["at"] - first["at"], 5.5)
        self.assertEqual(again["body"]["alerts"][0]["suppressed"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
