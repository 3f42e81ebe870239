#!/usr/bin/env python3
"""The alerts of sensor_anomaly.siddhi, computed without the engine.

Run: python3 queries/sensor_anomaly/oracle.py
"""
import pathlib
import statistics
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent))
from oracle import MINUTE, SECOND, Alerts, Recent, read

readings = list(read(here / "readings.csv", time=int, temperature=float))
valid = [r for r in readings if r["temperature"] is not None]
place = {id(r): n for n, r in enumerate(valid)}

outliers = Alerts("Outliers", "sensor", "temperature", "mean", "deviation")
stuck = Alerts("Stuck", "sensor", "temperature", "since")
silent = Alerts("Silent", "sensor")
gaps = Alerts("Gaps", "sensor", "minutes")
heating = Alerts("Heating", "sensor", "low", "high", "turned", "minutes")
disagreements = Alerts("Disagreements", "rack", "sensor", "other", "difference")

found = {alerts.stream: [] for alerts in (outliers, stuck, gaps, heating)}
for sensor in sorted({r["sensor"] for r in valid}):
    mine = [r for r in valid if r["sensor"] == sensor]
    values = [r["temperature"] for r in mine]
    times = [r["time"] for r in mine]

    def note(alerts, i, *rest):
        found[alerts.stream].append((place[id(mine[i])], times[i], sensor, *rest))

    for i, value in enumerate(values):
        if i >= 40:
            before = values[i - 40 : i]
            mean, deviation = statistics.fmean(before), statistics.pstdev(before)
            if abs(value - mean) > max(5 * deviation, 0.5):
                note(outliers, i, value, mean, deviation)
        # The twelfth of equal values; the one before them is another.
        if i >= 12 and len(set(values[i - 11 : i + 1])) == 1 and values[i - 12] != value:
            note(stuck, i, value, times[i - 11])
        if i >= 1 and times[i] - times[i - 1] > 5 * MINUTE:
            note(gaps, i, (times[i] - times[i - 1]) / MINUTE)

    start = 0  # of the present rise
    for i in range(1, len(values)):
        if values[i] <= values[i - 1]:
            if i - 1 - start >= 6 and values[i - 1] - values[start] >= 3:
                minutes = (times[i - 1] - times[start]) / MINUTE
                note(heating, i, values[start], values[i - 1], values[i], minutes)
            start = i
for alerts in (outliers, stuck, gaps, heating):
    for _, *row in sorted(found[alerts.stream]):
        alerts.add(*row)

# Five minutes at a time, from the first reading on; the last ones are not over.
begin, over = readings[0]["time"], readings[-1]["time"]
before, end = [], begin + 5 * MINUTE
while end <= over:
    now = [r["sensor"] for r in readings if end - 5 * MINUTE <= r["time"] < end]
    for sensor in dict.fromkeys(before):
        if sensor not in now:
            silent.add(end, sensor)
    before, end = now, end + 5 * MINUTE

recent = Recent(20 * SECOND)
for b in valid:
    for a in recent.at(b["time"]):
        difference = abs(a["temperature"] - b["temperature"])
        if a["rack"] == b["rack"] and a["sensor"] != b["sensor"] and difference > 6:
            disagreements.add(b["time"], b["rack"], b["sensor"], a["sensor"], difference)
    recent.add(b["time"], b)

for alerts in (outliers, stuck, silent, gaps, heating, disagreements):
    alerts.write(here)
