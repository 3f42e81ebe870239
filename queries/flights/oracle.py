#!/usr/bin/env python3
"""The alerts of flights.siddhi, computed without the engine.

Run: python3 queries/flights/oracle.py              for sample.csv, writes expected/
     python3 queries/flights/oracle.py FILE.parquet for parts of the whole file, writes whole.csv
                                                    (needs pyarrow)

whole.csv says how many alerts of each stream the first N rows give, and a hash of them (FNV-1a, 64
bit, of lines `time,value,…`, each with its newline); spread is left out of it, as the last digits of a
standard deviation depend on how it is computed.
"""
import bisect
import csv
import pathlib
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent))
from oracle import HOUR, MINUTE, Alerts, cell, mean, read


def detect(flights):
    """Alerts of a list of (date, delay, distance, origin, destination)."""
    hours = Alerts("LateHours", "origin", "flights", "meanDelay", "worst")
    jams = Alerts("Jams", "origin", "meanBefore", "mean", "spread")
    cascades = Alerts(
        "Cascades", "origin", "second", "third", "destination",
        "firstDelay", "secondDelay", "thirdDelay", "hours",
    )  # fmt: skip

    # Hours from the first flight on; the last one is not over when the flights end.
    batches = {}
    for flight in flights:
        batches.setdefault((flight[0] - flights[0][0]) // HOUR, []).append(flight)
    for batch in list(batches.values())[:-1]:
        origins = {}
        for flight in batch:
            origins.setdefault(flight[3], []).append(flight)
        late = []
        for origin, theirs in origins.items():
            delays = [flight[1] for flight in theirs]
            if len(delays) >= 10 and mean(delays) > 50:
                late.append((theirs[-1][0], origin, len(delays), mean(delays), max(delays)))
        for row in sorted(late, key=lambda row: -row[3])[:3]:
            hours.add(*row)

    recent, before = {}, {}
    for date, delay, _, origin, _ in flights:
        delays = recent.setdefault(origin, [])
        delays.append(delay)
        del delays[:-20]
        now = mean(delays)
        if len(delays) == 20 and now > 75 and before[origin] <= 75:
            variance = mean(d * d for d in delays) - now * now
            jams.add(date, origin, before[origin], now, variance**0.5)
        before[origin] = now

    # Late flights: (date, delay, origin, destination, departure, arrival).
    late = [
        (date, delay, origin, to, date + delay * MINUTE, date + (delay + miles // 8 + 30) * MINUTE)
        for date, delay, miles, origin, to in flights
        if delay >= 150
    ]
    by_origin = {}
    for i, flight in enumerate(late):
        by_origin.setdefault(flight[2], []).append(i)

    def follower(i, since):
        """The first late flight that carries the delay of flight i on, within 12 hours of `since`."""
        first = late[i]
        there = by_origin.get(first[3], [])
        for j in there[bisect.bisect(there, i) :]:
            date, delay, _, _, departure, _ = late[j]
            if date - since > 12 * HOUR:
                return None
            waited = departure - first[5]
            if delay >= first[1] and date < first[5] and 0 <= waited < 2 * HOUR:
                return j
        return None

    found = []
    for i, e1 in enumerate(late):
        if (j := follower(i, e1[0])) is not None and (k := follower(j, e1[0])) is not None:
            found.append((k, j, i))
    for k, j, i in sorted(found):  # what one flight completes: first what was half complete first
        e1, e2, e3 = late[i], late[j], late[k]
        gap = (e3[0] - e1[0]) / HOUR
        cascades.add(e3[0], e1[2], e2[2], e3[2], e3[3], e1[1], e2[1], e3[1], gap)
    return hours, jams, cascades


def fingerprint(alerts):
    value = 0xCBF29CE484222325
    for row in alerts.rows:
        kept = [v for name, v in zip(["@time", *alerts.attributes], row) if name != "spread"]
        for byte in (",".join(str(cell(v)) for v in kept) + "\n").encode():
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


if len(sys.argv) == 1:
    rows = read(here / "sample.csv", date=int, delay=int, distance=int)
    for alerts in detect([tuple(row.values()) for row in rows]):
        alerts.write(here)
else:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(sys.argv[1])
    dates = table["date"].cast(pyarrow.int64()).to_pylist()
    rest = [table[c].to_pylist() for c in ("delay", "distance", "origin", "destination")]
    flights = list(zip((d // 1000 for d in dates), *rest))
    with open(here / "whole.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["rows", "stream", "alerts", "hash"])
        for rows in (150_000, 600_000, len(flights)):
            for alerts in detect(flights[:rows]):
                out.writerow([rows, alerts.stream, len(alerts.rows), f"{fingerprint(alerts):016x}"])
