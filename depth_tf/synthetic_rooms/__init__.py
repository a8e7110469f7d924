"""Furnished rooms, ray-cast with NumPy: depth maps to learn from on a machine without any data.

In reading order: `camera` (rays), `solids` and `casting` (what a ray meets), `noise`, `patterns`, `fittings`,
`pictures` and `textures` (how surfaces look), `materials` and `finishes` (what they are made of), `piece`,
`seating`, `tables`, `fixtures`, `litter` and `clutter` (furniture and what lies on it), `shell`, `layout`,
`openings`, `lamps`, `wallware`, `groups`, `homes`, `workrooms`, `kinds` and `rooms` (whole rooms), `viewpoint`
(where the camera is held), `surfaces`, `lighting` and `render` (pictures), `sensor` (what a Kinect makes of them),
`frames`, `worker` and `workers` (many of them), `builder` (the TFDS data set).
"""
