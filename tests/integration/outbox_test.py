"""What waits and what died, on the real agent: shown, tried again and dropped by `sidewatch outbox`, over kill -9."""

import json
import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE, Agent, Meminfo, Receiver, temporary_directory, wait_until  # noqa: E402

CONFIG = """
agent: {{interval: 200ms, state_dir: "{state}"}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  host: {{roots: {{procfs: {procfs}}}}}
rules:
  - alert: MemoryLow
    expr: 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)
    warning: "> 80"
    cooldown: 0s
    labels: {{team: shop}}
    summary: "Memory at {{{{ $value | humanize }}}} %"
receivers:
  - name: oncall
    webhook: {{url: "{url}?token=sesame"}}
"""


class OutboxCommand(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.memory = Meminfo(directory.name)
        self.answer = 200
        self.receiver = Receiver(lambda number: self.answer)
        self.addCleanup(self.receiver.stop)
        self.agent = Agent(CONFIG.format(state=os.path.join(directory.name, "state"), procfs=self.memory.root,
                                         url=self.receiver.url), directory.name)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def outbox(self, *arguments, code=0):
        done = subprocess.run([BINARY, "outbox", *arguments, "--url", f"http://127.0.0.1:{self.agent.port}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def listed(self):
        return json.loads(self.outbox("ls", "--json").stdout)["data"]

    def restart(self):
        self.agent.kill()
        self.agent.start()

    def fire(self):
        self.memory.use(90)
        wait_until(self.receiver.all, "the first attempt")

    def keys(self, requests):
        return [request["headers"]["idempotency-key"] for request in requests]

    def test_a_dead_letter_is_shown_and_sent_again_once_under_its_key(self):
        self.assertEqual(self.outbox("ls").stdout, "Nothing waits, and there are no dead letters.\n")
        self.answer = 400
        self.fire()
        dead = wait_until(lambda: self.listed()["deadLetters"], "the dead letter")[0]
        self.assertEqual((dead["receiver"], dead["alert"], dead["reason"]), ("oncall", "MemoryLow", "fired"))
        key = self.keys(self.receiver.all())[0]
        self.assertEqual(dead["id"], key)
        self.restart()
        shown = self.outbox("ls").stdout
        self.assertRegex(shown, rf"1 dead letter, the newest first.*\n.*\n{key} +\S+ ago +MemoryLow +team=shop +warning +fired +oncall +.*400")
        self.assertNotIn("sesame", shown)

        self.answer = 200
        self.assertEqual(self.outbox("retry", "--dead").stdout, "1 dead letter to be sent again\n")
        taken = self.receiver.wait_for(1, "what died")
        self.assertEqual(taken[0]["body"]["alerts"][0]["reason"], "fired")
        self.memory.use(10)
        taken = self.receiver.wait_for(2, "its end")
        self.assertEqual(self.keys(taken)[0], key)
        self.assertEqual([request["body"]["status"] for request in taken], ["firing", "resolved"])
        self.assertEqual(self.outbox("retry", "--dead").stdout, "There are no dead letters.\n")
        wait_until(lambda: "dead letters were sent again by hand" in self.agent.log(), "the log to say it")

    def test_what_died_and_is_over_is_told_in_one(self):
        self.answer = 400
        self.fire()
        dead = wait_until(lambda: self.listed()["deadLetters"], "the dead letter")[0]
        self.memory.use(10)
        wait_until(lambda: self.agent.metrics().get('sidewatch_alerts_firing{level="warning"}', 0) == 0, "the end")
        wait_until(lambda: "alert resolved" in self.agent.log(), "the end")
        self.answer = 200
        self.outbox("retry", dead["id"])
        taken = self.receiver.wait_for(1, "what died")
        self.assertEqual((taken[0]["body"]["status"], taken[0]["body"]["alerts"][0]["reason"]), ("resolved", "fired_and_resolved"))
        self.assertEqual(self.keys(taken), [dead["id"] + "-over"])

    def test_what_waits_for_a_backoff_is_tried_at_once(self):
        self.answer = 403  # tried again in five minutes
        self.fire()
        waiting = wait_until(lambda: [m for m in self.listed()["waiting"] if m["waits"] != "under_way"], "the backoff")
        self.assertEqual(waiting[0]["attempts"], 1)
        shown = self.outbox("ls").stdout
        self.assertRegex(shown, r"oncall: 1 message waiting; the last attempt failed: .*403.*; the next is in \dm")
        self.assertRegex(shown, r"MemoryLow +team=shop +warning +fired +1 +in \dm.*last attempt failed")
        self.assertNotIn("sesame", shown)
        self.assertEqual(self.outbox("ls", "--receiver", "oncall", "--dead").stdout, "There are no dead letters.\n")
        self.answer = 200
        self.assertEqual(self.outbox("retry", "--receiver", "oncall").stdout, "1 message to be tried now\n")
        self.assertEqual(self.keys(self.receiver.wait_for(1, "what waited")), [waiting[0]["id"]])
        wait_until(lambda: not self.listed()["waiting"], "the queue to be empty")
        self.assertEqual(self.outbox("retry", "--all").stdout, "Nothing waits.\n")

    def test_what_is_dropped_never_arrives(self):
        self.answer = 403
        self.fire()
        message = wait_until(lambda: [m for m in self.listed()["waiting"] if m["waits"] != "under_way"], "the backoff")[0]
        asked_back = self.outbox("drop", "--receiver", "oncall", code=2).stderr
        self.assertIn("would drop 1 waiting message for oncall for good; add --yes", asked_back)
        self.assertEqual(self.outbox("drop", message["id"]).stdout, "1 waiting message dropped\n")
        self.assertEqual(self.listed()["waiting"], [])
        self.restart()
        self.assertEqual(self.outbox("ls").stdout, "Nothing waits, and there are no dead letters.\n")
        self.answer = 200
        self.memory.use(10)
        wait_until(lambda: "alert resolved" in self.agent.log(), "the end of what nobody heard of")
        self.memory.use(90)
        taken = self.receiver.wait_for(1, "the next incident")
        self.assertNotIn(message["id"], self.keys(taken))
        self.assertNotEqual(taken[0]["body"]["alerts"][0]["reason"], "resolved")

    def test_dead_letters_are_dropped_when_it_is_said_twice(self):
        self.answer = 400
        self.fire()
        dead = wait_until(lambda: self.listed()["deadLetters"], "the dead letter")[0]
        self.assertIn("would drop 1 dead letter for good; add --yes", self.outbox("drop", "--dead", code=2).stderr)
        self.assertEqual(self.outbox("drop", "--dead", "--yes").stdout, "1 dead letter dropped\n")
        self.restart()
        self.assertEqual(self.outbox("ls", "--dead").stdout, "There are no dead letters.\n")
        self.assertIn("no message of the id " + dead["id"], self.outbox("retry", dead["id"], code=1).stderr)
        wait_until(lambda: "messages were dropped by hand" in self.agent.log(), "the log to say it")

    def test_what_a_silence_holds_back_says_so_and_stays(self):
        silence = subprocess.run([BINARY, "silence", "add", "team=shop", "--url", f"http://127.0.0.1:{self.agent.port}"],
                                 capture_output=True, text=True, timeout=DEADLINE, check=True).stdout.strip()
        self.memory.use(90)
        wait_until(lambda: self.listed()["waiting"], "the message")
        self.assertRegex(self.outbox("ls").stdout, rf"in \S.* at the earliest: held by silence {silence}")
        self.assertEqual(self.outbox("retry", "--all").stdout, "1 message still held by a silence or a mute time\n")
        self.assertEqual(self.receiver.all(), [])

    def test_mistakes_are_said_in_a_sentence(self):
        self.assertIn("an ID, --receiver NAME, --all or --dead", self.outbox("retry", code=2).stderr)
        self.assertIn("an ID, --receiver NAME or --dead", self.outbox("drop", code=2).stderr)
        self.assertIn("there is no receiver 'nobody'", self.outbox("ls", "--receiver", "nobody", code=1).stderr)
        self.assertIn("there is no receiver 'nobody'", self.outbox("retry", "--receiver", "nobody", code=1).stderr)
        away = subprocess.run([BINARY, "outbox", "ls", "--url", "http://127.0.0.1:1"], capture_output=True, text=True,
                              timeout=DEADLINE)
        self.assertEqual(away.returncode, 1)
        self.assertRegex(away.stderr, r"127\.0\.0\.1:1.*kept in agent\.state_dir")

    def test_a_web_page_of_somebody_else_changes_nothing(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.agent.port}/api/v1/outbox/retry?all=true", method="POST",
                                         headers={"Origin": "http://evil.example"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=DEADLINE)
        self.assertEqual(refused.exception.code, 403)
        refused.exception.close()


if __name__ == "__main__":
    unittest.main()
