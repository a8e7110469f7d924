"""Furnished rooms, ray-cast with NumPy: depth maps to learn from on a machine without any data; see README.md.

In reading order: `camera`, `textures`, `materials`, `solids`, `casting`, `furniture`, `layout`, `kinds`, `lighting`,
`render`, `rooms`, `sensor`, `frames`, `builder` (the TFDS data set, the only one that needs TensorFlow).
"""
