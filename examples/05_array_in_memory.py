"""An image that is an array: nothing has to touch the disk."""

from _phantom_image import output_dir

from brainreg3d import BrainReg3D, load_atlas
from brainreg3d.sources.phantom import demo_view, phantom_window_mask, render_phantom_image

atlas, view = load_atlas("phantom_50um"), demo_view()
pixels = render_phantom_image(atlas, view)

registration = BrainReg3D(
    pixels,
    pixel_size_mm=view.pixel_size_mm,
    alignment=view.pose,
    camera_distance_mm=view.camera.distance_mm,
    atlas=atlas,
    window_mask=phantom_window_mask(view),
)
result = registration.run(until="PixelLabeller")
for region, mask in zip(result.regions, result.masks, strict=True):
    level = f"{pixels[mask].mean():8.0f}" if mask.any() else "not seen"
    print(f"{region.acronym:>5}: mean grey value {level}")

registration.output_dir = output_dir()  # now there is a place to write to
print(*registration.run().files.values(), sep="\n")
