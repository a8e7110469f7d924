"""Which kinds of patches a whole image holds, and how they deviate from each kind: Fisher vectors.

Perronnin, Sanchez and Mensink, Improving the Fisher Kernel, ECCV 2010: a mixture of Gaussians is learnt from patches of
many images; an image is described by which way its patches would move each Gaussian's mean and spread.
"""

import dataclasses
import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

NUM_BANDS = 3  # of equal height, which an image's rows of patches are shared out to
LEAST_VARIANCE = 1e-3  # of a Gaussian, and added to a component's variance


@dataclasses.dataclass(eq=False, repr=False)
class FisherVector(BaseEstimator):
    """Describes images by the Fisher vectors of their upper, middle and lower patches."""

    num_components: int = 24  # principal components of a patch
    num_gaussians: int = 32
    random_state: int = 0

    def fit(self, rows, y=None):
        """Learns from patches of many images, [N, numbers]."""
        self.mean_ = rows.mean(0)
        variances, directions = np.linalg.eigh(np.cov(rows - self.mean_, rowvar=False))
        kept = slice(-1, -self.num_components - 1, -1)
        self.whiten_ = (directions[:, kept] / np.sqrt(variances[kept] + LEAST_VARIANCE)).astype(np.float32)
        mixture = GaussianMixture(
            self.num_gaussians, covariance_type="diag", reg_covar=LEAST_VARIANCE, max_iter=25,
            init_params="random_from_data", random_state=self.random_state,
        )  # fmt: skip
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # nearly settled is good enough
            mixture.fit((rows - self.mean_) @ self.whiten_)
        fitted = (mixture.weights_, mixture.means_, mixture.covariances_)
        self.weights_, self.means_, self.variances_ = (values.astype(np.float32) for values in fitted)
        return self

    def describe(self, patches: np.ndarray) -> np.ndarray:
        """Returns `length` numbers, float32, of patches [rows, columns, numbers]; each band's have a norm of 1."""
        rows = (patches - self.mean_) @ self.whiten_
        bands = zip(np.array_split(rows, NUM_BANDS), np.array_split(self._shares(rows), NUM_BANDS), strict=True)
        return np.concatenate([self._vector(*(part.reshape(-1, part.shape[-1]) for part in band)) for band in bands])

    def length(self) -> int:
        """Returns how many numbers describe an image."""
        return NUM_BANDS * 2 * self.num_gaussians * self.num_components

    def _shares(self, rows: np.ndarray) -> np.ndarray:
        """Returns how much of each of [..., components] is each Gaussian's, [..., Gaussians]."""
        precisions = 1 / self.variances_
        log_shares = rows @ (self.means_ * precisions).T - (rows * rows) @ precisions.T / 2
        constant = np.log(precisions).sum(1) - (self.means_**2 * precisions).sum(1)
        log_shares += np.log(self.weights_) + constant / 2
        shares = np.exp(log_shares - log_shares.max(-1, keepdims=True))
        return shares / shares.sum(-1, keepdims=True)

    def _vector(self, rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
        squares = rows * rows
        count, total, total_squares = shares.sum(0)[:, np.newaxis], shares.T @ rows, shares.T @ squares
        moved = (total - count * self.means_) / np.sqrt(self.variances_)
        spread = (
            total_squares - 2 * self.means_ * total + count * (self.means_**2 - self.variances_)
        ) / self.variances_
        root_weights = np.sqrt(self.weights_)[:, np.newaxis]
        vector = np.concatenate([moved / root_weights, spread / (np.sqrt(2) * root_weights)]).ravel()
        vector = np.sign(vector) * np.sqrt(np.abs(vector))
        return vector / max(np.linalg.norm(vector), 1e-12)
