"""What `sidewatch test` says about every file of tests/cases/rule_tests, and what Debian's promtool says about it.

A file named pass-* must pass and one named fail-* must fail, in both programs alike. What sidewatch prints about those
that fail is in <name>.expected; ours/ has what promtool does not know. To take over a text that was changed on purpose:
UPDATE_EXPECTED=1, then read the difference.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DEADLINE  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CASES = os.path.join(ROOT, "tests", "cases", "rule_tests")
UPDATE = os.environ.get("UPDATE_EXPECTED") == "1"


def run(arguments, directory=CASES):
    return subprocess.run(arguments, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE)


def sidewatch_test(*files, directory=CASES):
    return run([BINARY, "test", *files], directory)


def promtool_is_there():
    if shutil.which("promtool") is None:
        return False
    answer = run(["promtool", "--version"])
    return "version 2.42." in answer.stdout + answer.stderr


def names(pattern):
    return sorted(os.path.relpath(path, CASES) for path in glob.glob(os.path.join(CASES, pattern)))


def must_pass(name):
    return os.path.basename(name).startswith("pass-")


class Verdicts(unittest.TestCase):
    def test_there_are_enough_of_both_kinds(self):
        self.assertGreaterEqual(len(names("pass-*.yml")), 15)
        self.assertGreaterEqual(len(names("fail-*.yml")), 10)

    def test_each_file_passes_or_fails_as_its_name_says(self):
        for name in names("*.yml") + names("ours/*.yml"):
            with self.subTest(name):
                answer = sidewatch_test(name)
                self.assertEqual(answer.returncode == 0, must_pass(name), answer.stdout + answer.stderr)
                self.assertIn(answer.returncode, (0, 1, 2))

    @unittest.skipUnless(promtool_is_there(), "needs promtool 2.42")
    def test_promtool_says_the_same_about_each(self):
        for name in names("*.yml"):
            with self.subTest(name):
                answer = run(["promtool", "test", "rules", name])
                self.assertEqual(answer.returncode == 0, must_pass(name), answer.stdout + answer.stderr)


class Reports(unittest.TestCase):
    def test_each_failure_is_told_exactly_so(self):
        for name in names("fail-*.yml") + names("ours/fail-*.yml"):
            with self.subTest(name):
                answer = sidewatch_test(name)
                said = answer.stdout + answer.stderr + f"exit code {answer.returncode}\n"
                path = os.path.join(CASES, name[:-len(".yml")] + ".expected")
                if UPDATE:
                    with open(path, "w") as file:
                        file.write(said)
                with open(path) as file:
                    self.assertEqual(said, file.read())

    def test_each_expectation_has_its_file(self):
        for path in names("*.expected") + names("ours/*.expected"):
            self.assertTrue(os.path.exists(os.path.join(CASES, path[:-len(".expected")] + ".yml")), path)

    def test_several_files_are_summed_up(self):
        answer = sidewatch_test("pass-notation.yml", "fail-wrong-value.yml", "pass-absent.yml")
        self.assertEqual(answer.returncode, 1)
        self.assertRegex(answer.stdout, r"(?m)^pass-notation\.yml: ok \(1 test, 15 checks\)$")
        self.assertRegex(answer.stdout, r"(?m)^fail-wrong-value\.yml: 1 FAILED \(1 test, 2 checks\)$")
        self.assertTrue(answer.stdout.endswith("\n4 tests, 1 failed\n"), answer.stdout)

    def test_a_file_that_is_wrong_does_not_keep_the_others_from_running(self):
        answer = sidewatch_test("fail-bad-notation.yml", "no-such-file.yml", "fail-wrong-value.yml")
        self.assertEqual(answer.returncode, 2)
        self.assertIn("no-such-file.yml: there is no such file\n", answer.stderr)
        self.assertIn("fail-bad-notation.yml:5:23: ", answer.stderr)
        self.assertIn("fail-wrong-value.yml: 1 FAILED", answer.stdout)


class EveryExpectationCounts(unittest.TestCase):
    """One value, label or annotation after the other is made wrong: the file must then fail, in both programs."""

    promtool = promtool_is_there()
    MUTATIONS = [
        (r"\bvalue: (-?[0-9]+(?:\.[0-9]+)?(?:e[0-9]+)?)", lambda found: f"value: {float(found[1]) + 1}"),
        (r"exp_labels: \{", lambda found: "exp_labels: {one_more: label, "),
        (r"exp_annotations: \{", lambda found: "exp_annotations: {one_more: annotation, "),
        (r"(summary|description|binary|labels|sorted): (?=[\"a-zA-Z0-9])", lambda found: f"{found[1]}_: "),
        (r"exp_samples: \[\]", lambda found: "exp_samples: [{labels: one_more, value: 1}]"),
    ]

    def mutants(self, text):
        body = text[text.index("tests:"):]
        start = len(text) - len(body)
        for pattern, replacement in self.MUTATIONS:
            for found in re.finditer(pattern, body):
                line = body[body.rfind("\n", 0, found.start()) + 1:body.find("\n", found.start())]
                if line.lstrip().startswith("- expr") and "labels" in found[0] and "exp_labels" not in found[0]:
                    continue
                if "labels: 'ALERTS" in line or re.search(r"\blabels: ", found[0]):
                    continue
                yield text[:start + found.start()] + replacement(found) + text[start + found.end():]

    def test_in_every_file_that_passes(self):
        count = 0
        with tempfile.TemporaryDirectory(prefix="sidewatch-test-") as directory:
            os.symlink(os.path.join(CASES, "rules"), os.path.join(directory, "rules"))
            for name in names("pass-*.yml"):
                with open(os.path.join(CASES, name)) as file:
                    text = file.read()
                for mutant in self.mutants(text):
                    path = os.path.join(directory, "mutant.yml")
                    with open(path, "w") as file:
                        file.write(mutant)
                    count += 1
                    with self.subTest(f"{name}, change {count}"):
                        answer = sidewatch_test(path, directory=directory)
                        self.assertEqual(answer.returncode, 1, mutant + answer.stdout + answer.stderr)
                        if self.promtool:
                            answer = run(["promtool", "test", "rules", path], directory)
                            self.assertEqual(answer.returncode, 1, mutant + answer.stdout + answer.stderr)
        self.assertGreater(count, 60)


class Documentation(unittest.TestCase):
    def test_the_example_does_and_says_what_is_shown(self):
        with open(os.path.join(ROOT, "docs", "testing-rules.md")) as file:
            document = file.read()
        rules, tests = re.findall(r"^```\n(.*?)^```", document, re.M | re.S)[:2]
        shown = re.findall(r"(?:^    .*\n)+", re.sub(r"(?ms)^```.*?^```", "", document), re.M)
        with tempfile.TemporaryDirectory(prefix="sidewatch-test-") as directory:
            def write(name, text):
                with open(os.path.join(directory, name), "w") as file:
                    file.write(text)
            write("memory.yml", rules)
            write("memory.test.yml", tests)
            answer = sidewatch_test("memory.test.yml", directory=directory)
            self.assertEqual(answer.stdout + answer.stderr, shown[1].replace("    ", "", 1))
            write("memory.test.yml", tests.replace("severity: page", "severity: warning"))
            answer = sidewatch_test("memory.test.yml", directory=directory)
            self.assertEqual(answer.stdout, re.sub(r"(?m)^    ", "", shown[2]))


if __name__ == "__main__":
    unittest.main()
