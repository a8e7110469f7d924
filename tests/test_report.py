"""The README's figures are those of the result files, and results carry no paths."""

import json

import pytest

from depth_tf import report
from depth_tf.drawing import tables
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError


def test_the_readmes_agree_with_the_result_files():
    report.main(report.Settings(check=True))


def test_result_files_hold_no_absolute_path():
    for path in report.RESULTS.rglob("*.json"):
        assert "=/" not in path.read_text(), path
        assert "/home" not in path.read_text(), path


def test_paths_are_taken_out_of_a_command():
    command = "python -m depth_tf.train --data_dir=/home/me/tfds --epochs=3 --workdir=runs/x"
    assert program.without_paths(command) == "python -m depth_tf.train --data_dir=DATA_DIR --epochs=3 --workdir=WORKDIR"


def _result(title, abs_rel, protocol="eigen", **changes):
    figures = dict.fromkeys(tables.COLUMNS, 0.5) | {"abs_rel": abs_rel}
    about = {"title": title, "dataset": "nyu_depth_v2", "split": "validation", "num_images": 147, "parameters": 450_000}
    training = {"num_train_images": 583, "protocol": {"name": protocol}, "floor": dict.fromkeys(tables.COLUMNS, 0.7)}
    return {**figures, **about, **training, "date": "2026-11-22", "machine": "a processor, 2 cores", **changes}


def test_tables_rank_by_abs_rel_and_end_with_the_mean_map_and_what_was_aligned_comes_last():
    results = [_result("worse", 0.3), _result("flattered", 0.1, "aligned"), _result("better", 0.2)]
    lines, aligned = (table.splitlines() for table in tables.results_tables(results).split("\n\n**"))
    assert lines[0] == "**NYU Depth V2, `validation`: 147 images; protocol *eigen***"
    assert [line.split(" | ")[0] for line in lines[4:]] == ["| better", "| worse", "| mean depth map"]
    assert "| 0.200 |" in lines[4]
    assert "583 images" in lines[4]
    assert "0.45 M" in lines[4]
    assert aligned[0].endswith("protocol *aligned***")


def test_seeds_of_a_method_share_a_row_with_their_mean_and_half_their_range():
    seeds = [_result(f"ours, seed {seed}", abs_rel) for seed, abs_rel in enumerate((0.2, 0.3))]
    table = tables.results_tables([*seeds, _result("ours, other data", 0.4)])
    assert "| ours, mean of 2 seeds | NYU Depth V2, 583 images | 0.250 ± 0.050 |" in table
    assert "| ours, other data | NYU Depth V2, 583 images | 0.400 |" in table
    assert "seed 0" not in table


def test_another_test_set_has_a_table_of_its_own_with_its_name_and_the_commit():
    official = {"num_images": 654, "test_set": "the official ones", "commit": "abc1234"}
    one, two = tables.results_tables([_result("here", 0.2), _result("there", 0.3, **official)]).split("\n\n**")
    assert "`validation`: 147 images; " in one
    assert "`validation`: the official ones; " in two
    assert "2 cores, commit abc1234 |" in two


def test_the_mean_map_beside_scored_files_is_of_its_own_training_images():
    table = tables.results_tables([_result("published", 0.1, num_train_images=47_584, num_floor_images=795)])
    assert "| published | NYU Depth V2, 47,584 images |" in table
    assert "| mean depth map | NYU Depth V2, 795 images | 0.700 |" in table


def test_what_a_network_learned_from_before_stands_first_and_is_not_the_mean_maps():
    rooms = [{"trained_on": "synthetic_rooms", "num_train_images": 8000}]
    table = tables.results_tables([_result("ours", 0.1, pretrained_on=rooms)])
    assert "| ours | Synthetic rooms, 8,000 images, then NYU Depth V2, 583 images |" in table
    assert "| mean depth map | NYU Depth V2, 583 images |" in table


def test_what_a_published_network_scores_here_stands_beside_what_its_authors_give():
    published = {"delta1": 0.771, "rmse_m": 0.604, "source": "https://there"}
    sentence = report.trust(_result("Theirs", 0.2, published=published, rmse_m=0.6, delta1=0.75))
    assert "delta1 0.771, RMSE 0.604 m ([source](https://there)); this evaluator gives 0.750, 0.600 m" in sentence


def test_a_result_is_added_under_its_title_without_paths(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    (tmp_path / "metrics.json").write_text(json.dumps({"abs_rel": 0.2, "command": "x --workdir=/tmp/a"}))
    report.add_result(tmp_path / "metrics.json", "small", "Small network")
    added = json.loads((tmp_path / "results" / "small.json").read_text())
    assert added == {"title": "Small network", "abs_rel": 0.2, "command": "x --workdir=WORKDIR"}
    with pytest.raises(InputError, match="needs --name"):
        report.add_result(tmp_path / "metrics.json", None, None)


def test_a_comparison_is_added_whole_and_without_paths(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    runs = [{"optimizer": "sgd", "curves": {"loss": [0.5, 0.25]}}]
    (tmp_path / "compare.json").write_text(json.dumps({"runs": runs, "command": "x --output=/tmp/a"}))
    report.add_result(tmp_path / "compare.json", "compare", "Comparison")
    added = json.loads((tmp_path / "results" / "compare.json").read_text())
    assert added == {"title": "Comparison", "runs": runs, "command": "x --output=OUTPUT"}


def test_the_table_of_scale_gives_times_as_multiples_of_the_first():
    rows = [
        {"multiple": 1, "images": 2048, "seconds": 10.0, "peak_memory_gib": 1.0},
        {"multiple": 4, "images": 8192, "seconds": 41.0, "peak_memory_gib": 1.25},
    ]
    table = report.scale_table({"rows": rows, "dataset": "nyu_depth_v2", "date": "2026-11-22", "machine": "x"})
    assert "| 2,048 | 10.0 | 1.00 | 1.00 |" in table
    assert "| 8,192 | 41.0 | 4.10 | 1.25 |" in table


def test_a_readme_without_its_marks_is_refused():
    with pytest.raises(InputError, match="no section <!-- results -->"):
        tables.replace_section("nothing", "results", "x")
