#!/usr/bin/env python3
"""Writes payments.csv: two days of payments with 300 cards, and labelled fraud among them.

Only random.random() is used, whose sequence for a seed is the same in every version of Python.

Run: python3 queries/card_fraud/generate.py
"""
import csv
import pathlib
import random

random.seed(4711)
START, DAY, MINUTE = 1_700_000_000_000, 86_400_000, 60_000
CITIES = {
    "Berlin": (52.52, 13.405), "Hamburg": (53.551, 9.994), "Munich": (48.137, 11.575),
    "Cologne": (50.938, 6.96), "Dresden": (51.05, 13.737), "Paris": (48.857, 2.352),
    "Lisbon": (38.722, -9.139), "New York": (40.713, -74.006), "Sao Paulo": (-23.55, -46.633),
    "Singapore": (1.352, 103.82), "Sydney": (-33.869, 151.209),
}  # fmt: skip
HOME = list(CITIES)[:5]
FAR = list(CITIES)[6:]


def below(n):
    return int(random.random() * n)


def pick(items):
    return items[below(len(items))]


def price():
    """Mostly small, seldom large; one in 25 below 2 (a coffee, a parking meter)."""
    if below(25) == 0:
        return round(0.5 + 1.4 * random.random(), 2)
    return round(3 + 4 / (0.01 + random.random()), 2)


payments = []


def pay(time, card, amount, merchant, city, label):
    latitude, longitude = CITIES[city]
    latitude, longitude = (round(v + (random.random() - 0.5) / 10, 4) for v in (latitude, longitude))
    payments.append((time, card, amount, merchant, city, latitude, longitude, label))


cards = [(f"c{n:03}", pick(HOME)) for n in range(300)]
merchants = [f"m{n:02}" for n in range(80)]
for card, home in cards:
    time = START + below(DAY // 6)
    city = home
    while time < START + 2 * DAY:
        pay(time, card, price(), pick(merchants), city, "normal")
        time += 10 * MINUTE + below(8 * 60 * MINUTE)
        if below(12) == 0:  # a trip: there is time enough for it
            city = pick(HOME + ["Paris"])
            time += 180 * MINUTE
        if below(40) == 0:  # a few things from machines, in a row: not yet too many
            for _ in range(2 + below(3)):
                pay(time, card, price(), pick(merchants), city, "normal, quick")
                time += 5_000 + below(20_000)
            time += 20 * MINUTE

# Cards stolen at one merchant on the first day, used by the thieves on the same evening.
for n in range(9):
    card, home = cards[n * 7]
    seen = START + 8 * 60 * MINUTE + below(240 * MINUTE)
    pay(seen, card, price(), "m66", home, "normal, card copied")
    time = START + 15 * 60 * MINUTE + below(120 * MINUTE)
    kind = n % 3
    if kind == 0:
        for _ in range(7):
            pay(time, card, round(30 + 60 * random.random(), 2), pick(merchants), home, "velocity")
            time += 2_000 + below(9_000)
    elif kind == 1:
        pay(time, card, price(), pick(merchants), home, "normal")
        time += 25 * MINUTE
        pay(time, card, round(400 + 500 * random.random(), 2), "m05", pick(FAR), "travel")
    else:
        for _ in range(2):
            pay(time, card, round(1 + random.random() / 2, 2), "m12", home, "testing")
            time += 40_000 + below(60_000)
        pay(time, card, round(600 + 900 * random.random(), 2), pick(merchants), home, "testing")

# More fraud, anywhere, and what only looks like it.
for n in range(40):
    card, home = cards[70 + n * 5]
    time = START + below(2 * DAY - 3_600_000)
    kind = n % 8
    if kind == 0:
        for _ in range(5 + below(6)):
            pay(time, card, round(10 + 40 * random.random(), 2), pick(merchants), home, "velocity")
            time += 1_000 + below(10_000)
    elif kind == 1:  # the fifth comes when the first is exactly a minute old: not five in a minute
        for _ in range(5):
            pay(time, card, round(10 + 40 * random.random(), 2), pick(merchants), home, "slow series")
            time += 15_000
    elif kind == 2:
        pay(time, card, price(), pick(merchants), home, "normal")
        pay(time + 40 * MINUTE, card, price(), pick(merchants), pick(FAR), "travel")
    elif kind == 3:  # 90 km and more in a short time, but within the 100 km
        pay(time, card, price(), "m01", home, "near")
        pay(time + MINUTE, card, price(), "m02", home, "near")
    elif kind == 4:
        for _ in range(2 + below(3)):
            pay(time, card, round(0.5 + random.random(), 2), "m13", home, "testing")
            time += 20_000 + below(40_000)
        pay(time, card, round(400 + 900 * random.random(), 2), pick(merchants), home, "testing")
    elif kind == 5:  # one probe only
        pay(time, card, 1.0, "m13", home, "one small")
        pay(time + MINUTE, card, 700.0, pick(merchants), home, "large")
    elif kind == 6:  # too late by a millisecond, or just in time
        pay(time, card, 1.0, "m13", home, "small")
        pay(time + MINUTE, card, 1.5, "m13", home, "small")
        late = n % 16 == 6
        pay(time + 10 * MINUTE + late, card, 500.0, "m20", home, "too late" if late else "testing")
    else:  # not a hundred times as much
        pay(time, card, 1.9, "m13", home, "small")
        pay(time + MINUTE, card, 1.8, "m13", home, "small")
        pay(time + 2 * MINUTE, card, 369.0, "m20", home, "large, but not by so much")

payments.sort(key=lambda p: p[0])
with open(pathlib.Path(__file__).parent / "payments.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow("time,id,card,amount,merchant,city,latitude,longitude,label".split(","))
    for n, (time, *rest) in enumerate(payments):
        out.writerow((time, f"p{n:05}", *rest))
