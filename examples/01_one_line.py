"""From an image and its pose to masks, in one line."""

from _phantom_image import ATLAS, output_dir, save_image

from brainreg3d import BrainReg3D

image, view, _ = save_image(output_dir())

# The pixel size comes from the TIFF. With the real brain, leave atlas= out.
result = BrainReg3D(image, alignment=view.pose, atlas=ATLAS).run()

print(result)
for kind, path in result.files.items():
    print(f"{kind:>10}: {path}")
