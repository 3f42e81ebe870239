#!/usr/bin/env python3
"""Writes logins.csv and changes.csv: 48 hours of 120 users, with labelled attacks among them.

Only random.random() is used, whose sequence for a seed is the same in every version of Python. No
two events have the same time, so their order over both files is clear.

Run: python3 queries/login_bruteforce/generate.py
"""
import csv
import pathlib
import random

random.seed(1815)
START, SECOND, MINUTE, HOUR = 1_710_000_000_000, 1000, 60_000, 3_600_000


def below(n):
    return int(random.random() * n)


logins, changes = [], []  # (time, user, ip, ok, label), (time, user, item, label)


def login(time, user, ip, ok, label):
    logins.append((time, user, ip, "true" if ok else "false", label))


users = [(f"u{n:03}", f"10.0.{n // 50}.{n % 50}") for n in range(120)]
for user, ip in users:
    time = START + below(3 * HOUR)
    while time < START + 48 * HOUR:
        for _ in range(max(0, below(10) - 6)):  # none, mostly; three mistakes at most
            login(time, user, ip, False, "normal")
            time += 3 * SECOND + below(20 * SECOND)
        login(time, user, ip, True, "normal")
        if below(40) == 0:
            changes.append((time + MINUTE + below(5 * MINUTE), user, "password", "normal"))
        if below(60) == 0:  # to and fro between two networks
            login(time + 70 * SECOND, user, ip.replace("10.0", "10.9"), True, "normal")
        time += HOUR // 2 + below(9 * HOUR)

for n in range(12):  # brute force, mostly successful
    user, ip = users[n * 9]
    attacker, time = f"203.0.113.{n}", START + HOUR + below(44 * HOUR)
    for _ in range(4 if n % 4 == 3 else 6 + below(30)):  # four failures are too few
        login(time, user, attacker, False, "brute force")
        time += SECOND + below(8 * SECOND)
    time += 2 * MINUTE
    if n == 4:
        time += 11 * MINUTE  # too late to be related
    if n != 5:  # this one gives up
        login(time, user, attacker, True, "brute force")
        if n % 3 == 0:
            changes.append((time + 5 * MINUTE, user, "second factor", "takeover"))
        elif n == 1:
            changes.append((time + 5 * MINUTE, user, "picture", "brute force"))
        elif n == 2:
            changes.append((time + 31 * MINUTE, user, "password", "too late"))

for n in range(6):  # slow guessing from changing addresses
    user, ip = users[n * 9 + 4]
    time = START + HOUR + below(30 * HOUR)
    for k in range(3 + n % 3):
        login(time, user, f"198.51.100.{n * 20 + k}", False, "slow")
        time += 12 * MINUTE + below(MINUTE)
    login(time, user, f"198.51.100.{n * 20 + 19}", True, "slow")

for n in range(7):  # spraying
    time = START + HOUR + below(44 * HOUR)
    for k in range(9 if n == 6 else 12 + n * 2):  # nine users are too few
        login(time, users[(k * 11 + n) % 120][0], f"192.0.2.{n}", False, "spraying")
        if k % 4 == 0:  # and the same user again
            login(time + 1500, users[(k * 11 + n) % 120][0], f"192.0.2.{n}", False, "spraying")
        time += 4 * SECOND + below(15 * SECOND)

taken = set()


def write(name, header, rows):
    with open(pathlib.Path(__file__).parent / name, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        for time, *rest in sorted(rows, key=lambda row: row[0]):
            while time in taken:
                time += 1
            taken.add(time)
            out.writerow((time, *rest))


write("logins.csv", ["time", "user", "ip", "ok", "label"], logins)
write("changes.csv", ["time", "user", "item", "label"], changes)
