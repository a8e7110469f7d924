"""Data sets as splits of (image, depth): opened by name, held out by scene, read, resized."""
