"""Furnished rooms, ray-cast with NumPy: depth maps to learn from on a machine without any data; see README.md.

In reading order: `camera` (rays), `textures` and `materials` (how surfaces look), `solids` and `casting` (what a ray
meets), `furniture`, `layout` and `kinds` (what stands where), `lighting` and `render` (pictures), `rooms` (whole
rooms), `sensor` (what a Kinect makes of them), `frames` (many of them), `builder` (the TFDS data set).
"""
