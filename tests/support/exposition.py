"""Pages in Prometheus' text format, taken apart, and two of them held against each other."""

import re

SERIES = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Page:
    """`values`: {(name, ((label, value), ...)): number}; `types`: {family: type}."""

    def __init__(self, text, without_labels=()):
        self.values = {}
        self.types = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ", 3)
                self.types[name] = kind
            if line.startswith("#") or not line:
                continue
            found = SERIES.match(line)
            if not found:
                raise AssertionError(f"not a sample: {line}")
            labels = tuple(sorted((key, value) for key, value in LABEL.findall(found[2] or "")
                                  if key not in without_labels))
            self.values[(found[1], labels)] = float(found[3])

    def names(self):
        return {name for name, _ in self.values}

    def label_sets(self, name):
        return {labels for other, labels in self.values if other == name}

    def value(self, name, /, **labels):
        """The one value of `name` whose labels include these; AssertionError unless there is exactly one."""
        found = self.matching(name, **labels)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} series match {name} {labels}")
        return found[0]

    def matching(self, name, /, **labels):
        return [value for (other, have), value in self.values.items()
                if other == name and set(labels.items()) <= set(have)]


def compare(ours, theirs, reasons):
    """What the page `theirs` has and `ours` lacks or has otherwise (names, types, label sets), as lines of text.

    `reasons`: {pattern: why}; a difference whose line matches a pattern (whole) is left out. Returns (differences,
    patterns that matched nothing): both must be empty, so that no reason outlives its difference.
    """
    lines = []
    for name in sorted(theirs.names()):
        if name not in ours.names():
            lines.append(f"{name}: missing")
            continue
        their_type, our_type = theirs.types.get(name), ours.types.get(name)
        if their_type and our_type and their_type != our_type:
            lines.append(f"{name}: type {our_type} and not {their_type}")
        for labels in sorted(theirs.label_sets(name) - ours.label_sets(name)):
            lines.append(f"{name}{{{','.join(f'{key}={value}' for key, value in labels)}}}: missing")
        for labels in sorted(ours.label_sets(name) - theirs.label_sets(name)):
            lines.append(f"{name}{{{','.join(f'{key}={value}' for key, value in labels)}}}: ours alone")
    used = set()
    left = []
    for line in lines:
        matching = [pattern for pattern in reasons if re.fullmatch(pattern, line)]
        used.update(matching)
        if not matching:
            left.append(line)
    return left, sorted(set(reasons) - used)
