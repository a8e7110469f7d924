"""A network that is traced in no time, for tests of what surrounds one, and `depth_tf.train` with it.

python -m tests.quick_train --network=quick
"""

from depth_tf import model
from depth_tf.runtime import program


def build_quick(height_px: int, width_px: int, *, normalization: str = "batch", **_):
    """Returns a network of two convolutions, which ends as those of the package do."""
    import keras

    image = keras.Input((height_px, width_px, 3))
    scaled = keras.layers.Rescaling(1 / 255)(image)
    hidden = keras.layers.Conv2D(8, 3, padding="same", use_bias=False, name="only_conv")(scaled)
    if normalization == "batch":
        hidden = keras.layers.BatchNormalization(momentum=0.9, name="only_norm")(hidden)
    else:
        hidden = keras.layers.GroupNormalization(groups=8, name="only_norm")(hidden)
    hidden = keras.layers.Activation("relu")(hidden)
    log_depth = keras.layers.Rescaling(1.0)(keras.layers.Conv2D(1, 3, padding="same")(hidden))
    return keras.Model(image, keras.layers.Activation("exponential")(log_depth), name="depth_network")


model.NETWORKS["quick"] = build_quick

if __name__ == "__main__":
    from depth_tf import train  # not earlier: its --network offers the networks that are there by then

    program.run(train.main, train.Settings)
