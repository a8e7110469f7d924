"""Where a method fails: at which distances, in which kinds of room, and on which images."""

import collections
import math
import re
from collections.abc import Sequence

import numpy as np

BANDS_M = (0.0, 2.0, 3.0, 4.0, 6.0, math.inf)  # true depths between which pixels are counted together
NUM_WORST = 10
SHOWN = ("abs_rel", "delta1")


class DepthBands:
    """Errors of single pixels, summed by their true depth."""

    def __init__(self):
        """Starts with no pixel."""
        self._sums = np.zeros((3, len(BANDS_M) - 1))  # pixels, relative errors, logarithmic errors

    def add(self, *, true_m: np.ndarray, pred_m: np.ndarray) -> None:
        """Counts the valid pixels of an image, [N] each, metres."""
        band = np.searchsorted(BANDS_M, true_m, side="right") - 1
        for row, values in enumerate((None, np.abs(pred_m - true_m) / true_m, np.log(pred_m / true_m))):
            self._sums[row] += np.bincount(band, values, minlength=len(BANDS_M) - 1)

    def result(self) -> list[dict]:
        """Returns each band's range, share of all pixels, AbsRel, and the factor by which depth is wrong on average."""
        pixels, relative, log = self._sums
        return [
            {
                "from_m": BANDS_M[place],
                "to_m": BANDS_M[place + 1] if place + 2 < len(BANDS_M) else None,
                "share": pixels[place] / pixels.sum(),
                "abs_rel": relative[place] / pixels[place],
                "factor": math.exp(log[place] / pixels[place]),
            }
            for place in np.flatnonzero(pixels)
        ]


def by_image(per_image: Sequence[dict], scenes: Sequence[str] | None) -> dict:
    """Returns the means of each kind of room, where scenes are known, and the images with the greatest AbsRel.

    Args:
      per_image: a row per image, with "index", its place in the split, and None for figures where no pixel was valid.
      scenes: of the split's images; a kind of room is NYU's name of a scene without its number.
    """
    groups = collections.defaultdict(list)
    rows = [row for row in per_image if row["abs_rel"] is not None]
    for row in rows if scenes else ():
        groups[re.sub(r"_\d.*", "", scenes[row["index"]])].append(row)
    means = {
        kind: {"num_images": len(group)} | {name: float(np.mean([row[name] for row in group])) for name in SHOWN}
        for kind, group in sorted(groups.items(), key=lambda item: -len(item[1]))
    }
    worst = sorted(rows, key=lambda row: -row["abs_rel"])[:NUM_WORST]
    return {"by_room": means, "worst": [{name: row[name] for name in ("index", *SHOWN)} for row in worst]}
