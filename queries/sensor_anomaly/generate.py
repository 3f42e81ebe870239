#!/usr/bin/env python3
"""Writes readings.csv: 8 hours of 12 sensors, with labelled faults.

Only random.random() is used, whose sequence for a seed is the same in every version of Python.

Run: python3 queries/sensor_anomaly/generate.py
"""
import csv
import math
import pathlib
import random

random.seed(273)
START, MINUTE = 1_720_000_000_000, 60_000
HOURS = 8


def below(n):
    return int(random.random() * n)


readings = []
for n in range(12):
    sensor, rack = f"t{n:02}", f"r{n // 2}"
    base = 21 + n // 2 * 0.4
    time = START + below(30_000)
    stuck_at, stuck_from = None, START + (2 + n) * 35 * MINUTE if n % 5 == 1 else None
    silent = [(START + (90 + n * 25) * MINUTE, 4 + n)] if n % 3 == 2 else []
    heat = START + (200 + 17 * n) * MINUTE if n % 4 == 0 else None
    offset = START + 300 * MINUTE if n in (6, 9) else None
    count = 0
    while time < START + HOURS * 60 * MINUTE:
        count += 1
        slow = 0.8 * math.sin((time - START) / MINUTE / 110 + n)
        value, label = base + slow + 0.3 * (random.random() + random.random() - 1), "normal"
        if below(400) == 0:
            value, label = value + (2.5 if below(2) else -2.5) * (1 + random.random()), "outlier"
        elif below(300) == 0:
            value, label = value + 0.45, "a little high"
        if heat and 0 <= time - heat < 6 * MINUTE:
            value, label = base + 0.6 + (time - heat) / MINUTE * 0.9, "heat"
        if heat and 0 <= time - heat - 60 * MINUTE < 5 * MINUTE:  # rises, but only by a little
            value, label = base + (time - heat - 60 * MINUTE) / MINUTE * 0.3, "warm"
        if offset and 0 <= time - offset < 4 * MINUTE:
            value, label = value + 7, "offset"
        if stuck_from and 0 <= time - stuck_from < (10 if n != 6 else 4) * MINUTE:
            stuck_at = stuck_at or value  # four minutes are not enough
            value, label = stuck_at, "stuck"
        text = f"{value:.2f}"
        if label == "normal" and below(250) == 0:
            text, label = "", "broken"
        readings.append((time, sensor, rack, text, label))
        time += 25_000 + below(10_000)
        for since, minutes in silent:
            if time >= since:
                silent = []
                time += minutes * MINUTE

readings.sort()
with open(pathlib.Path(__file__).parent / "readings.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["time", "sensor", "rack", "temperature", "label"])
    out.writerows(readings)
