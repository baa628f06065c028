"""The numbers behind the phantom's shape.

Sizes, places and outlines are rounded from measurements on the Allen CCFv3 annotation of 2017
(Wang et al. 2020, Cell 181, 936-953), so that the phantom looks like a mouse brain; the centres
of the cortical areas are a fit of a power diagram to its map. The annotation itself is not in here.

Coordinates are (lateral, ap, dv) in mm: distance from the midline, from the front of the atlas
box to posterior, and from its top downwards.
"""

from __future__ import annotations

from brainreg3d.sources.phantom.structures import MARKER_ACRONYM

PHANTOM_BOX_MM = (11.4, 13.2, 8.0)
"""Extent along (x, y, z), that of the Allen atlas."""

HULL_CENTER = (2.0, 6.3, 3.4)

# Radius of the right cerebral hemisphere about HULL_CENTER in mm. Rows: angle from anterior, 0 to
# 180 degrees in steps of 15. Columns: angle about that axis from lateral over dorsal, in steps
# of 30. Radii that point across the midline only have to reach it.
HULL_RADII = """
4.20 4.20 4.20 4.20 4.20 4.20 4.20 4.20 4.20 4.20 4.20 4.20
3.55 3.61 3.78 4.15 4.50 4.60 4.60 4.60 4.60 4.30 3.91 3.63
3.21 3.15 3.13 3.39 4.08 4.15 4.50 4.70 4.61 3.97 3.48 3.33
2.90 2.73 2.71 2.94 3.64 3.42 3.39 3.68 4.54 4.00 3.50 3.15
2.82 2.57 2.55 2.72 3.28 2.79 2.77 3.00 4.22 4.24 3.41 3.05
2.81 2.60 2.51 2.72 3.24 2.51 2.48 2.69 3.60 4.05 3.45 3.19
2.85 2.67 2.56 2.86 3.31 2.42 2.40 2.60 4.21 3.66 3.82 3.22
3.19 2.93 2.90 3.00 3.48 2.51 2.53 3.26 4.71 3.50 4.23 3.48
3.57 3.34 3.28 3.49 3.97 2.79 2.77 3.00 3.29 3.29 4.38 3.92
4.17 3.91 3.80 4.22 3.74 1.70 1.86 1.91 1.63 2.78 4.36 4.42
4.50 4.36 4.42 4.41 3.06 1.42 1.61 1.71 1.30 2.30 3.88 4.50
4.00 4.14 4.15 3.82 2.98 2.17 1.87 1.80 1.85 2.33 3.11 3.70
2.94 2.94 2.94 2.94 2.94 2.94 2.94 2.94 2.94 2.94 2.94 2.94
"""

# Parts of the cerebrum's surface: rows "area | lateral ap dv weight | ...", one or more centres
# each. A surface point belongs to the centre with the smallest squared distance minus weight (a
# power diagram: F. Aurenhammer, SIAM J. Comput. 16, 1987), and so does the cortex below it.
AREA_CENTERS = """
FRP | 0.90 3.26 3.35 -0.82
MOp | 1.23 4.53 1.58 0.56 | 3.75 3.12 2.83 0.48 | 1.81 4.13 1.32 0.14
MOs | 3.28 2.79 2.84 -0.13 | 0.48 3.53 0.42 1.95 | 1.35 3.39 1.01 0.81 | 0.68 4.43 1.66 0.82
SSp-n | 4.67 5.49 1.12 1.36 | 4.94 4.94 1.55 0.44
SSp-bfd | 4.45 6.75 0.26 0.68 | 4.06 6.16 1.41 0.46
SSp-ll | 2.80 4.99 0.01 0.73
SSp-m | 3.64 5.08 2.16 -0.59 | 4.46 3.63 2.82 0.92
SSp-ul | 2.82 4.72 0.86 -0.28 | 2.82 5.26 0.98 -0.32
SSp-tr | 2.33 6.79 -0.49 -0.68
SSp-un | 3.17 5.76 1.70 -0.20
SSs | 5.68 6.19 2.23 0.88 | 5.15 3.61 3.11 1.44 | 4.96 6.70 1.76 0.33
GU | 4.01 3.89 3.93 -1.13
VISC | 4.69 3.91 3.50 -0.61 | 5.86 6.76 3.23 -1.48
AUDd | 5.29 7.21 2.06 0.24
AUDp | 6.05 7.55 2.06 0.67 | 6.04 7.62 2.09 1.49
AUDpo | 5.58 8.06 1.93 -0.01
AUDv | 6.04 7.34 2.27 1.09 | 6.22 8.01 2.90 0.70
VISal | 4.47 8.43 0.76 -1.10
VISam | 1.88 7.77 -0.56 -0.38
VISl | 3.93 9.77 0.97 -0.35
VISp | 3.47 10.16 0.08 1.75 | 3.29 10.80 0.34 1.51 | 2.82 9.23 -0.57 1.75
VISpl | 2.84 9.26 2.18 0.05
VISpm | 2.23 8.89 -0.46 0.54
VISli | 4.47 9.68 1.37 -0.80
VISpor | 4.70 9.99 1.90 -0.89
ACAd | -0.45 3.78 1.41 0.63 | -0.59 4.30 1.45 0.97 | 0.01 4.51 1.94 0.06
ACAv | -0.36 4.74 2.60 -0.10 | 0.01 4.27 3.88 -1.11 | 0.00 4.57 2.04 -0.12
PL | -0.72 3.47 2.59 -0.25 | -0.54 2.44 2.24 -1.35
ILA | 0.01 3.24 3.85 -0.95
ORBl | 0.78 3.10 3.87 -0.58
ORBm | 0.27 2.89 3.93 -0.76
ORBvl | 0.49 2.89 3.98 -0.66
AId | 2.89 3.02 3.29 -1.24 | 3.36 3.52 5.27 -0.83
AIp | 3.37 4.14 5.43 -1.77 | 6.72 7.06 4.57 -1.28
AIv | 3.18 3.45 5.83 -0.18
RSPagl | 2.52 10.67 1.42 -0.78 | 0.41 7.78 0.20 -0.25 | 1.34 8.64 0.21 -0.62
RSPd | -0.13 7.88 -0.15 0.95 | 2.37 9.57 2.38 -0.32 | 0.96 8.52 0.58 -0.62 | -1.00 5.34 0.91 -0.94
RSPv | -0.90 5.15 1.93 -0.54 | -0.09 9.34 1.06 -0.43 | -0.89 7.97 -0.14 1.95
VISa | 2.03 7.33 0.07 -1.35
VISrl | 3.60 7.67 0.74 -1.50
TEa | 5.23 9.26 1.78 -0.67 | 5.75 8.28 3.46 -0.65 | 6.24 7.72 3.20 -0.03
PERI | 4.51 8.81 4.51 -1.08
ECT | 5.12 8.57 4.08 -1.40
AON | -0.03 1.63 5.62 1.82 | 0.58 3.25 5.67 0.56
TT | 0.00 4.83 4.66 0.52 | 0.49 3.27 5.71 0.55
PIR | 5.38 8.44 7.07 0.18 | 2.67 3.76 6.46 0.91 | 2.46 4.59 6.59 0.70
COA | 3.59 8.85 5.73 0.08 | 2.01 4.88 6.83 0.53
OT | 0.71 4.50 6.75 1.46 | 2.02 4.09 7.51 2.03
ENTl | 3.20 9.82 3.45 -0.73 | 3.55 9.10 5.01 1.23
ENTm | 3.01 9.88 3.51 -0.31 | 3.38 9.16 5.01 1.40
POST | 2.63 8.67 2.96 1.96 | 3.12 9.32 5.05 1.13
"""

# Thickness of the sheets that are no isocortex, relative to it.
SHEETS = {
    "AON": 1.0,
    "TT": 0.7,
    "PIR": 0.62,
    "COA": 0.8,
    "OT": 0.65,
    "ENTl": 0.95,
    "ENTm": 0.9,
    "POST": 0.6,
}

# Lower bounds of layers 1, 2/3, 4, 5, 6a and 6b as fractions of the thickness of the cortex.
GRANULAR = (0.12, 0.36, 0.50, 0.72, 0.95, 1.0)
AGRANULAR = (0.15, 0.42, 0.42, 0.72, 0.95, 1.0)

# Superellipsoids: acronym, centre, half axes, exponent, lateral shift per mm to posterior.
BRAINSTEM = (
    ("IC", (1.15, 10.4, 2.2), (1.00, 0.68, 0.85), 2.0, 0.0),
    ("SCs", (0.0, 9.15, 1.75), (1.55, 0.95, 0.62), 2.2, 0.0),
    ("PAG", (0.0, 9.2, 3.1), (0.75, 1.4, 0.8), 2.0, 0.0),
    ("P", (0.0, 9.85, 5.6), (2.05, 1.12, 1.58), 2.5, 0.0),
    ("MB", (0.0, 9.15, 3.4), (2.15, 1.75, 2.25), 2.2, 0.0),
    ("TH", (0.0, 7.05, 4.05), (2.55, 1.40, 1.20), 2.3, 0.0),
    ("HY", (0.0, 6.65, 5.95), (1.60, 1.70, 1.30), 2.2, 0.0),
    ("MY", (0.0, 11.75, 5.95), (2.55, 2.05, 1.48), 2.6, 0.0),
)
INNER = (
    ("VL", (0.95, 5.4, 3.3), (0.22, 1.0, 0.65), 2.0, 0.15),
    ("LSX", (0.0, 5.1, 4.0), (0.78, 0.95, 1.15), 2.3, 0.0),
    ("ACB", (1.25, 4.2, 5.8), (0.90, 0.85, 0.95), 2.2, 0.0),
    ("GPe", (2.1, 6.3, 4.6), (0.5, 0.7, 0.75), 2.0, 0.35),
    ("CP", (2.4, 5.3, 4.2), (1.38, 1.75, 1.6), 2.2, 0.25),
    ("CEA", (2.75, 6.7, 5.5), (0.55, 0.8, 0.7), 2.0, 0.1),
    ("BLA", (3.25, 7.1, 5.9), (0.5, 0.9, 0.8), 2.0, 0.0),
)
OUTER = (("MOB", (0.97, 1.40, 4.4), (0.95, 1.25, 1.68), 2.5, 0.0),)

# The places in ``Tables.codes``.
SINGLE = (
    *("cc", "fiber tracts", "VERM", "HEM", "arb", "CBN", "CA1", "CA3", "DG-mo", "DG-sg"),
    *("AON", "SI", MARKER_ACRONYM, "EPd"),
)

# In the secondary motor area, the largest of the map, so that it takes little from it; just below
# the surface.
MARKER_LATERAL_AP_DV_MM = (1.35, 3.9, 1.33)
MARKER_RADIUS_MM = 0.42
