"""Made-up frames in the forms NYU Depth V2 comes in: FastDepth's folder and archive, and the labelled .mat."""

import pathlib
import tarfile

import h5py
import numpy as np

# {TFDS's split: {(folder, file name): ...}}: two takes of one cafe; official test images 1 and 9.
NAMES = {
    "train": [
        ("cafe_0001a", "00001.h5"),
        ("cafe_0001a", "00002.h5"),
        ("cafe_0001c", "00001.h5"),
        ("office_0003", "00001.h5"),
        ("office_0003", "00017.h5"),
    ],
    "validation": [("official", "00001.h5"), ("official", "00009.h5")],
}
SCENES = {
    "cafe_0001a": "cafe_0001",
    "cafe_0001c": "cafe_0001",
    "office_0003": "office_0003",
    "00001.h5": "kitchen_0004",
    "00009.h5": "office_0005",
}
FOLDERS = {"train": "train", "validation": "val"}
MAT_ROWS = {3: "office_0003", 44: "bathroom_0002", 1: "kitchen_0004"}  # 1-based; two train, one test image


def made_up_pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns an image, [480, 640, 3] uint8, and a depth map, [480, 640] float32, metres, of random blocks."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (12, 16, 3), dtype=np.uint8).repeat(40, 0).repeat(40, 1)
    depth_m = random.uniform(0.7, 10, (12, 16)).astype(np.float32).repeat(40, 0).repeat(40, 1)
    return image, depth_m


def made_up_frames() -> dict[str, dict[str, tuple[str, np.ndarray, np.ndarray]]]:
    """Returns {TFDS's split: {key: (scene, image, depth_m)}} of what `write_folder` writes."""
    frames, seed = {}, 0
    for split, names in NAMES.items():
        frames[split] = {}
        for folder, name in names:
            seed += 1
            scene = SCENES[name if folder == "official" else folder]
            frames[split][f"{folder}_{name}"] = (scene, *made_up_pair(seed))
    return frames


def write_folder(parent: pathlib.Path) -> pathlib.Path:
    """Writes `nyudepthv2/` in `parent`, with a macOS note that is no frame, and returns it."""
    root = parent / "nyudepthv2"
    for split, frames in made_up_frames().items():
        for (folder, name), (_, image, depth_m) in zip(NAMES[split], frames.values(), strict=True):
            path = root / FOLDERS[split] / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(path, "w") as file:
                file["rgb"] = image.transpose(2, 0, 1)
                file["depth"] = depth_m
    (root / "train" / "cafe_0001a" / "._00001.h5").write_bytes(b"a note")
    return root


def write_archive(folder: pathlib.Path, path: pathlib.Path) -> pathlib.Path:
    """Packs the folder `nyudepthv2/` as `path`, a .tar.gz, and returns `path`."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.add(folder, arcname="nyudepthv2")
    return path


def labeled_frames() -> dict[str, dict[str, tuple[str, np.ndarray, np.ndarray]]]:
    """Returns {TFDS's split: {key: (scene, image, depth_m)}} of the rows that `write_labeled` fills."""
    frames = {"train": {}, "validation": {}}
    for row, scene in MAT_ROWS.items():
        split = "validation" if row == 1 else "train"
        frames[split][f"{scene}_{row:05d}.h5"] = (scene, *made_up_pair(row))
    return frames


def write_labeled(path: pathlib.Path, *, rows: int = 1449) -> pathlib.Path:
    """Writes a labelled set of `rows` pairs in MATLAB's axis order, zero but for MAT_ROWS, and returns `path`."""
    with h5py.File(path, "w", userblock_size=512) as file:  # MATLAB's header stands before the HDF5 part
        images = file.create_dataset("images", (rows, 3, 640, 480), np.uint8, chunks=(1, 3, 640, 480))
        depths = file.create_dataset("depths", (rows, 640, 480), np.float32, chunks=(1, 640, 480))
        for row in MAT_ROWS:
            image, depth_m = made_up_pair(row)
            images[row - 1] = image.transpose(2, 1, 0)
            depths[row - 1] = depth_m.T
    return path
