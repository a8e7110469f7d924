"""Networks that come with the package: they load, keep their metres through float16, and come with a card."""

import json
import shutil

import numpy as np
import pytest

from depth_tf import publish, saved
from depth_tf.data.opening import open_dataset
from depth_tf.model import build_small
from depth_tf.runtime.errors import InputError
from depth_tf.scoring import score_run
from depth_tf.scoring.mean_depth import mean_depth_map
from depth_tf.scoring.protocols import PROTOCOLS
from depth_tf.scoring.score import network_examples, score

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 64, 96, 3)).astype(np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(saved, "FOLDER", tmp_path)
    return tmp_path


def test_a_network_of_the_package_keeps_its_depth_within_a_percent_and_what_it_learnt_from(folder):
    network = build_small(64, 96, width=8)
    network.layers[-4].set_weights([0.1 * np.ones_like(weight) for weight in network.layers[-4].get_weights()])
    saved.write_bundled(folder / "encoder.npz", network, {"trained_on": "synthetic_rooms", "num_train_images": 7})
    depth_m = network(IMAGES).numpy()
    assert depth_m.std() > 0.01
    np.testing.assert_allclose(saved.load_network("encoder")(IMAGES), depth_m, rtol=0.01)
    assert saved.learnt("encoder") == {"trained_on": "synthetic_rooms", "num_train_images": 7}


def test_a_weight_beyond_float16_is_refused_and_nothing_is_written(folder):
    network = build_small(64, 96, width=8)
    network.layers[-4].set_weights([np.full_like(weight, 1e5) for weight in network.layers[-4].get_weights()])
    with np.errstate(over="ignore"), pytest.raises(InputError, match="beyond float16"):
        saved.write_bundled(folder / "encoder.npz", network, {})
    assert not list(folder.iterdir())


def test_a_run_is_published_with_its_recipe(folder, tiny_run):
    publish.main(publish.Settings(workdir=str(tiny_run), name="encoder"))
    assert saved.load_network("encoder").count_params() == saved.load_network(tiny_run / "best.keras").count_params()
    card = (folder / "encoder.md").read_text()
    assert card.count("python -m depth_tf.train") == 1
    assert f"{saved.learnt('encoder')['num_train_images']:,} images" in card


def test_the_card_of_a_run_that_began_with_anothers_network_names_both(folder, tiny_run, tmp_path_factory):
    second = _continued(tiny_run, tmp_path_factory.mktemp("run"), init_from=str(tiny_run / "best.keras"))
    publish.main(publish.Settings(workdir=str(second)))
    card = (folder / "encoder.md").read_text()
    assert card.count("python -m depth_tf.train") == 2
    assert "--init_from=INIT_FROM" in card
    assert "images, then " in card
    assert score_run.trained_on(second)["pretrained_on"] == [score_run.trained_on(tiny_run)]


@pytest.mark.parametrize("start", ["encoder", "elsewhere/best.keras"])
def test_a_run_that_began_with_a_network_of_unknown_data_is_not_published(folder, tiny_run, tmp_path_factory, start):
    second = _continued(tiny_run, tmp_path_factory.mktemp("run"), init_from=start)
    with pytest.raises(InputError, match=f"began with {start}"):
        publish.main(publish.Settings(workdir=str(second)))
    assert not list(folder.iterdir())


@pytest.mark.parametrize(("start", "data_set"), [("encoder", "nyu_depth_v2"), ("elsewhere/best.keras", "unknown")])
def test_what_a_network_had_learned_before_is_told_as_far_as_it_is_known(tiny_run, tmp_path_factory, start, data_set):
    learnt = score_run.trained_on(_continued(tiny_run, tmp_path_factory.mktemp("run"), init_from=start))
    assert learnt["pretrained_on"][-1]["trained_on"] == data_set
    assert (learnt["trained_on"], learnt["num_train_images"]) == ("nyu_depth_v2", 2)


def _continued(run, folder, *, init_from):
    """Returns a copy of a finished run that says it began with another network."""
    copy = shutil.copytree(run, folder / "run")
    config = json.loads((copy / "config.json").read_text()) | {"init_from": init_from}
    (copy / "config.json").write_text(json.dumps(config))
    return copy


@pytest.mark.parametrize("name", saved.BUNDLED)
def test_the_networks_that_come_with_the_package_have_learnt_what_rooms_look_like(name, tiny_rooms):
    """On rooms that no network saw, its order of near and far beats the mean map of those very rooms."""
    split = open_dataset("synthetic_rooms", tiny_rooms, rooms="tiny").split("validation")
    network, floor_m = saved.load_network(name), mean_depth_map(split)
    examples = network_examples(network, split)
    result, *_ = score(examples, PROTOCOLS["median"], num_images=split.num_images, floor_m=floor_m)
    assert result["silog"] < result["floor"]["silog"]
    assert saved.learnt(name)["num_train_images"] > 0


def test_a_missing_network_of_the_package_says_what_to_do(folder):
    with pytest.raises(InputError, match="install it again"):
        saved.load_network("encoder")
