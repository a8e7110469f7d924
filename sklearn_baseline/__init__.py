"""Depth from one image with scikit-learn alone, in the order the data takes.

dataset      reads as many pairs as the memory allows, spread over the scenes
views        more views of a training image: zoomed with its depth divided by the zoom, relit
fisher       which kinds of patches an image holds, and how they deviate from each
cues         what a learner sees of an image: gradients, colour and learnt patch words on 15x20 cells, Fisher vectors
levels       depth as the share of each cell that is farther than each of a row of levels
holistic     the whole image at once: kernel ridge onto a basis of maps, by all kinds of cues and by each alone
cells        cell by cell: perceptrons of what is around it
stacking     both: the perceptrons look at what kernel ridge thinks too
models       the families by name, of which the stack is the one chosen
estimator    DepthRegressor, scikit-learn's interface to the above
persistence  model files without pickle
train        program: learns, saves, scores
predict      program: depth of photographs, or of a split for depth_tf.evaluate
compare      program: all families on the same cues, each in a process of its own (`measure`)
importance   program: what a model looks at
panels       program: this prediction beside a network's
"""

VERSION = "3"  # of the model file: a change of any part that a fitted model needs makes it another
