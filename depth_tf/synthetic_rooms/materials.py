"""What a surface is made of: a texture and the colours it is painted in."""

import dataclasses

import numpy as np

from depth_tf.synthetic_rooms import textures

Colour = tuple[float, float, float]  # linear reflectance, 0 to 1


@dataclasses.dataclass(frozen=True)
class Material:
    """A textured surface.

    A pattern's channels say how far `base` goes towards `second` and towards `third`, and how much lighter or
    darker it is. A picture's channels are its red, green and blue, multiplied by `base`.

    Attributes:
      texture: index into the texture bank.
      base: reflectance of the ground.
      second: reflectance that the pattern's first channel mixes in.
      third: reflectance that its second channel mixes in.
      grain: strength of its third channel, light and dark.
      tile_m: metres that one repeat covers; 0 stretches the texture once over each face.
      gloss: 0 matt to 1 polished.
      glow: radiance it sends out itself, as a multiple of its reflectance.
      soft_m: metres over which a box of it is shaded as if its edges were rounded.
    """

    texture: int
    base: Colour
    second: Colour = (0.0, 0.0, 0.0)
    third: Colour = (0.0, 0.0, 0.0)
    grain: float = 0.0
    tile_m: float = 1.0
    gloss: float = 0.0
    glow: float = 0.0
    soft_m: float = 0.0

    def with_texture(self, texture: int, **changes) -> "Material":
        """Returns the same colours on another texture."""
        return dataclasses.replace(self, texture=texture, **changes)

    def colour_matrix(self) -> np.ndarray:
        """Returns [3, 4]: reflectance = matrix @ (the texture's three channels, 1)."""
        base = np.array(self.base)
        if textures.is_picture(self.texture):
            return np.column_stack([np.diag(base), np.zeros(3)])
        columns = [np.array(self.second) - base, np.array(self.third) - base, self.grain * base]
        return np.column_stack([*columns, base - 0.5 * self.grain * base])
