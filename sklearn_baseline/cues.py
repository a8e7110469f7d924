"""What a learner sees of an image: cues on 15x20 cells, and two of the whole scene.

    fine, middle and coarse gradients   how much edge there is in each of 8 directions, at three sizes of image
    colour                              mean and spread of CIE Lab lightness and colour
    middle and coarse words             which patches the cell holds, in words learnt from the training images
    scene patches                       Fisher vector of the patches of the middle size
    scene edges                         Fisher vector of its gradients around each spot, much as SIFT takes them

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
STRIDE_PX = 3
SPOT = 4  # rows and columns of blocks of `STRIDE_PX`, whose gradients make one spot of the scene's edges
SPOT_FLOOR = 0.02  # added to the length of a spot's gradients, so that noise on a flat wall is no pattern
SPOT_COMPONENTS = 40
SAMPLES = 100  # patches, and spots, that an image gives to the Fisher vectors
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
        chosen = [rng.choice(patches(image), each, replace=True) for image in images]
        sample = normalised(np.concatenate(chosen))
        mean = sample.mean(0)
        variances, directions = np.linalg.eigh(np.cov(sample - mean, rowvar=False))
        self.whiten_ = ((directions / np.sqrt(variances + WHITENING_FLOOR)) @ directions.T).astype(np.float32)
        self.offset_ = mean @ self.whiten_
        kmeans = MiniBatchKMeans(
            self.num_words, init="random", n_init=1, batch_size=2048, max_iter=20, random_state=self.random_state
        )
        self.words_ = kmeans.fit(sample @ self.whiten_ - self.offset_).cluster_centers_.astype(np.float32)
        responses = np.concatenate([self.responses(image).reshape(-1, self.num_words) for image in images])
        self.pca_ = PCA(min(self.num_components, self.num_words), random_state=self.random_state).fit(responses)
        return self

    def responses(self, image: np.ndarray) -> np.ndarray:
        """Returns [15, 20, num_words] float32, the square root of the mean response to each word in each cell."""
        white = normalised(patches(image)) @ self.whiten_
        white -= self.offset_
        distances = white @ (-2 * self.words_.T)  # in place from here on: each copy would cost as much as the product
        distances += np.einsum("ij,ij->i", white, white)[:, np.newaxis]
        distances += np.einsum("ij,ij->i", self.words_, self.words_)
        np.sqrt(np.maximum(distances, 0, out=distances), out=distances)
        nearness = np.subtract(distances.mean(1, keepdims=True), distances, out=distances)
        np.maximum(nearness, 0, out=nearness)
        return np.sqrt(block_mean(nearness.reshape(image.shape[0] // STRIDE_PX, image.shape[1] // STRIDE_PX, -1)))

    def describe(self, image: np.ndarray) -> np.ndarray:
        """Returns [15, 20, num_components] float32 for one image."""
        return (self.responses(image) - self.pca_.mean_) @ self.pca_.components_.T


class DepthCues(PatchWords):
    """All cues of an image; the parameters are those of `PatchWords`."""

    def fit(self, images, y=None):
        """Learns words and Fisher vectors from images [N, 180, 240, 3] float32, 0..1."""
        middle = [half(image) for image in images]
        self.middle_words_ = PatchWords(**self.get_params()).fit(middle)
        self.coarse_words_ = PatchWords(**self.get_params()).fit([half(image) for image in middle])
        rng = np.random.default_rng(self.random_state)
        scenes = (scene(image, gradients(rgb_to_lab(image)[..., 0])) for image in middle)
        some = [[rng.choice(part.reshape(-1, part.shape[-1]), SAMPLES) for part in seen] for seen in scenes]
        patch_rows, spot_rows = (np.concatenate(rows) for rows in zip(*some, strict=True))
        self.scene_patches_ = FisherVector(random_state=self.random_state).fit(patch_rows)
        self.scene_edges_ = FisherVector(SPOT_COMPONENTS, random_state=self.random_state).fit(spot_rows)
        return self

    def describe(self, image: np.ndarray) -> np.ndarray:
        """Returns the cues of an image [180, 240, 3] float32, 0..1, and of its mirror image, [2] of `dtype`."""
        lab, middle = rgb_to_lab(image), half(image)
        lightness = (lab[..., :1], half(lab[..., :1]), half(half(lab[..., :1])))
        energies = [gradients(grey[..., 0]) for grey in lightness]
        mean = block_mean(lab)
        spread = np.sqrt(np.maximum(block_mean(lab**2) - mean**2, 0))
        plain = np.concatenate([*(np.sqrt(np.sqrt(block_mean(energy))) for energy in energies), mean, spread], axis=-1)
        sides = ((middle, energies[1]), (np.ascontiguousarray(middle[:, ::-1]), energies[1][:, ::-1, MIRRORED[:8]]))
        patch_rows, spots = (np.concatenate(both, axis=1) for both in zip(*(scene(*one) for one in sides), strict=True))
        cues = np.empty(2, self.dtype())
        for place, (shown, _) in enumerate(sides):
            words = (self.middle_words_.describe(shown), self.coarse_words_.describe(half(shown)))
            cues["cells"][place] = np.concatenate([plain[:, ::-1, MIRRORED] if place else plain, *words], axis=-1)
        cues["patches"], cues["edges"] = self.scene_patches_.describe(patch_rows), self.scene_edges_.describe(spots)
        return cues

    def dtype(self) -> np.dtype:
        """Returns the form of one image's cues: float16 `cells` [15, 20, channels], `patches` and `edges`."""
        channels = WORDS.start + 2 * min(self.num_components, self.num_words)
        scene_lengths = {"patches": FisherVector().length(), "edges": FisherVector(SPOT_COMPONENTS).length()}
        return np.dtype([("cells", "f2", (*CELLS, channels)), *((name, "f2", n) for name, n in scene_lengths.items())])

    def groups(self) -> dict[str, tuple[str, slice]]:
        """Returns which field of `dtype`, and which of its channels, belong to which kind of cue."""
        words = min(self.num_components, self.num_words)
        sizes = dict.fromkeys(("fine gradients", "middle gradients", "coarse gradients"), NUM_DIRECTIONS)
        sizes |= {"colour": COLOUR.stop - COLOUR.start, "middle words": words, "coarse words": words}
        ends = itertools.accumulate(sizes.values())
        cells = {name: ("cells", slice(end - sizes[name], end)) for name, end in zip(sizes, ends, strict=True)}
        return cells | {"scene patches": ("patches", slice(None)), "scene edges": ("edges", slice(None))}


def scene(image: np.ndarray, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns patches and spots [rows, columns, numbers] of an image [90, 120, 3] float32, 0..1, and its gradients."""
    rows, columns = (size // STRIDE_PX for size in image.shape[:2])
    spots = sliding_window_view(block_mean(energy, (rows, columns)), (SPOT, SPOT), axis=(0, 1))
    spots = spots.reshape(*spots.shape[:2], NUM_DIRECTIONS * SPOT**2)
    spots = np.sqrt(spots / (np.linalg.norm(spots, axis=-1, keepdims=True) + np.float32(SPOT_FLOOR)))
    return normalised(patches(image)).reshape(rows, columns, -1), spots


def patches(image: np.ndarray) -> np.ndarray:
    """Returns all 7x7 patches, 3 px apart, as [H/3 * W/3, 147] in grey levels 0..255; mirrored at the border."""
    margin = (PATCH_PX - STRIDE_PX) // 2  # so that the patches of the mirror image are the mirrored ones
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    windows = sliding_window_view(padded, (PATCH_PX, PATCH_PX), axis=(0, 1))[::STRIDE_PX, ::STRIDE_PX]
    return windows.reshape(-1, 3 * PATCH_PX**2) * np.float32(255)


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
    length = np.hypot(down, right)
    position = np.arctan2(down, right) % np.pi * NUM_DIRECTIONS / np.pi
    first = np.floor(position).astype(int)
    second_share = position - first
    energy = np.zeros((*grey.shape, NUM_DIRECTIONS), np.float32)
    rows, columns = np.indices(grey.shape, sparse=True)
    energy[rows, columns, first % NUM_DIRECTIONS] = length * (1 - second_share)
    energy[rows, columns, (first + 1) % NUM_DIRECTIONS] += length * second_share
    return energy


def rgb_to_lab(image: np.ndarray) -> np.ndarray:
    """Returns CIE Lab of sRGB [H, W, 3] float32, 0..1, each channel divided by 100."""
    linear = np.where(image > 0.04045, ((image + 0.055) / 1.055) ** 2.4, image / 12.92).astype(np.float32)
    root = np.cbrt(linear @ RGB_TO_XYZ.T / WHITE_XYZ)  # the linear piece near black is left out: no cue is there
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([1.16 * y - 0.16, 5 * (x - y), 2 * (y - z)], axis=-1)


def block_mean(values: np.ndarray, grid: tuple[int, int] = CELLS) -> np.ndarray:
    """Returns [..., rows, columns, C], means of [..., H, W, C] over equal blocks; `grid` must divide H and W."""
    *lead, height, width, channels = values.shape
    blocks = values.reshape(*lead, grid[0], height // grid[0], grid[1], width // grid[1], channels)
    return blocks.mean((-4, -2), dtype=np.float32)


def half(image: np.ndarray) -> np.ndarray:
    """Returns [H/2, W/2, C], means over 2x2 px."""
    return block_mean(image, (image.shape[0] // 2, image.shape[1] // 2))


def rounded(values: np.ndarray) -> np.ndarray:
    """Returns float32 rounded to what float16 holds, 11 bits: files are compressed, and the rest is of no use."""
    return values.astype(np.float16).astype(np.float32)
