#!/usr/bin/env python3
"""Writes sample.csv: the flights of two stormy days between the larger airports, in file order.

Run: python3 queries/flights/sample.py ../shared/data/flights.parquet (needs pyarrow)
"""
import csv
import datetime
import pathlib
import sys

import pyarrow.parquet

AIRPORTS = set("ATL BOS BWI CLE CLT CVG DCA DEN DFW DTW EWR IAD IAH JFK LAS LAX LGA MCO MDW MIA MSP"
               " ORD PHL PHX PIT SFO STL TPA".split())  # fmt: skip
FIRST, LAST = datetime.datetime(2001, 6, 21, 12), datetime.datetime(2001, 6, 23, 4)

table = pyarrow.parquet.read_table(sys.argv[1])
utc = datetime.timezone.utc
with open(pathlib.Path(__file__).parent / "sample.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(table.column_names)
    for batch in table.to_batches():
        for date, *rest, origin, destination in zip(*(c.to_pylist() for c in batch.columns)):
            if FIRST <= date < LAST and origin in AIRPORTS and destination in AIRPORTS:
                time = int(date.replace(tzinfo=utc).timestamp() * 1000)
                out.writerow((time, *rest, origin, destination))
