"""Draws the marker of an atlas with brainrender, from above, without a screen or a network.

Arguments: name of the atlas, folder for ``top.png``.
"""

import socket
import sys


def refuse(*_):
    raise OSError("this program must not use the network")


socket.socket.connect = socket.socket.connect_ex = refuse

import brainrender  # noqa: E402 - after the network is gone
import vedo  # noqa: E402

vedo.settings.multi_samples = 0  # software OpenGL has none
brainrender.settings.OFFSCREEN = True
brainrender.settings.SHOW_AXES = False

name, folder = sys.argv[1:]
scene = brainrender.Scene(
    atlas_name=name, check_latest=False, inset=False, screenshots_folder=folder
)
scene.add_brain_region("MARK", color="magenta", silhouette=False)
scene.add_brain_region("MOB", color="lime", silhouette=False)  # tells where the front is
scene.render(interactive=False, camera="top")
scene.screenshot(name="top.png", scale=1)
scene.close()
