"""What a tilt does: labels at the true pose against labels of a plane taken to lie flat."""

from _phantom_image import ATLAS, output_dir, save_image

from brainreg3d import BrainReg3D, Pose

image, view, _ = save_image(output_dir())
true_pose = view.pose
print(f"True pose: pitch {true_pose.pitch_deg:g} deg, roll {true_pose.roll_deg:g} deg")

registration = BrainReg3D(image, alignment=true_pose, atlas=ATLAS)
true_labels = registration.run(until="PixelLabeller").labels

for share in (1.0, 0.5, 0.0):
    registration.alignment = Pose(
        true_pose.center_mm,
        yaw_deg=true_pose.yaw_deg,
        pitch_deg=share * true_pose.pitch_deg,
        roll_deg=share * true_pose.roll_deg,
    )
    labels = registration.run(until="PixelLabeller").labels
    changed = (labels != true_labels).mean()
    print(f"with {share:4.0%} of the tilt: {changed:6.2%} of the pixels change their region")
