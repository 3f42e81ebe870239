#!/usr/bin/env python3
"""The alerts of login_bruteforce.siddhi, computed without the engine.

Run: python3 queries/login_bruteforce/oracle.py
"""
import pathlib
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent))
from oracle import HOUR, MINUTE, SECOND, Alerts, read

logins = list(read(here / "logins.csv", time=int))
for e in logins:
    e["ok"] = e["ok"] == "true"
changes = list(read(here / "changes.csv", time=int))
failed = [e for e in logins if not e["ok"]]

broken = Alerts("Broken", "user", "failures", "failedFrom", "ip", "seconds")
repelled = Alerts("Repelled", "user", "ip", "failures")
strangers = Alerts("Strangers", "user", "firstIp", "lastIp", "ip")
spraying = Alerts("Spraying", "ip", "users", "attempts")
places = Alerts("TwoPlaces", "user", "here", "there")
takeovers = Alerts("Takeovers", "user", "ip", "item", "minutes")
worst = Alerts("WorstAddresses", "ip", "failures", "users")


def last(events, now, span):
    """The events of the last `span` ms up to `now`, the one of now included."""
    return [e for e in events if now - span < e["time"] <= now]


def grouped(events, name):
    groups = {}
    for e in events:
        groups.setdefault(e[name], []).append(e)
    return groups


found = []
for user, mine in grouped(logins, "user").items():
    mine_failed = [e for e in mine if not e["ok"]]
    for f in mine_failed:
        if len(last(mine_failed, f["time"], 10 * MINUTE)) == 5:
            later = (s for s in mine if s["ok"] and s["time"] > f["time"])
            s = next(later, None)
            if s and s["time"] - f["time"] <= 10 * MINUTE:
                found.append((s["time"], f["time"], user, f["ip"], s["ip"]))
for s, f, user, failed_from, ip in sorted(found):
    broken.add(s, user, 5, failed_from, ip, (s - f) // SECOND)

end = max(logins[-1]["time"], changes[-1]["time"])
found = []
for user, mine in grouped(logins, "user").items():
    mine_failed = [e for e in mine if not e["ok"]]
    for f in mine_failed:
        over = f["time"] + 10 * MINUTE
        lucky = any(s["ok"] and f["time"] < s["time"] < over for s in mine)
        if len(last(mine_failed, f["time"], 10 * MINUTE)) == 5 and not lucky and over <= end:
            found.append((over, user, f["ip"], 5))
for row in sorted(found):
    repelled.add(*row)

found = []
for user, mine in grouped(logins, "user").items():
    run = []
    for e in mine:
        if not e["ok"]:
            run.append(e)
            continue
        if len(run) >= 3 and run[0]["ip"] != e["ip"]:
            found.append((e["time"], user, run[0]["ip"], run[-1]["ip"], e["ip"]))
        run = []
for row in sorted(found):
    strangers.add(*row)

found = []
for ip, theirs in grouped(failed, "ip").items():
    before = None
    for e in theirs:
        recent = last(theirs, e["time"], 5 * MINUTE)
        users = len({r["user"] for r in recent})
        if users >= 10 and before is not None and before < 10:
            found.append((e["time"], ip, users, len(recent)))
        before = users
for row in sorted(found):
    spraying.add(*row)

for b in logins:
    if b["ok"]:
        for a in last((e for e in logins if e["ok"]), b["time"], 2 * MINUTE):
            if a["user"] == b["user"] and a["ip"] != b["ip"]:
                places.add(b["time"], b["user"], b["ip"], a["ip"])

found = []
for n, (time, user, _, _, ip, _) in enumerate(broken.rows):
    serious = [c for c in changes if c["user"] == user and c["item"] in ("password", "second factor")]
    c = next((c for c in serious if c["time"] > time), None)
    if c and c["time"] - time <= 30 * MINUTE:
        found.append((c["time"], n, user, ip, c["item"], (c["time"] - time) // MINUTE))
for time, _, *row in sorted(found):
    takeovers.add(time, *row)

# The first failure begins the first six hours; the clock ends with the last event of either stream.
end, over = failed[0]["time"] + 6 * HOUR, max(logins[-1]["time"], changes[-1]["time"])
while end <= over:
    batch = [e for e in failed if end - 6 * HOUR <= e["time"] < end]
    groups = sorted(grouped(batch, "ip").items(), key=lambda g: (-len(g[1]), g[0]))
    for ip, theirs in groups[:2]:  # the result of a group has the time of its last event
        worst.add(theirs[-1]["time"], ip, len(theirs), len({e["user"] for e in theirs}))
    end += 6 * HOUR

for alerts in (broken, repelled, strangers, spraying, places, takeovers, worst):
    alerts.write(here)
