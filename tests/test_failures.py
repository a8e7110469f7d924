"""Where a method fails is counted by depth, by kind of room and by image."""

import numpy as np
import pytest

from depth_tf.scoring import failures


def test_bands_hold_the_share_the_error_and_the_factor_of_their_own_pixels():
    bands = failures.DepthBands()
    bands.add(true_m=np.array([1.0, 1.0, 5.0]), pred_m=np.array([2.0, 1.0, 2.5]))
    bands.add(true_m=np.array([8.0]), pred_m=np.array([8.0]))
    near, middle, far = bands.result()
    assert (near["from_m"], near["to_m"], near["share"], near["abs_rel"]) == (0.0, 2.0, 0.5, 0.5)
    assert near["factor"] == pytest.approx(2**0.5)
    assert (middle["from_m"], middle["abs_rel"], middle["factor"]) == (4.0, 0.5, pytest.approx(0.5))
    assert (far["to_m"], far["share"], far["abs_rel"], far["factor"]) == (None, 0.25, 0.0, 1.0)


def test_kinds_of_room_and_the_worst_images_are_named_and_images_without_depth_left_out():
    rows = [{"index": place, "abs_rel": error, "delta1": 0.5} for place, error in enumerate((0.1, 0.3, None, 0.2))]
    result = failures.by_image(rows, ["kitchen_0003", "living_room_0001a", "kitchen_0003", "kitchen_0010"])
    assert list(result["by_room"]) == ["kitchen", "living_room"]
    assert result["by_room"]["kitchen"] == {"num_images": 2, "abs_rel": pytest.approx(0.15), "delta1": 0.5}
    assert [row["index"] for row in result["worst"]] == [1, 3, 0]
    assert failures.by_image(rows, None)["by_room"] == {}
