#!/usr/bin/env python3
"""Asks a real Prometheus and our evaluator the same questions about the same samples and compares the answers.

    compare_promql.py ANSWERS CASES [FILE...]

ANSWERS is the program tests/metrics/promql/answers.cpp. CASES is a folder: series.jsonl has the samples as JSON lines,
corpus/*.txt the expressions (see its README.md; with FILEs only those), differences.txt those that are known to be
answered differently. Values must be equal bit for bit (but for sums and what the mathematical library computes: to
within rounding), label sets, types, kinds of error and the order of sorted samples equal, errors the same text at the
same place. Exit code 77 (skip) without a prometheus of the version whose rules we follow.
"""
import collections
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

from prometheus import Prometheus, version

BASE_MS = 1_700_000_000_000
INSTANTS_S = [0, 20, 59.5, 300, 601.001, 900, 1195, 1500, 2400]
RANGES_S = [  # start, end, step
    (0, 1200, 60), (59.5, 1195.25, 17.3), (0, 3000, 600), (300, 310, 15), (-300, 900, 45), (595, 606.5, 0.5),
]
REFUSED_RANGES_S = [(10, 0, 1), (0, 10, 0), (0, 10, -1), (0, 11000, 0.999), (0, 11000, 1), (0, 11001, 1)]
MAX_SHOWN = 200
MAX_SHOWN_OF_AN_EXPRESSION = 2

# Whose last digits depend on the mathematical library, or on the order in which series are added up.
ROUNDED = re.compile(r"\b(exp|ln|log2|log10|a?sinh?|a?cosh?|a?tanh?|atan2|sum|avg|stddev|stdvar)\b|\^", re.I)
ORDERED = re.compile(r"(sort|sort_desc|topk|bottomk) ?\(")

# What is said otherwise on purpose: the text of Go's libraries, Prometheus's column after a stray parenthesis.
OTHER_WORDS = [
    r"error parsing regexp:", r"error parsing number:", r"timestamp out of bounds", r"unexpected right parenthesis",
]


def to_ms(seconds):
    return BASE_MS + round(seconds * 1000)


def load_series(path):
    """Each line: {"name", "labels", "start", "step", "values"}; seconds from the base; null is no sample."""
    all_series = []
    for line in open(path, encoding="utf-8"):
        if not line.strip() or line.startswith("#"):
            continue
        series = json.loads(line)
        series["samples"] = [(to_ms(series["start"] + i * series["step"]), value)
                             for i, value in enumerate(series["values"]) if value is not None]
        all_series.append(series)
    return all_series


def load_expressions(path):
    lines = (line.rstrip("\n") for line in open(path, encoding="utf-8"))
    return [line.replace("<nl>", "\n") for line in lines if line and not line.startswith("#")]


class Question:
    """Of an expression at one instant (milliseconds), over a range: (start, end, step), or how it is formatted: None."""

    def __init__(self, expression, when):
        self.expression = expression
        self.when = when

    def line(self):
        text = self.expression.encode().hex()
        if self.when is None:
            return f"format\t{text}"
        if isinstance(self.when, tuple):
            return "\t".join(["range", *map(str, self.when), text])
        return f"query\t{self.when}\t{text}"

    def ask(self, prometheus):
        if self.when is None:
            answer = prometheus.post("/api/v1/format_query", query=self.expression)
        elif isinstance(self.when, tuple):
            start, end, step = self.when
            answer = prometheus.post("/api/v1/query_range", query=self.expression, start=f"{start / 1000:.3f}",
                                     end=f"{end / 1000:.3f}", step=f"{step / 1000:.3f}")
        else:
            answer = prometheus.post("/api/v1/query", query=self.expression, time=f"{self.when / 1000:.3f}")
        if answer["status"] == "error":
            text = re.sub(r'^invalid parameter "\w+": |^expanding series: ', "", answer["error"])
            return {"error": text, "kind": answer["errorType"]}
        data = answer["data"]
        if self.when is None:
            return {"type": "string", "result": [data]}
        return {"type": data["resultType"], "result": normal(data["resultType"], data["result"])}

    def place(self):
        if self.when is None:
            return "formatted"
        if isinstance(self.when, tuple):
            start, end, step = self.when
            return f"from {(start - BASE_MS) / 1000} s to {(end - BASE_MS) / 1000} s by {step / 1000} s"
        return f"at {(self.when - BASE_MS) / 1000} s"


def normal(kind, result):
    if kind == "string":
        return [result[1]]
    if kind == "scalar":
        return [({}, [result])]
    return [(s["metric"], s["values"] if kind == "matrix" else [s["value"]]) for s in result]


def questions_about(expression):
    return ([Question(expression, None)] + [Question(expression, to_ms(s)) for s in INSTANTS_S] +
            [Question(expression, (to_ms(start), to_ms(end), round(step * 1000))) for start, end, step in RANGES_S])


def our_answers(program, all_series, questions):
    lines = []
    for series in all_series:
        labels = [part.encode().hex() for label in series["labels"].items() for part in label]
        lines.append("\t".join(["series", series["name"].encode().hex(), *labels]))
        lines += [f"sample\t{ms}\t{value}" for ms, value in series["samples"]]
    lines += [question.line() for question in questions]
    done = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        sys.exit(f"{program} ended with {done.returncode}: {done.stderr}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(questions), f"{len(answers)} answers to {len(questions)} questions"
    return answers


def same_number(a, b, tolerance):
    a, b = float(a), float(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or math.isclose(a, b, rel_tol=tolerance, abs_tol=0)


def same_error(ours, theirs):
    if ours["kind"] != theirs["kind"]:
        return False
    our_text, their_text = ours["error"], theirs["error"]
    if any(re.search(words, our_text) and re.search(words, their_text) for words in OTHER_WORDS):
        return True
    # Which of two duplicates Prometheus names first depends on its index.
    return our_text == their_text or our_text.split("operation: [")[0] == their_text.split("operation: [")[0]


def by_labels(result):
    return sorted(result, key=lambda entry: sorted(entry[0].items()))


def same_order(expression, ours, theirs):
    """Which of equal values stands first is nobody's promise."""
    if not ORDERED.match(expression):
        return True
    values = [[float(points[0][1]) for _, points in answer["result"]] for answer in (ours, theirs)]
    return all(same_number(a, b, 0) for a, b in zip(*values))


def same_answer(question, ours, theirs):
    if "error" in ours or "error" in theirs:
        return "error" in ours and "error" in theirs and same_error(ours, theirs)
    if ours["type"] != theirs["type"] or len(ours["result"]) != len(theirs["result"]):
        return False
    if ours["type"] == "string":
        return ours["result"] == theirs["result"]
    tolerance = 1e-13 if ROUNDED.search(question.expression) else 0
    for (labels, points), (their_labels, their_points) in zip(by_labels(ours["result"]), by_labels(theirs["result"])):
        if labels != their_labels or len(points) != len(their_points):
            return False
        for (_, value), (_, their_value) in zip(points, their_points):
            if not same_number(value, their_value, tolerance):
                return False
        if ours["type"] == "matrix" and [ms for ms, _ in points] != [round(s * 1000) for s, _ in their_points]:
            return False
    return ours["type"] != "vector" or same_order(question.expression, ours, theirs)


class Report:
    def __init__(self):
        self.asked = self.differing = 0
        self.expressions = collections.Counter()  # that are answered differently

    def add(self, question, ours, theirs, agree):
        self.asked += 1
        if agree:
            return
        self.differing += 1
        self.expressions[question.expression] += 1
        if self.expressions[question.expression] > MAX_SHOWN_OF_AN_EXPRESSION:
            return
        if self.differing <= MAX_SHOWN:
            print(f"{question.expression}\n  {question.place()}\n  ours:   {str(ours)[:600]}\n"
                  f"  theirs: {str(theirs)[:600]}")


def compare(program, cases, files, prometheus):
    all_series = load_series(cases / "series.jsonl")
    prometheus.write(all_series)
    report = Report()
    for path in files:
        questions = [q for expression in load_expressions(path) for q in questions_about(expression)]
        before = report.differing
        for question, ours in zip(questions, our_answers(program, all_series, questions)):
            theirs = question.ask(prometheus)
            report.add(question, ours, theirs, same_answer(question, ours, theirs))
        print(f"{path.name}: {len(questions) - (report.differing - before)} of {len(questions)} answers agree")

    refused = [Question("up", (to_ms(a), to_ms(b), round(step * 1000))) for a, b, step in REFUSED_RANGES_S]
    for question, ours in zip(refused, our_answers(program, all_series, refused)):
        theirs = question.ask(prometheus)
        report.add(question, ours, theirs, same_answer(question, ours, theirs))

    for expression in load_expressions(cases / "differences.txt"):
        questions = questions_about(expression)
        answers = our_answers(program, all_series, questions)
        if all(same_answer(q, ours, q.ask(prometheus)) for q, ours in zip(questions, answers)):
            report.differing += 1
            print(f"{expression}\n  is answered alike, so that it does not belong into differences.txt")
    return report


def main():
    program, cases = sys.argv[1], pathlib.Path(sys.argv[2])
    files = [pathlib.Path(name) for name in sys.argv[3:]] or sorted((cases / "corpus").glob("*.txt"))
    if not version().startswith("prometheus, version 2.42."):
        print("skipped: needs prometheus 2.42, found", version() or "none")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="sidewatch-promql-") as directory:
        prometheus = Prometheus(directory)
        try:
            report = compare(program, cases, files, prometheus)
        finally:
            prometheus.stop()
    agreeing = report.asked - report.differing
    print(f"{agreeing} of {report.asked} answers agree: {100 * agreeing / report.asked:.2f} %")
    sys.exit(1 if report.differing else 0)


main()
