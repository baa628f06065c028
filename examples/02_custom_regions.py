"""Regions of your own choice: as a class for a whole project, or for one run."""

from _phantom_image import ATLAS, output_dir, save_image

from brainreg3d import BrainReg3D


class VisualAreas(BrainReg3D):
    """What a lab of vision asks of every image."""

    _DEFAULT_BRAIN_REGIONS = ("VISp", "VISl", "VISal", "VISam", "VISpm", "VISa", "VISrl")


image, view, _ = save_image(output_dir())

registration = VisualAreas(image, alignment=view.pose, atlas=ATLAS)
result = registration.run()
for region, mask in zip(result.regions, result.masks, strict=True):
    print(f"{region.acronym:>6} {mask.sum():>7} px  {region.name}")

# An acronym, an id and a name; only what depends on the regions is computed again.
registration.brain_regions = ["RSP", 985, "Visual areas"]
print(registration.run())
