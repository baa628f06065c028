"""The structures of the phantom: a part of Allen's ontology, and the marker."""

from __future__ import annotations

import functools

from brainreg3d.atlas import Structure, StructureTree

# The atlas is its own mirror image, so a swap of left and right would go unnoticed; the marker
# makes it show.
MARKER_ACRONYM = "MARK"
"""Acronym of the marker, which only the right hemisphere has."""

MARKER_ID = 4_000_000_001
"""Its id: far above Allen's (up to about 6e8), within 32 bits."""

LAYERS = ("1", "2/3", "4", "5", "6a", "6b")
"""Cortical layers from the surface down; agranular areas have no layer 4."""

# Rows "acronym | id | parent | colour | name", from Allen's structure graph 1 (Wang et al. 2020).
_NODES = """
root | 997 | - | FFFFFF | root
grey | 8 | root | BFDAE3 | Basic cell groups and regions
CH | 567 | grey | B0F0FF | Cerebrum
CTX | 688 | CH | B0FFB8 | Cerebral cortex
CTXpl | 695 | CTX | 70FF70 | Cortical plate
Isocortex | 315 | CTXpl | 70FF71 | Isocortex
FRP | 184 | Isocortex | 268F45 | Frontal pole, cerebral cortex
MO | 500 | Isocortex | 1F9D5A | Somatomotor areas
MOp | 985 | MO | 1F9D5A | Primary motor area
MOs | 993 | MO | 1F9D5A | Secondary motor area
SS | 453 | Isocortex | 188064 | Somatosensory areas
SSp | 322 | SS | 188064 | Primary somatosensory area
SSp-n | 353 | SSp | 188064 | Primary somatosensory area, nose
SSp-bfd | 329 | SSp | 188064 | Primary somatosensory area, barrel field
SSp-ll | 337 | SSp | 188064 | Primary somatosensory area, lower limb
SSp-m | 345 | SSp | 188064 | Primary somatosensory area, mouth
SSp-ul | 369 | SSp | 188064 | Primary somatosensory area, upper limb
SSp-tr | 361 | SSp | 188064 | Primary somatosensory area, trunk
SSp-un | 182305689 | SSp | 188064 | Primary somatosensory area, unassigned
SSs | 378 | SS | 188064 | Supplemental somatosensory area
GU | 1057 | Isocortex | 009C75 | Gustatory areas
VISC | 677 | Isocortex | 11AD83 | Visceral area
AUD | 247 | Isocortex | 019399 | Auditory areas
AUDd | 1011 | AUD | 019399 | Dorsal auditory area
AUDp | 1002 | AUD | 019399 | Primary auditory area
AUDpo | 1027 | AUD | 019399 | Posterior auditory area
AUDv | 1018 | AUD | 019399 | Ventral auditory area
VIS | 669 | Isocortex | 08858C | Visual areas
VISal | 402 | VIS | 08858C | Anterolateral visual area
VISam | 394 | VIS | 08858C | Anteromedial visual area
VISl | 409 | VIS | 08858C | Lateral visual area
VISp | 385 | VIS | 08858C | Primary visual area
VISpl | 425 | VIS | 08858C | Posterolateral visual area
VISpm | 533 | VIS | 08858C | posteromedial visual area
VISli | 312782574 | VIS | 08858C | Laterointermediate area
VISpor | 312782628 | VIS | 08858C | Postrhinal area
ACA | 31 | Isocortex | 40A666 | Anterior cingulate area
ACAd | 39 | ACA | 40A666 | Anterior cingulate area, dorsal part
ACAv | 48 | ACA | 40A666 | Anterior cingulate area, ventral part
PL | 972 | Isocortex | 2FA850 | Prelimbic area
ILA | 44 | Isocortex | 59B363 | Infralimbic area
ORB | 714 | Isocortex | 248A5E | Orbital area
ORBl | 723 | ORB | 248A5E | Orbital area, lateral part
ORBm | 731 | ORB | 248A5E | Orbital area, medial part
ORBvl | 746 | ORB | 248A5E | Orbital area, ventrolateral part
AI | 95 | Isocortex | 219866 | Agranular insular area
AId | 104 | AI | 219866 | Agranular insular area, dorsal part
AIp | 111 | AI | 219866 | Agranular insular area, posterior part
AIv | 119 | AI | 219866 | Agranular insular area, ventral part
RSP | 254 | Isocortex | 1AA698 | Retrosplenial area
RSPagl | 894 | RSP | 1AA698 | Retrosplenial area, lateral agranular part
RSPd | 879 | RSP | 1AA698 | Retrosplenial area, dorsal part
RSPv | 886 | RSP | 1AA698 | Retrosplenial area, ventral part
PTLp | 22 | Isocortex | 009FAC | Posterior parietal association areas
VISa | 312782546 | PTLp | 009FAC | Anterior area
VISrl | 417 | PTLp | 009FAC | Rostrolateral visual area
TEa | 541 | Isocortex | 15B0B3 | Temporal association areas
PERI | 922 | Isocortex | 0E9684 | Perirhinal area
ECT | 895 | Isocortex | 0D9F91 | Ectorhinal area
OLF | 698 | CTXpl | 9AD2BD | Olfactory areas
MOB | 507 | OLF | 9AD2BD | Main olfactory bulb
AON | 159 | OLF | 54BF94 | Anterior olfactory nucleus
TT | 589 | OLF | 62D09F | Taenia tecta
PIR | 961 | OLF | 6ACBBA | Piriform area
COA | 631 | OLF | 61E7B7 | Cortical amygdalar area
HPF | 1089 | CTXpl | 7ED04B | Hippocampal formation
HIP | 1080 | HPF | 7ED04B | Hippocampal region
CA | 375 | HIP | 7ED04B | Ammon's horn
CA1 | 382 | CA | 7ED04B | Field CA1
CA3 | 463 | CA | 7ED04B | Field CA3
DG | 726 | HIP | 7ED04B | Dentate gyrus
DG-mo | 10703 | DG | 7ED04B | Dentate gyrus, molecular layer
DG-sg | 632 | DG | 66A83D | Dentate gyrus, granule cell layer
RHP | 822 | HPF | 32B825 | Retrohippocampal region
ENT | 909 | RHP | 32B825 | Entorhinal area
ENTl | 918 | ENT | 32B825 | Entorhinal area, lateral part
ENTm | 926 | ENT | 32B825 | Entorhinal area, medial part, dorsal zone
POST | 1037 | RHP | 48C83C | Postsubiculum
CTXsp | 703 | CTX | 8ADA87 | Cortical subplate
EP | 942 | CTXsp | A0EE9D | Endopiriform nucleus
EPd | 952 | EP | A0EE9D | Endopiriform nucleus, dorsal part
BLA | 295 | CTXsp | 9DE79C | Basolateral amygdalar nucleus
CNU | 623 | CH | 98D6F9 | Cerebral nuclei
STR | 477 | CNU | 98D6F9 | Striatum
STRd | 485 | STR | 98D6F9 | Striatum dorsal region
CP | 672 | STRd | 98D6F9 | Caudoputamen
STRv | 493 | STR | 80CDF8 | Striatum ventral region
ACB | 56 | STRv | 80CDF8 | Nucleus accumbens
OT | 754 | STRv | 80CDF8 | Olfactory tubercle
LSX | 275 | STR | 90CBED | Lateral septal complex
sAMY | 278 | STR | 80C0E2 | Striatum-like amygdalar nuclei
CEA | 536 | sAMY | 80C0E2 | Central amygdalar nucleus
PAL | 803 | CNU | 8599CC | Pallidum
PALd | 818 | PAL | 8599CC | Pallidum, dorsal region
GPe | 1022 | PALd | 8599CC | Globus pallidus, external segment
PALv | 835 | PAL | A2B1D8 | Pallidum, ventral region
SI | 342 | PALv | A2B1D8 | Substantia innominata
BS | 343 | grey | FF7080 | Brain stem
IB | 1129 | BS | FF7080 | Interbrain
TH | 549 | IB | FF7080 | Thalamus
HY | 1097 | IB | E64438 | Hypothalamus
MB | 313 | BS | FF64FF | Midbrain
MBsen | 339 | MB | FF7AFF | Midbrain, sensory related
SCs | 302 | MBsen | FF7AFF | Superior colliculus, sensory related
IC | 4 | MBsen | FF7AFF | Inferior colliculus
MBmot | 323 | MB | FF90FF | Midbrain, motor related
PAG | 795 | MBmot | FF90FF | Periaqueductal gray
HB | 1065 | BS | FF9B88 | Hindbrain
P | 771 | HB | FF9B88 | Pons
MY | 354 | HB | FF9BCD | Medulla
CB | 512 | grey | F0F080 | Cerebellum
CBX | 528 | CB | F0F080 | Cerebellar cortex
VERM | 645 | CBX | FFFC91 | Vermal regions
HEM | 1073 | CBX | FFFC91 | Hemispheric regions
CBN | 519 | CB | F0F080 | Cerebellar nuclei
fiber tracts | 1009 | root | CCCCCC | fiber tracts
cbf | 960 | fiber tracts | CCCCCC | cerebellum related fiber tracts
arb | 728 | cbf | CCCCCC | arbor vitae
lfbs | 983 | fiber tracts | CCCCCC | lateral forebrain bundle system
cc | 776 | lfbs | CCCCCC | corpus callosum
VS | 73 | root | AAAAAA | ventricular systems
VL | 81 | VS | AAAAAA | lateral ventricle
"""

# Rows "area | ids of its layers, 0 for a missing one | what its layers' names begin with".
_LAYER_IDS = """
FRP | 68 667 0 526157192 526157196 526322264 | Frontal pole, layer
MOp | 320 943 0 648 844 882 | Primary motor area, Layer
MOs | 656 962 0 767 1021 1085 |
SSp-n | 558 838 654 702 889 929 |
SSp-bfd | 981 201 1047 1070 1038 1062 |
SSp-ll | 1030 113 1094 1128 478 510 |
SSp-m | 878 657 950 974 1102 2 |
SSp-ul | 450 854 577 625 945 1026 |
SSp-tr | 1006 670 1086 1111 9 461 |
SSp-un | 182305693 182305697 182305701 182305705 182305709 182305713 |
SSs | 873 806 1035 1090 862 893 |
GU | 36 180 148 187 638 662 |
VISC | 897 1106 1010 1058 857 849 |
AUDd | 527 600 678 252 156 243 |
AUDp | 735 251 816 847 954 1005 |
AUDpo | 696 643 759 791 249 456 |
AUDv | 959 755 990 1023 520 598 |
VISal | 1074 905 1114 233 601 649 |
VISam | 281 1066 401 433 1046 441 |
VISl | 421 973 573 613 74 121 |
VISp | 593 821 721 778 33 305 |
VISpl | 750 269 869 902 377 393 |
VISpm | 805 41 501 565 257 469 |
VISli | 312782578 312782582 312782586 312782590 312782594 312782598 |
VISpor | 312782632 312782636 312782640 312782644 312782648 312782652 |
ACAd | 935 211 0 1015 919 927 |
ACAv | 588 296 0 772 810 819 |
PL | 171 304 0 363 84 132 |
ILA | 707 556 0 827 1054 1081 |
ORBl | 448 412 0 630 440 488 |
ORBm | 484 582 0 620 910 527696977 |
ORBvl | 969 288 0 1125 608 680 |
AId | 996 328 0 1101 783 831 |
AIp | 120 163 0 344 314 355 |
AIv | 704 694 0 800 675 699 |
RSPagl | 671 965 0 774 906 279 |
RSPd | 442 434 0 610 274 330 |
RSPv | 542 430 0 687 590 622 |
VISa | 312782550 312782554 312782558 312782562 312782566 312782570 |
VISrl | 312782604 312782608 312782612 312782616 312782620 312782624 | Rostrolateral area, layer
TEa | 97 1127 234 289 729 786 |
PERI | 540 888 0 692 335 368 |
ECT | 836 427 0 988 977 1045 | Ectorhinal area/Layer
"""

# Allen's one spelling that follows no rule.
_ODD_NAMES = {
    "ACAv6a": "Anterior cingulate area, ventral part, 6a",
    "ACAv6b": "Anterior cingulate area, ventral part, 6b",
}


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def _rgb(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


@functools.cache
def layer_ids() -> dict[str, tuple[int, ...]]:
    """Return the structure ids of the layers of each area of the isocortex.

    Returns
    -------
    dict of str to tuple of int
        Ids in the order of `LAYERS`, 0 for a layer that the area does not have.
    """
    return {row[0]: tuple(int(i) for i in row[1].split()) for row in _rows(_LAYER_IDS)}


@functools.cache
def phantom_structures() -> StructureTree:
    """Return the phantom's structure tree.

    Returns
    -------
    StructureTree
        Allen's ids, acronyms, names, colours and parents, and the marker below the isocortex: not
        inside any area, so that no region of a run holds it unless it is asked for by name.
    """
    rows = _rows(_NODES)
    id_of = {acronym: int(identifier) for acronym, identifier, *_ in rows}
    nodes = [
        Structure(id_of[acronym], acronym, name, _rgb(color), id_of.get(parent))
        for acronym, _, parent, color, name in rows
    ]
    by_acronym = {node.acronym: node for node in nodes}
    for area, _, prefix in _rows(_LAYER_IDS):
        parent = by_acronym[area]
        for layer, identifier in zip(LAYERS, layer_ids()[area], strict=True):
            if identifier:
                acronym = area + layer
                name = _ODD_NAMES.get(acronym, f"{prefix or parent.name + ', layer'} {layer}")
                nodes.append(Structure(identifier, acronym, name, parent.rgb, parent.id))
    nodes.append(
        Structure(
            MARKER_ID,
            MARKER_ACRONYM,
            "right-hemisphere marker (synthetic)",
            (255, 0, 170),
            id_of["Isocortex"],
        )
    )
    return StructureTree(nodes)
