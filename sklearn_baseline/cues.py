"""What a learner sees of an image: cues on 15x20 cells, and five of the whole scene.

    fine, middle and coarse gradients   how much edge there is in each of 8 directions, at three sizes of image
    colour                              mean and spread of CIE Lab lightness and colour
    middle and coarse words             which patches the cell holds, in words learnt from the training images
    scene patches                       Fisher vector of the patches of the middle size
    scene colours                       Fisher vector of CIE Lab on 3x3 blocks around each spot
    fine, middle and coarse scene edges Fisher vectors of the gradients around each spot, much as SIFT takes them

The words are the single-layer features of Coates, Ng and Lee (AISTATS 2011): patches are normalised and whitened,
k-means finds typical ones, and a patch responds to each centre by how much nearer than average it is.
"""

import dataclasses
import itertools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import BaseEstimator
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA

from sklearn_baseline.fisher import FisherVector

CELLS = (15, 20)  # rows and columns
IMAGE_SHAPE = (180, 240)  # px of the fine size; the middle and the coarse one are each half of the one before
NUM_DIRECTIONS = 8
GRADIENTS, COLOUR, WORDS = slice(0, 24), slice(24, 30), slice(30, None)  # channels
# Of each channel up to the words, the one it becomes in the mirror image: directions turn the other way round.
MIRRORED = np.r_[[size + -direction % 8 for size in (0, 8, 16) for direction in range(8)], COLOUR]
PATCH_PX = 7
PATCH_NUMBERS = 3 * PATCH_PX**2
NUM_DIRECTIONS_KEPT = 64  # of a patch, when it is whitened
STRIDE_PX = 3
SPOT = 4  # rows and columns of blocks of `STRIDE_PX`, whose gradients make one spot of the scene's edges
SPOT_FLOOR = 0.02  # added to the length of a spot's gradients, so that noise on a flat wall is no pattern
COLOUR_SPOT = 3  # rows and columns of blocks whose colours make one spot of the scene's colours
# Whole-scene cues, and how many principal components of a patch or spot their Gaussians see.
SCENES = {"patches": 24, "colours": 24, "fine_edges": 40, "middle_edges": 40, "coarse_edges": 40}
SAMPLES = 100  # patches, and spots, that an image gives to each Fisher vector
# Added to a patch's variance, in grey levels squared, and to the eigenvalues when whitening: Coates et al., section 4.
CONTRAST_FLOOR, WHITENING_FLOOR = 10.0, 0.1
# Linear RGB to CIE XYZ, D65, with each row divided by the white point: IEC 61966-2-1 and CIE 15.
RGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
WHITE_XYZ = np.array([0.9505, 1.0, 1.089], np.float32)


@dataclasses.dataclass(eq=False, repr=False)
class PatchWords(BaseEstimator):
    """Learnt patch words of one image size, averaged over cells."""

    num_words: int = 256  # k-means centres
    num_components: int = 24  # principal components of a cell's responses that are kept, at most one per word
    num_patches: int = 60_000  # that the centres are learnt from
    random_state: int = 0

    def fit(self, images, y=None):
        """Learns the words from images [N, H, W, 3] float32, 0..1."""
        rng = np.random.default_rng(self.random_state)
        each = -(-self.num_patches // len(images))
        chosen = [rng.choice(patches(image).reshape(-1, PATCH_NUMBERS), each, replace=True) for image in images]
        sample = np.concatenate(chosen)
        mean = sample.mean(0)
        variances, directions = np.linalg.eigh(np.cov(sample - mean, rowvar=False))
        kept = slice(-NUM_DIRECTIONS_KEPT, None)  # the rest is noise, which the floor has made small
        self.whiten_ = (directions[:, kept] / np.sqrt(variances[kept] + WHITENING_FLOOR)).astype(np.float32)
        self.offset_ = mean @ self.whiten_
        kmeans = MiniBatchKMeans(
            self.num_words, init="random", n_init=1, batch_size=2048, max_iter=20, random_state=self.random_state
        )
        self.words_ = kmeans.fit(sample @ self.whiten_ - self.offset_).cluster_centers_.astype(np.float32)
        responses = np.concatenate([self.responses(patches(image)).reshape(-1, self.num_words) for image in images])
        self.pca_ = PCA(min(self.num_components, self.num_words), random_state=self.random_state).fit(responses)
        return self

    def responses(self, rows: np.ndarray) -> np.ndarray:
        """Returns [15, 20, num_words] float32, the square root of the mean response of a cell's `patches` to each."""
        white = rows.reshape(-1, PATCH_NUMBERS) @ self.whiten_
        white -= self.offset_
        distances = white @ (-2 * self.words_.T)  # in place from here on: each copy would cost as much as the product
        distances += np.einsum("ij,ij->i", white, white)[:, np.newaxis]
        distances += np.einsum("ij,ij->i", self.words_, self.words_)
        np.sqrt(np.maximum(distances, 0, out=distances), out=distances)
        nearness = np.subtract(distances.mean(1, keepdims=True), distances, out=distances)
        np.maximum(nearness, 0, out=nearness)
        return np.sqrt(block_mean(nearness.reshape(*rows.shape[:2], -1)))

    def describe(self, rows: np.ndarray) -> np.ndarray:
        """Returns [15, 20, num_components] float32 for one image's `patches`."""
        return (self.responses(rows) - self.pca_.mean_) @ self.pca_.components_.T


class DepthCues(PatchWords):
    """All cues of an image; the parameters are those of `PatchWords`."""

    def fit(self, images, y=None):
        """Learns words and Fisher vectors from images [N, 180, 240, 3] float32, 0..1."""
        middle = [half(image) for image in images]
        self.middle_words_ = PatchWords(**self.get_params()).fit(middle)
        self.coarse_words_ = PatchWords(**self.get_params()).fit([half(image) for image in middle])
        rng = np.random.default_rng(self.random_state)
        samples = {name: [] for name in SCENES}
        for image, shown in zip(images, middle, strict=True):
            lab = rgb_to_lab(image)
            for name, spots in scene(patches(shown), colour_blocks(lab), edge_blocks(lab)).items():
                samples[name].append(rng.choice(spots.reshape(-1, spots.shape[-1]), SAMPLES))
        self.scenes_ = {
            name: FisherVector(size, random_state=self.random_state).fit(np.concatenate(samples[name]))
            for name, size in SCENES.items()
        }
        return self

    def describe(self, image: np.ndarray) -> np.ndarray:
        """Returns the cues of an image [180, 240, 3] float32, 0..1, and of its mirror image, [2] of `dtype`."""
        lab, middle = rgb_to_lab(image), half(image)
        colours, edges = colour_blocks(lab), edge_blocks(lab)
        roots = [np.sqrt(np.sqrt(block_mean(edge))) for edge in edges]
        plain = np.concatenate([*roots, mean_and_spread(lab, CELLS)], axis=-1)
        turned = [edge[:, ::-1, MIRRORED[:NUM_DIRECTIONS]] for edge in edges]
        sides = (
            (plain, middle, (colours, edges)),
            (plain[:, ::-1, MIRRORED], middle[:, ::-1], (colours[:, ::-1], turned)),
        )
        cues = np.empty(2, self.dtype())
        for place, (cells, shown, others) in enumerate(sides):
            rows = patches(shown)
            words = (self.middle_words_.describe(rows), self.coarse_words_.describe(patches(half(shown))))
            cues["cells"][place] = np.concatenate([cells, *words], axis=-1)
            for name, spots in scene(rows, *others).items():
                cues[name][place] = self.scenes_[name].describe(spots)
        return cues

    def dtype(self) -> np.dtype:
        """Returns the form of one image's cues: float16 `cells` [15, 20, channels], and a vector for each scene cue."""
        channels = WORDS.start + 2 * min(self.num_components, self.num_words)
        scenes = [(name, "f2", FisherVector(size).length()) for name, size in SCENES.items()]
        return np.dtype([("cells", "f2", (*CELLS, channels)), *scenes])

    def groups(self) -> dict[str, tuple[str, slice]]:
        """Returns which field of `dtype`, and which of its channels, belong to which kind of cue."""
        words = min(self.num_components, self.num_words)
        sizes = dict.fromkeys(("fine gradients", "middle gradients", "coarse gradients"), NUM_DIRECTIONS)
        sizes |= {"colour": COLOUR.stop - COLOUR.start, "middle words": words, "coarse words": words}
        ends = itertools.accumulate(sizes.values())
        cells = {name: ("cells", slice(end - sizes[name], end)) for name, end in zip(sizes, ends, strict=True)}
        return cells | {f"scene {name.replace('_', ' ')}": (name, slice(None)) for name in SCENES}


def scene(rows: np.ndarray, colours: np.ndarray, edges: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the patches or spots [rows, columns, numbers] of each of `SCENES`.

    From an image's `patches` at the middle size, its `colour_blocks` and its `edge_blocks`.
    """
    fine, middle, coarse = edges
    return {
        "patches": rows[:, ::2],  # every second tells enough
        "colours": windows(colours, COLOUR_SPOT, step=(1, 2)),
        "fine_edges": edge_shares(windows(fine, SPOT, step=(2, 2))),
        "middle_edges": edge_shares(windows(middle, SPOT, step=(1, 2))),
        "coarse_edges": edge_shares(windows(coarse, SPOT)),
    }


def edge_shares(spots: np.ndarray) -> np.ndarray:
    """Returns the square roots of a spot's gradients in each block and direction, these divided by their length."""
    return np.sqrt(spots / (np.linalg.norm(spots, axis=-1, keepdims=True) + np.float32(SPOT_FLOOR)))


def windows(values: np.ndarray, size: int, step: tuple[int, int] = (1, 1)) -> np.ndarray:
    """Returns squares of `size` rows and columns of [H, W, C], one a step down and across, as [rows, columns, any]."""
    squares = sliding_window_view(values, (size, size), axis=(0, 1))[:: step[0], :: step[1]]
    return squares.reshape(*squares.shape[:2], -1)


def edge_blocks(lab: np.ndarray) -> list[np.ndarray]:
    """Returns the gradients of CIE Lab's lightness at the three sizes, mean over 3x3 px: [60, 80, 8] and smaller."""
    fine = lab[..., :1]
    middle = half(fine)
    energies = (gradients(grey[..., 0]) for grey in (fine, middle, half(middle)))
    return [block_mean(energy, thirds(energy)) for energy in energies]


def colour_blocks(lab: np.ndarray) -> np.ndarray:
    """Returns mean and spread of CIE Lab [180, 240, 3] at the middle size over 3x3 px, [30, 40, 6]."""
    middle = half(lab)
    return mean_and_spread(middle, thirds(middle))


def mean_and_spread(values: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Returns mean and standard deviation of [H, W, C] over blocks, [*grid, 2 * C]."""
    mean = block_mean(values, grid)
    return np.concatenate([mean, np.sqrt(np.maximum(block_mean(values**2, grid) - mean**2, 0))], axis=-1)


def patches(image: np.ndarray) -> np.ndarray:
    """Returns all 7x7 patches, 3 px apart, as [H/3, W/3, 147], each normalised; the image is mirrored at its border."""
    margin = (PATCH_PX - STRIDE_PX) // 2  # so that the patches of the mirror image are the mirrored ones
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    squares = sliding_window_view(padded, (PATCH_PX, PATCH_PX), axis=(0, 1))[::STRIDE_PX, ::STRIDE_PX]
    rows = normalised(squares.reshape(-1, PATCH_NUMBERS) * np.float32(255))
    return rows.reshape(*squares.shape[:2], PATCH_NUMBERS)


def normalised(rows: np.ndarray) -> np.ndarray:
    """Returns each row less its mean, over its standard deviation."""
    centred = rows - rows.mean(1, keepdims=True)
    variance = np.einsum("ij,ij->i", centred, centred) / np.float32(rows.shape[1])
    centred /= np.sqrt(variance + np.float32(CONTRAST_FLOOR))[:, np.newaxis]
    return centred


def gradients(grey: np.ndarray) -> np.ndarray:
    """Returns the length of the gradient of grey [H, W] in each of 8 directions, [H, W, 8] float32.

    Directions are of the gradient, modulo half a turn: 0 is across a vertical edge. A gradient between two of them
    is shared out.
    """
    down, right = np.gradient(grey)
    length = np.sqrt(down * down + right * right)
    position = np.arctan2(down, right) * np.float32(NUM_DIRECTIONS / np.pi)
    energy = np.empty((*grey.shape, NUM_DIRECTIONS), np.float32)
    for direction in range(NUM_DIRECTIONS):  # in turn: to scatter each pixel's two shares takes three times as long
        off = np.abs(position - direction)
        off = np.minimum(off, np.abs(off - NUM_DIRECTIONS))  # half a turn on is the same direction
        energy[..., direction] = length * np.maximum(1 - off, 0)
    return energy


def rgb_to_lab(image: np.ndarray) -> np.ndarray:
    """Returns CIE Lab of sRGB [H, W, 3] float32, 0..1, each channel divided by 100."""
    bright = np.exp(np.float32(2.4) * np.log((image + np.float32(0.055)) / np.float32(1.055)))
    linear = np.where(image > 0.04045, bright, image / np.float32(12.92))
    relative = np.maximum(linear @ (RGB_TO_XYZ / WHITE_XYZ[:, np.newaxis]).T, np.float32(1e-9))
    # The cube root, but four times as fast; the linear piece near black is left out, as no cue is there.
    x, y, z = np.moveaxis(np.exp(np.log(relative) / np.float32(3)), -1, 0)
    return np.stack([1.16 * y - 0.16, 5 * (x - y), 2 * (y - z)], axis=-1)


def block_mean(values: np.ndarray, grid: tuple[int, int] = CELLS) -> np.ndarray:
    """Returns [..., rows, columns, C] float32, means of [..., H, W, C] over equal blocks; `grid` divides H and W."""
    values = values.astype(np.float32, copy=False)
    down, across = (size // parts for size, parts in zip(values.shape[-3:-1], grid, strict=True))
    rows = sum(values[..., first::down, :, :] for first in range(down))  # row by row: `mean` over both axes is slow
    return sum(rows[..., first::across, :] for first in range(across)) / np.float32(down * across)


def half(image: np.ndarray) -> np.ndarray:
    """Returns [H/2, W/2, C], means over 2x2 px."""
    return block_mean(image, (image.shape[0] // 2, image.shape[1] // 2))


def thirds(values: np.ndarray) -> tuple[int, int]:
    """Returns how many rows and columns of blocks of 3x3 px are in [H, W, C]."""
    return values.shape[0] // STRIDE_PX, values.shape[1] // STRIDE_PX


def rounded(values: np.ndarray) -> np.ndarray:
    """Returns float32 rounded to 8 bits, within a 256th of itself: files are compressed, and the rest is of no use."""
    mantissas, exponents = np.frexp(values.astype(np.float32))
    return np.ldexp(np.round(mantissas * 256) / np.float32(256), exponents)
