"""Depth as what is learnt: the share of each cell that is farther than each of a row of levels, even in ln metres.

A regressor with squared error predicts a mean. The mean of a share is a probability, and where it falls through about
a half is about the median depth: what delta1 and relative error reward, and what the mean of log depth misses where a
wall might as well be near as far. Frank and Hall (ECML 2001) learn ordered classes so, DORN (Fu et al., CVPR 2018)
depth.
"""

import numpy as np

from sklearn_baseline.cues import CELLS

NUM_LEVELS = 12
OUTSIDE = 0.002  # share of the depths that may lie below the first level, and above the last
# Share at which a depth is read off, at the nearest level and at the farthest; a half would be the median. What is
# learnt from few images keeps too much to the middle: near depths come out too far, and far ones too near.
READ_OFF = (0.58, 0.46)
LEAST_STEP = 0.01  # between levels, ln metres


def choose(log_depths: np.ndarray) -> np.ndarray:
    """Returns the levels [12] float32, ln metres, that fit maps of ln metres with NaN where missing."""
    first, last = np.nanquantile(log_depths, (OUTSIDE, 1 - OUTSIDE))
    return np.linspace(first, max(last, first + LEAST_STEP * (NUM_LEVELS - 1)), NUM_LEVELS, dtype=np.float32)


def encode(log_depths: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Returns the shares [N, 15, 20, levels] float32 of maps [N, 30, 40] ln metres; NaN in cells with a gap.

    A depth half a step or more beyond a level counts in full, one as far before it not at all.
    """
    rows, columns = CELLS
    quarters = log_depths.reshape(-1, rows, 2, columns, 2)
    step = levels[1] - levels[0]
    shares = np.empty((len(quarters), rows, columns, len(levels)), np.float32)
    for place, level in enumerate(levels):
        shares[..., place] = np.clip((quarters - level) / step + 0.5, 0, 1).mean((2, 4))
    return shares


def decode(shares: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Returns ln metres [N, 15, 20] float32, read off shares [N, 15, 20, levels]; none is beyond the levels."""
    margin = np.minimum.accumulate(shares, axis=-1) - np.linspace(*READ_OFF, len(levels), dtype=np.float32)
    before = np.clip(np.minimum.accumulate(margin >= 0, axis=-1).sum(-1, keepdims=True) - 1, 0, len(levels) - 2)
    above, below = (np.take_along_axis(margin, before + offset, axis=-1)[..., 0] for offset in (0, 1))
    part = np.clip(above / np.maximum(above - below, 1e-6), 0, 1)
    return (levels[before[..., 0]] + part * (levels[1] - levels[0])).astype(np.float32)
