"""The optimizers: a step by hand, decoupled decay, clipping, averaging."""

import keras
import numpy as np
import pytest

from depth_tf.optimizers import CLIP_NORM, EMA_MOMENTUM, OPTIMIZERS, build_optimizer, recipe
from depth_tf.runtime.errors import InputError


def _variable(value: float, name: str = "kernel") -> keras.Variable:
    return keras.Variable(np.float32([value]), name=name)


def _step(optimizer: keras.optimizers.Optimizer, variable: keras.Variable, gradient: float) -> float:
    optimizer.apply([np.float32([gradient])], [variable])
    return float(variable.numpy()[0])


def test_sgd_takes_nesterovs_step():
    """v = m v - r g; w = w + m v - r g (Sutskever et al. 2013, in the form Keras documents)."""
    optimizer, variable = build_optimizer("sgd", 0.1, weight_decay=0.0), _variable(1.0)
    speed, expected = 0.0, 1.0
    for _ in range(3):
        speed = 0.9 * speed - 0.1 * 0.5
        expected += 0.9 * speed - 0.1 * 0.5
        assert _step(optimizer, variable, 0.5) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adams_first_step_is_the_rate_whatever_the_gradient(name):
    for gradient in (0.05, 0.5):
        variable = _variable(1.0)
        assert _step(build_optimizer(name, 0.01, weight_decay=0.0), variable, gradient) == pytest.approx(0.99, abs=1e-5)


def test_rmsprops_first_step_is_the_rate_over_the_root_of_a_tenth():
    """The mean of squares starts at 0 and takes a tenth of g^2 in, so the step is r g / sqrt(.1 g^2)."""
    stepped = _step(build_optimizer("rmsprop", 0.01, weight_decay=0.0), _variable(1.0), 0.5)
    assert stepped == pytest.approx(1 - 0.01 / np.sqrt(0.1), abs=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_decay_shrinks_kernels_by_its_share_of_the_rate_and_leaves_shifts_and_scales(name):
    """With no gradient nothing but the decay moves a weight: w becomes w (1 - rate * decay), in every optimizer."""
    for part, expected in (("kernel", 2 * (1 - 0.01 * 0.1)), ("gamma", 2.0), ("beta", 2.0), ("bias", 2.0)):
        stepped = _step(build_optimizer(name, 0.01, weight_decay=0.1), _variable(2.0, part), 0.0)
        assert stepped == pytest.approx(expected, rel=1e-6), part


def test_a_gradient_longer_than_the_limit_is_shortened_to_it():
    long, limit = _variable(0.0), _variable(0.0)
    optimizer = build_optimizer("sgd", 0.1, weight_decay=0.0)
    assert _step(optimizer, long, 1000.0) == pytest.approx(
        _step(build_optimizer("sgd", 0.1, weight_decay=0.0), limit, CLIP_NORM)
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_has_its_own_rate_and_finds_the_bottom_of_a_bowl(name):
    optimizer, variable = build_optimizer(name, recipe(name).learning_rate, weight_decay=0.0), _variable(0.05)
    for _ in range(100):
        value = _step(optimizer, variable, 2 * float(variable.numpy()[0]))
    assert abs(value) < 0.01


def test_ema_follows_the_formula():
    optimizer, variable = build_optimizer("sgd", 0.1, weight_decay=0.0, ema=True), _variable(1.0)
    average = _step(optimizer, variable, 0.5)  # the first step's weights start the average
    for _ in range(5):
        average = EMA_MOMENTUM * average + (1 - EMA_MOMENTUM) * _step(optimizer, variable, 0.5)
    optimizer.finalize_variable_values([variable])
    assert float(variable.numpy()[0]) == pytest.approx(average, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lion", 0.1), "unknown optimizer 'lion': expected one of sgd, adam, rmsprop, adamw"),
        (("sgd", 0.0), "--learning_rate above 0, got 0"),
        (("sgd", float("nan")), "--learning_rate above 0, got nan"),
    ],
)
def test_bad_choices_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        build_optimizer(*arguments)


def test_a_negative_decay_is_refused():
    with pytest.raises(InputError, match="--weight_decay of 0 or more, got -0.1"):
        build_optimizer("sgd", 0.1, weight_decay=-0.1)
