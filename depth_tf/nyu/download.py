"""The FastDepth archive as TFDS downloads it: 34.3 GB from one server, which is often away."""

import pathlib
import shutil

import requests
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import checksums, download_manager, resource, util

from depth_tf.nyu.sources import ArchiveSource
from depth_tf.runtime import atomic_folders, program
from depth_tf.runtime.errors import InputError

# Address, size and checksum: what TFDS 4.9.10 holds of its builder nyu_depth_v2.
ARCHIVE_URL = "http://datasets.lids.mit.edu/fastdepth/data/nyudepthv2.tar.gz"
ARCHIVE_BYTES = 34_276_493_134
ARCHIVE_SHA256 = "063b5762eeb3041614bf40722ea5cf805cb8ca052e56f3d1c63cfd229e7ff7b3"
EXTRACTED_GB = 104
RECORDS_GB = 83  # 48,238 examples of 1.73 MB
PROBE_SECONDS = 5
MIRRORS = (  # dwofk/fast-depth#69
    "users name as mirrors Hugging Face sayakpaul/nyu_depth_v2 (the same .h5 files) and Kaggle"
    " awsaf49/official-split-dataset (PNG files); --source takes the archive, a folder"
    " nyudepthv2/{train,val}/<scene>/<frame>.h5, or nyu_depth_v2_labeled.mat, which"
    " https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html links"
)


class DownloadedArchive(ArchiveSource):
    """FastDepth's archive, which TFDS downloads into `<data_dir>/downloads` when frames are chosen."""

    kind = "tfds_download"

    def __init__(self, data_dir: pathlib.Path):
        self._data_dir = data_dir
        self.fingerprint = ARCHIVE_SHA256[:16]

    def choose(self, max_images: int) -> None:
        """Downloads the archive unless it is there, then keeps `max_images` frames per split; 0 keeps all."""
        downloads = self._data_dir / "downloads"
        name = resource.get_dl_fname(ARCHIVE_URL, ARCHIVE_SHA256)
        cached = any(resource.is_locally_cached(found) for found in downloads.rglob(name))  # as TFDS asks
        needed_gb = (0 if cached else ARCHIVE_BYTES / 1e9) + (0 if max_images else RECORDS_GB)
        program.say(
            f"TFDS's source: {ARCHIVE_BYTES / 1e9:.1f} GB to download{' (here already)' if cached else ''}, up to"
            f" {EXTRACTED_GB} GB when extracted (not here: it is read as a stream), {RECORDS_GB} GB of records for"
            f" all images; this run needs {needed_gb:.1f} GB in {self._data_dir}"
        )
        atomic_folders.require_free(self._data_dir, needed_gb, "NYU Depth V2")
        if not cached:
            probe(ARCHIVE_URL)
        self._path = download(downloads)
        super().choose(max_images)


def probe(url: str) -> None:
    """Asks the server for the head of `url`; TFDS itself would retry for 205 s before it gives up."""
    try:
        requests.head(url, timeout=PROBE_SECONDS, allow_redirects=True).raise_for_status()
    except requests.RequestException as error:
        raise InputError(f"cannot download {url} ({error}): {MIRRORS}") from error


def download(downloads: pathlib.Path) -> pathlib.Path:
    """Lets TFDS download the archive, check it, and keep it in `downloads`; returns its path."""
    for partial in downloads.rglob("*.tmp.*"):  # of a run that was killed: TFDS starts from the beginning
        shutil.rmtree(partial)
    expected = checksums.UrlInfo(size=ARCHIVE_BYTES, checksum=ARCHIVE_SHA256, filename=ARCHIVE_URL.split("/")[-1])
    manager = tfds.download.DownloadManager(
        download_dir=downloads, url_infos={ARCHIVE_URL: expected}, dataset_name="nyu_depth_v2"
    )
    try:
        return pathlib.Path(manager.download(ARCHIVE_URL))
    except (util.DownloadError, download_manager.NonMatchingChecksumError, requests.RequestException) as error:
        raise InputError(f"the download of {ARCHIVE_URL} failed ({error}): run again; {MIRRORS}") from error
