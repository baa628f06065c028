"""A step of your own in place of one of the package's: labels without their rims.

Pixels near a border carry the signal of both sides. This labeller does as the package's does, then
leaves out every pixel closer to another region than a margin.
"""

import attrs
from _phantom_image import ATLAS, output_dir, save_image
from scipy.ndimage import distance_transform_edt

from brainreg3d import BrainReg3D, steps
from brainreg3d.testing import check_step


class CoreLabeller(steps.PixelLabeller):
    """Label the pixels that lie well inside a region.

    Parameters
    ----------
    margin_px : float
        Smallest distance to a pixel of another region, or of none.
    """

    margin_px: float = 5.0

    def compute(self, *, regions, visible, projections=None, window_mask=None):
        """Return the labels; see `brainreg3d.steps.PixelLabeller`."""
        full = super().compute(
            regions=regions, visible=visible, projections=projections, window_mask=window_mask
        )
        core = full.labels.copy()
        for number in range(1, len(regions) + 1):
            region = full.labels == number
            core[region & (distance_transform_edt(region) < self.margin_px)] = 0
        return attrs.evolve(full, labels=core)


class WideMargin(CoreLabeller):
    """A parameter is overridden by a plain class attribute."""

    margin_px = 10.0


check_step(CoreLabeller())  # the contract of all steps: pure, deterministic, documented, ...

image, view, _ = save_image(output_dir())
registration = BrainReg3D(image, alignment=view.pose, atlas=ATLAS)
for labeller in (steps.PixelLabeller, CoreLabeller, WideMargin):
    registration.PixelLabeller = labeller
    result = registration.run()
    print(f"{labeller.__name__:>14}: {(result.labels > 0).mean():.1%} of the image is labelled")
