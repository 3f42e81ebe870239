"""What the oracles share: reading inputs, sliding windows, writing expected output.

An oracle computes the alerts of an application from what its rules mean, in plain Python, without
the engine. It writes expected/<Stream>.csv, one file for each stream of alerts: `@time` (the event
time of the alert, ms since the epoch) and the attributes. An empty cell is a null. tests/queries.rs
holds the engine to these files.
"""
import csv
import pathlib
from collections import deque

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def read(path, **types):
    """The rows as dictionaries; columns named in `types` are converted, an empty cell is None."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for name, convert in types.items():
                row[name] = convert(row[name]) if row[name] != "" else None
            yield row


class Alerts:
    """Rows of one stream of alerts."""

    def __init__(self, stream, *attributes):
        self.stream, self.attributes, self.rows = stream, attributes, []

    def add(self, time, *values):
        assert len(values) == len(self.attributes), (self.stream, values)
        self.rows.append((time, *values))

    def write(self, directory):
        path = pathlib.Path(directory) / "expected"
        path.mkdir(exist_ok=True)
        with open(path / f"{self.stream}.csv", "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["@time", *self.attributes])
            out.writerows([cell(v) for v in row] for row in self.rows)
        print(f"{len(self.rows):6} {self.stream}")


def cell(value):
    """A value as text; floats so that nothing is lost."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else value


class Recent:
    """The events of the last `span` ms: one is out as soon as it is `span` old."""

    def __init__(self, span):
        self.span, self.events = span, deque()

    def add(self, time, event):
        self.at(time)
        self.events.append((time, event))
        return self

    def at(self, now):
        while self.events and self.events[0][0] + self.span <= now:
            self.events.popleft()
        return self

    def __iter__(self):
        return (event for _, event in self.events)

    def __len__(self):
        return len(self.events)


def mean(values):
    values = list(values)
    return sum(values) / len(values)
