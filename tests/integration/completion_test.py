#!/usr/bin/env python3
"""The completions that the program prints, in the shells themselves: what is offered is what --help says there is."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support.harness import BINARY  # noqa: E402


def said(*words):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, check=True, timeout=60).stdout


def commands(*within):
    """The commands within a command, such as `ls` and `add` within `silence`; of the program without one."""
    listed = said(*within, "--help").partition("\nSubcommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z-]+) ", listed, re.M)


def all_commands(*within):
    """Each as its words."""
    found = []
    for name in commands(*within):
        found += [[*within, name], *all_commands(*within, name)]
    return found


def options(command):
    return set(re.findall(r"(?:^  |,)(--?[a-z-]+)(?=[ ,]|$)",
                          "\n".join(re.findall(r"^  -.*?(?:  |$)", said(*command, "--help"), re.M)), re.M))


BASH = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
compopt() { :; }
_sidewatch
printf '%s\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sidewatch-test-")
        self.addCleanup(directory.cleanup)
        self.folder = directory.name
        self.scripts = {}
        for shell in ("bash", "zsh", "fish"):
            self.scripts[shell] = os.path.join(self.folder, shell)
            with open(self.scripts[shell], "w") as file:
                file.write(said("reference", "--completion", shell))
        for name in ("one file.yaml", "other.yaml"):
            with open(os.path.join(self.folder, name), "w"):
                pass

    def bash(self, *words):
        answer = subprocess.run(["bash", "--norc", "-c", BASH, "bash", self.scripts["bash"], *words], cwd=self.folder,
                                capture_output=True, text=True, timeout=60)
        self.assertEqual((answer.returncode, answer.stderr), (0, ""), words)
        return {line for line in answer.stdout.splitlines() if line}

    def fish(self, *words):
        line = " ".join(words)
        answer = subprocess.run(["fish", "--no-config", "-c", f"source {self.scripts['fish']}; complete -C '{line}'"],
                                cwd=self.folder, capture_output=True, text=True, timeout=60,
                                env=dict(os.environ, HOME=self.folder, TERM="dumb"))
        self.assertEqual((answer.returncode, answer.stderr), (0, ""), words)
        return {line.partition("\t")[0] for line in answer.stdout.splitlines() if line}

    def test_every_shell_reads_its_script(self):
        for shell, path in self.scripts.items():
            if shutil.which(shell):
                answer = subprocess.run([shell, "-n", path], capture_output=True, text=True, timeout=60)
                self.assertEqual((answer.returncode, answer.stderr), (0, ""), shell)

    def test_bash_offers_the_commands_and_their_options_and_no_others(self):
        self.assertEqual(self.bash("sidewatch", ""), set(commands()))
        self.assertEqual(self.bash("sidewatch", "che"), {"check"})
        for command in all_commands():
            self.assertEqual(self.bash("sidewatch", *command, "-"), options(command), command)
            if commands(*command):
                self.assertEqual(self.bash("sidewatch", *command, ""), set(commands(*command)), command)

    def test_bash_offers_what_an_option_takes(self):
        self.assertEqual(self.bash("sidewatch", "run", "--config", "o"), {"one file.yaml", "other.yaml"})
        self.assertEqual(self.bash("sidewatch", "run", "--config", "=", "ot"), {"other.yaml"})
        self.assertEqual(self.bash("sidewatch", "check", "on"), {"one file.yaml"})
        self.assertEqual(self.bash("sidewatch", "reference", "--completion", ""), {"bash", "zsh", "fish"})
        self.assertEqual(self.bash("sidewatch", "query", "--range", ""), set(), "only the person knows")

    @unittest.skipUnless(shutil.which("fish"), "needs fish")
    def test_fish_offers_the_commands_and_their_options_and_no_others(self):
        self.assertEqual(self.fish("sidewatch", ""), set(commands()))
        for command in all_commands():
            offered = {name for name in self.fish("sidewatch", *command, "--") if name.startswith("--")}
            self.assertEqual(offered, {name for name in options(command) if name.startswith("--")}, command)
            if commands(*command):
                self.assertEqual(self.fish("sidewatch", *command, ""), set(commands(*command)), command)
        self.assertEqual(self.fish("sidewatch", "reference", "--completion", ""), {"bash", "zsh", "fish"})
        self.assertEqual(self.fish("sidewatch", "run", "--config", "ot"), {"other.yaml"})

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_zsh_offers_the_commands_and_their_options_and_no_others(self):
        """_arguments and _describe of zsh only work in its line editor; here they are asked what they were given."""
        program = ("_arguments() { print -rl -- \"$@\"; state=$want }; _describe() { print -rl -- \"${(@P)2}\" }\n"
                   f"compdef() {{ : }}; want=; source {self.scripts['zsh']}; print '===='; ")

        def given(code):
            answer = subprocess.run(["zsh", "-f", "-c", program + code], capture_output=True, text=True, timeout=60)
            self.assertEqual((answer.returncode, answer.stderr), (0, ""), code)
            return answer.stdout.partition("====\n")[2].splitlines()

        offered = [line.partition(":")[0] for line in given("want=command; _sidewatch") if re.match(r"[a-z-]+:", line)]
        self.assertEqual(set(offered), set(commands()))
        for command in all_commands():
            lines = given("_sidewatch_" + "_".join(command).replace("-", "_"))
            self.assertEqual({re.match(r"[-a-z]+", line)[0] for line in lines if re.match("--?[a-z]", line)} - {"-C"},
                             options(command), command)
        self.assertIn("bash zsh fish", "".join(given("_sidewatch_reference")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
