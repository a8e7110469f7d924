"""Metric depth from one RGB image with a small Keras network.

The modules, in the order in which the data passes through them; a program is run as `python -m depth_tf.<name>`.

    prepare          program: writes TFDS's `nyu_depth_v2` from whatever form of it is at hand
      sources, archive, download, frames, records, staging, scenes   what it is made of
    synthetic_rooms  furnished rooms, ray-cast, as a TFDS data set; needs no data
    folder, photos   one's own photographs with depth maps
    dataset          program and library: opens a data set by name as splits, and shows what it holds
      splits, tfds_records, sheet
    pipeline         resizes, cleans, caches, shuffles, augments and batches
      grid           the size, and the depths that count
      cache          where decoded images are kept
      augmentation   flips, zooms and changes of light, fixed by (seed, pass, place)
    model            the encoder-decoder
    losses           what training minimises
    keras_metrics    what training shows
    optimizers, schedules, callbacks   how training goes
      range_test, tensorboard, panels, progress
    distribute, multi_worker, resume   on which devices, and how a killed run goes on
    train            program: all of the above, then the score (training_settings: its flags)
    compare          program: a grid of optimizers, schedules and seeds (comparison draws it)
    protocols        which pixels count
      metrics        the nine figures, in NumPy
      floor          the mean depth map, which every method must beat
    evaluate         program: scores a run, or depth maps that any method wrote
      scoring, predictions, resizing
    figures          pictures with a scale in metres
    benchmark, scale   programs: how fast the pipeline is, what a larger data set costs
    report           program: writes the README's tables from result files

Shared by the programs: program (flags and errors), run_folder, storage, machine, memory, errors.
"""

import os

# Set before TensorFlow is imported, so that it logs less; a few lines still come before it reads this.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
