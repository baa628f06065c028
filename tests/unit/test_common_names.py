"""Names of regions as papers have them, and slips."""

import pytest

from brainreg3d.atlas import select_regions
from brainreg3d.atlas.common_names import COMMON_NAMES
from brainreg3d.errors import RegionError


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("V1", r"Unknown region 'V1'. Did you mean VISp \(Primary visual area\)\?"),
        ("S1", "Did you mean SSp "),
        (" m1 ", "Did you mean MOp "),
        ("M2", "Did you mean MOs "),
        ("A1", "Did you mean AUDp "),
        ("barrel", "Did you mean SSp-bfd "),
        ("Barrel cortex", "Did you mean SSp-bfd "),
        ("MOp VISp", "Separate regions by commas: MOp,VISp"),
        ("MOp;VISp", "Separate regions by commas: MOp,VISp"),
        ("VISQ", "Did you mean VIS"),
    ],
)
def test_what_was_probably_meant(real_atlas, names, words):
    with pytest.raises(RegionError, match=words):
        select_regions(real_atlas, [names])


def test_only_what_the_atlas_has_is_proposed(tiny_atlas):
    """Of all of them it has but CTX."""
    with pytest.raises(RegionError, match=r"Did you mean CTX \(Cortex of the test\)\?"):
        select_regions(tiny_atlas, ["cortex"])
    for name in ("V1", "barrel", "striatum"):
        with pytest.raises(RegionError) as error:
            select_regions(tiny_atlas, [name])
        assert not any(acronym in str(error.value) for acronym in COMMON_NAMES[name.lower()])


def test_a_common_name_never_stands_for_a_region(real_atlas):
    """Borders differ between nomenclatures: what is proposed has to be written."""
    for name in COMMON_NAMES:
        if name not in {s.name.lower() for s in real_atlas.structures}:
            with pytest.raises(RegionError):
                real_atlas.structures.find(name)


def test_every_proposal_is_in_allens_atlas(real_atlas):
    acronyms = {structure.acronym for structure in real_atlas.structures}
    assert {name for names in COMMON_NAMES.values() for name in names} <= acronyms
