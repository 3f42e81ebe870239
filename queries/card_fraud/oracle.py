#!/usr/bin/env python3
"""The alerts of card_fraud.siddhi, computed without the engine.

Run: python3 queries/card_fraud/oracle.py
"""
import math
import pathlib
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent))
from oracle import HOUR, MINUTE, Alerts, Recent, read

number = dict.fromkeys(["amount", "latitude", "longitude"], float)
payments = list(read(here / "payments.csv", time=int, **number))

velocity = Alerts("Velocity", "card", "payments", "total", "largest", "id")
travel = Alerts("ImpossibleTravel", "card", "origin", "destination", "minutes", "id")
testing = Alerts("CardTesting", "card", "firstProbe", "secondProbe", "amount", "merchant", "id")
merchants = Alerts("CompromisedMerchants", "merchant", "cards")


def chord(a, b):
    """The straight line between two places through the Earth, km; by the haversine."""
    la, lb = math.radians(a["latitude"]), math.radians(b["latitude"])
    dl = math.radians(b["longitude"] - a["longitude"])
    h = math.sin((lb - la) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin(dl / 2) ** 2
    return 2 * 6371 * math.sqrt(h)


# Which payments complete a card test: for each probe, the next probe of the card, and then the
# first large payment after that, if it comes within ten minutes of the first.
tests = {}  # index of the large payment: the pairs of probes
by_card = {}
for i, p in enumerate(payments):
    by_card.setdefault(p["card"], []).append(i)
for indexes in by_card.values():
    rows = [(i, payments[i]) for i in indexes]
    for n, (i, first) in enumerate(rows):
        if first["amount"] >= 2:
            continue
        second = next((m for m in range(n + 1, len(rows)) if rows[m][1]["amount"] < 2), None)
        if second is None:
            continue
        probes = first["amount"] + rows[second][1]["amount"]
        for j, large in rows[second + 1 :]:
            if large["time"] - first["time"] > 10 * MINUTE:
                break
            if large["amount"] >= 200 and large["amount"] > 100 * probes:
                tests.setdefault(j, []).append((i, first, rows[second][1]))
                break

minute, half_day = Recent(MINUTE), Recent(12 * HOUR)
suspects = {}  # merchant: the flagged cards that were there
common = {}  # merchant: how many different ones when last counted
previous = {}  # card: its payment before
for i, p in enumerate(payments):
    now, card = p["time"], p["card"]
    flags = 0

    amounts = [q["amount"] for q in minute.add(now, p) if q["card"] == card]
    if len(amounts) == 5:
        velocity.add(now, card, 5, sum(amounts), max(amounts), p["id"])
        flags += 1

    if before := previous.get(card):
        km, minutes = chord(before, p), (now - before["time"]) / MINUTE
        if km > 100 and km > 15 * minutes:
            travel.add(now, card, before["city"], p["city"], minutes, p["id"])
            flags += 1
    previous[card] = p

    for _, a, b in sorted(tests.get(i, []), key=lambda t: t[0]):
        testing.add(now, card, a["amount"], b["amount"], p["amount"], p["merchant"], p["id"])
        flags += 1

    # A flag looks at the payments before the one that raised it.
    for _ in range(flags):
        for q in half_day.at(now):
            if q["card"] == card:
                merchant = q["merchant"]
                seen = suspects.setdefault(merchant, Recent(12 * HOUR)).add(now, card)
                cards = len(set(seen))
                if cards == 4 and common.get(merchant, 0) < 4:
                    merchants.add(now, merchant, 4)
                common[merchant] = cards
    half_day.add(now, p)

for alerts in (velocity, travel, testing, merchants):
    alerts.write(here)
