"""Which pictures a run draws, and from what."""

import attrs
import pytest

from brainreg3d.pictures import drawings_of
from brainreg3d.testing import example_state


@pytest.mark.parametrize("bregma", ["ibl", "community"])
def test_the_last_picture_of_the_atlas_counts_from_the_bregma_of_the_run(bregma):
    state = example_state()
    state = attrs.evolve(state, alignment=attrs.evolve(state.alignment, bregma=bregma))
    made = dict(drawings_of("atlas", state))
    made |= dict(drawings_of("alignment", state))  # a picture of the same name replaces it
    texts = " ".join(text.get_text() for text in made["01_atlas"]().texts)
    assert bregma in texts
    assert ("ibl" in texts) == (bregma == "ibl")
