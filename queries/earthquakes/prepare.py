#!/usr/bin/env python3
"""Writes quakes.csv: arrivals.csv in the order in which the earth shook.

arrivals.csv is the USGS catalogue of one week, its rows in the order in which they were last
updated. A playback reads events in the order of their own time (the clock is the largest time seen,
and nothing is sorted on the way), so the rows are sorted by `time`; the sort is stable, and no row
or cell is changed.

Run: python3 queries/earthquakes/prepare.py
"""
import pathlib

here = pathlib.Path(__file__).parent
header, *rows = (here / "arrivals.csv").read_text(encoding="utf-8").splitlines()
column = header.split(",").index("time")  # before the only quoted column, `place`
rows.sort(key=lambda row: int(row.split(",")[column]))
(here / "quakes.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
