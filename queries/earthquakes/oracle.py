#!/usr/bin/env python3
"""The alerts of earthquakes.siddhi, computed without the engine.

Run: python3 queries/earthquakes/oracle.py
"""
import math
import pathlib
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent))
from oracle import DAY, HOUR, MINUTE, Alerts, Recent, mean, read

shocks = [
    q
    for q in read(here / "quakes.csv", time=int, mag=float, latitude=float, longitude=float, depth=float)
    if q["type"] == "earthquake"
]
for q in shocks:
    q["cell"] = math.floor(q["latitude"] + 90) * 360 + math.floor(q["longitude"] + 180)


def near(a, b, latitude):
    """Closer than a degree; a degree of longitude shrinks with the cosine of the latitude."""
    north = a["latitude"] - b["latitude"]
    east = (a["longitude"] - b["longitude"]) * math.cos(math.radians(latitude))
    return north * north + east * east < 1


strong = Alerts("StrongQuakes", "id", "mag", "place", "depth", "alert")
for q in shocks:
    if q["mag"] >= 5:
        red = q["mag"] >= 6 and q["depth"] < 70
        alert = "red" if red else "orange" if q["mag"] >= 5.5 else "yellow"
        strong.add(q["time"], q["id"], q["mag"], q["place"], q["depth"], alert)

swarms = Alerts("Swarms", "net", "cell", "place", "shocks", "strongest")
recent = Recent(6 * HOUR)
for q in shocks:
    recent.add(q["time"], q)
    here_now = [p["mag"] for p in recent if (p["net"], p["cell"]) == (q["net"], q["cell"])]
    if len(here_now) == 10:
        swarms.add(q["time"], q["net"], q["cell"], q["place"], 10, max(here_now))

foreshocks = Alerts("Foreshocks", "net", "foreshock", "mag", "shock", "shockMag", "place", "minutes")
found = []  # (index of the shock, index of the foreshock)
for i, a in enumerate(shocks):
    if a["mag"] < 2:
        continue
    for j in range(i + 1, len(shocks)):
        b = shocks[j]
        if b["time"] - a["time"] > 12 * HOUR:
            break
        if b["net"] == a["net"] and b["mag"] >= a["mag"] + 0.3 and near(a, b, b["latitude"]):
            found.append((j, i))
            break
for j, i in sorted(found):
    a, b = shocks[i], shocks[j]
    minutes = (b["time"] - a["time"]) // MINUTE
    foreshocks.add(b["time"], a["net"], a["id"], a["mag"], b["id"], b["mag"], b["place"], minutes)

active = Alerts("ActiveShocks", "id", "mag", "place", "aftershocks", "strongest")
mains, afters = Recent(DAY), Recent(DAY)
for q in shocks:
    if q["mag"] >= 4:
        mains.add(q["time"], q)
    for main in mains.at(q["time"]):
        if q["mag"] < main["mag"] and near(q, main, main["latitude"]):
            afters.add(q["time"], (main["id"], q["mag"]))
            mags = [mag for id, mag in afters if id == main["id"]]
            if len(mags) == 5:
                active.add(q["time"], main["id"], main["mag"], main["place"], 5, max(mags))

busy = Alerts("BusyNetworks", "net", "shocks", "strongest", "meanMag")
first, last = shocks[0]["time"], shocks[-1]["time"]
end = first + DAY
while end <= last:  # the clock stops with the last shock: an unfinished day is not reported
    day = [q for q in shocks if end - DAY <= q["time"] < end]
    nets = sorted({q["net"] for q in day})
    rows = [[q for q in day if q["net"] == net] for net in nets]
    rows = sorted((row for row in rows if len(row) >= 10), key=lambda row: (-len(row), row[0]["net"]))
    for row in rows[:3]:  # the result of a group has the time of its last event
        mags = [q["mag"] for q in row]
        busy.add(row[-1]["time"], row[0]["net"], len(mags), max(mags), mean(mags))
    end += DAY

for alerts in (strong, swarms, foreshocks, active, busy):
    alerts.write(here)
