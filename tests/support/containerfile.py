"""A Containerfile carried out without a container engine: each stage is a folder, RUN runs in it, COPY copies.

It knows the instructions that the project's file uses and ends at any other, and at any form of one that it does not
know, so that the file cannot come to say what nobody has tried.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess


class Instruction:
    def __init__(self, line):
        self.name, _, self.rest = line.partition(" ")
        self.flags = {}
        self.words = self.rest
        while self.words.startswith("--"):
            flag, _, self.words = self.words.partition(" ")
            name, _, value = flag[2:].partition("=")
            self.flags[name] = value

    def __repr__(self):
        return f"{self.name} {self.rest}"


def read(path):
    with open(path) as file:
        text = re.sub(r"\\\n", " ", "".join(line for line in file if not line.startswith("#")))
    return [Instruction(" ".join(line.split())) for line in text.splitlines() if line.strip()]


def context(root, ignore_file):
    """The files that an engine would send: all of the folder but what the ignore file names."""
    with open(ignore_file) as file:
        patterns = [line.strip() for line in file if line.strip() and not line.startswith("#")]

    def is_ignored(path):
        return any(fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch("/" + path, "/" + pattern.replace("**/", "*/")) or
                   fnmatch.fnmatch(path, pattern.replace("**/", "")) for pattern in patterns)

    found = []
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        here = "" if inside == "." else inside + "/"
        folders[:] = [name for name in folders if not is_ignored(here + name)]
        found += [here + name for name in files if not is_ignored(here + name)]
    return sorted(found)


class Image:
    """What the last stage came to."""

    def __init__(self, root):
        self.root = root
        self.settings = {"USER": "0:0", "ENTRYPOINT": [], "CMD": [], "EXPOSE": [], "VOLUME": [], "HEALTHCHECK": None}


class Builder:
    """`base(image)` makes a root for FROM; `run(root, workdir, command)` does RUN."""

    def __init__(self, source, ignore_file, folder, base, run):
        self.source, self.ignore_file, self.folder = source, ignore_file, folder
        self.base, self.run = base, run
        self.stages = {}

    def build(self, instructions):
        root, workdir, image = None, "/", None
        for instruction in instructions:
            name, words = instruction.name, instruction.words
            if name == "FROM":
                base, _, stage = words.partition(" AS ")
                root, workdir = self.base(base), "/"
                image = Image(root)
                self.stages[stage] = root
            elif name == "WORKDIR":
                workdir = words
                os.makedirs(root + workdir, exist_ok=True)
            elif name == "RUN":
                self.run(root, workdir, words)
            elif name == "COPY":
                self.copy(instruction, root, workdir)
            elif name in ("ENTRYPOINT", "CMD"):
                image.settings[name] = json.loads(words)  # only the form without a shell
            elif name == "HEALTHCHECK":
                kind, _, command = words.partition(" ")
                assert kind == "CMD", instruction
                image.settings[name] = json.loads(command)
            elif name in ("EXPOSE", "VOLUME"):
                image.settings[name] += words.split()
            elif name == "USER":
                assert re.fullmatch(r"\d+:\d+", words), f"{instruction}: a number, so that runAsNonRoot can see it"
                image.settings[name] = words
            else:
                raise AssertionError(f"what does an engine do with {instruction}?")
        return image

    def copy(self, instruction, root, workdir):
        assert set(instruction.flags) <= {"from"}, instruction
        *sources, target = shlex.split(instruction.words)
        target = os.path.normpath(os.path.join(workdir, target))
        if "from" in instruction.flags:
            source, = sources
            from_root = self.stages[instruction.flags["from"]]
            subprocess.run(["cp", "-a", f"{from_root}{source}/.", root + target], check=True)
            return
        for source in sources:
            names = context(self.source, self.ignore_file)
            if source == ".":
                pairs = [(name, os.path.join(target, name)) for name in names]
            else:
                assert source in names, f"{instruction}: {source} is not in the context"
                pairs = [(source, target)]
            for name, to in pairs:
                os.makedirs(os.path.dirname(root + to), exist_ok=True)
                shutil.copy2(os.path.join(self.source, name), root + to, follow_symlinks=False)
