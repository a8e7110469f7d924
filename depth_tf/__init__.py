"""Metric depth from one RGB image with a small Keras network.

The modules, in the order in which the data passes through them:

    prepare         program: writes TFDS's `nyu_depth_v2` from whatever form of it is at hand
      sources, download, frames, records, staging, scenes   what it is made of
    dataset         opens a prepared data set as splits; holds whole scenes out
    pipeline        decodes, resizes, caches, shuffles and batches
      augmentation  flips, zooms and relights, as a function of (seed, epoch, position)
    model           the encoder-decoder
    losses          what training minimises
    keras_metrics   what training shows
    optimizers, schedules, callbacks, distribute   how training goes
    train           program: all of the above, then the score
    protocols       which pixels count
      metrics       the nine figures, in NumPy
      floor         the mean depth map, which every method must beat
    evaluate        program: scores a run, or depth maps that any method wrote (predictions)
    figures         pictures with a scale in metres
    benchmark       program: how fast the pipeline is
    report          program: writes the README's tables from result files

Shared by the programs: program (flags and errors), run_folder, storage, machine, errors.
"""

import os

# TensorFlow greets every program with lines about the processor; they are said before flags are read.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
