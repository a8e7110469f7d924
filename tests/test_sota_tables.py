"""The guide's tables are those of models.toml; no figure is without its source, and aligned ones stand apart."""

import copy
import json
import re

import pytest

from depth_tf.runtime.errors import InputError
from sota_guide import tables

PAGES = "".join(page.read_text(encoding="utf-8") for page in (tables.README, tables.RESEARCH))


@pytest.fixture(name="data")
def _data() -> dict:
    return tables.load_data()


def test_both_pages_agree_with_their_data():
    tables.main(tables.Settings(check=True))


def test_a_changed_figure_is_noticed(data, tmp_path, monkeypatch):
    text = tables.MODELS.read_text(encoding="utf-8")
    (tmp_path / "models.toml").write_text(text.replace("value = 0.053, ", "value = 0.054, "), encoding="utf-8")
    monkeypatch.setattr(tables, "MODELS", tmp_path / "models.toml")
    with pytest.raises(InputError, match="differs from its data"):
        tables.main(tables.Settings(check=True))


def test_aligned_and_unaligned_figures_never_share_a_table(data):
    for name in data["protocols"]:
        figures = [
            figure for model in data["models"].values() for figure in model["figures"] if figure["protocol"] == name
        ]
        assert len({figure["aligned"] for figure in figures}) == 1, name


def test_a_table_says_whether_its_figures_are_aligned(data):
    assert tables.protocol_table(data, "zero_shot_disparity").startswith("**Aligned to the truth**.")
    assert tables.protocol_table(data, "zero_shot_metric").startswith("**Not aligned**.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda figure: figure.pop("source"), "missing or too many: source"),
        (lambda figure: figure.pop("date"), "missing or too many: date"),
        (lambda figure: figure.update(note="x"), "missing or too many: note"),
        (lambda figure: figure.update(source="hearsay"), "source 'hearsay' is not in"),
        (lambda figure: figure.update(read_as="X"), "expected a source, and read_as of"),
        (lambda figure: figure.update(protocol="eigen"), "names the protocol 'eigen', which"),
        (lambda figure: figure.update(metric="rmse_m"), "is of 'rmse_m', expected one of abs_rel, delta1"),
        (lambda figure: figure.update(aligned=False), "says aligned = False, and its protocol True"),
    ],
)
def test_a_figure_that_is_incomplete_or_contradicts_its_protocol_is_refused(data, change, message):
    figure = copy.deepcopy(data["models"]["depth_anything_v2_small"]["figures"][0])
    tables.check_figure("a model", figure, data)
    change(figure)
    with pytest.raises(InputError, match=message):
        tables.check_figure("a model", figure, data)


def test_small_networks_stand_in_blocks_by_what_is_fitted_with_ours_among_them(data):
    rows = [line.split(" | ") for line in tables.small_table(data).splitlines()[2:]]
    fitted = [row[0] for row in rows]
    assert fitted == sorted(fitted, key=fitted.index), "a block is split"
    assert all(float(row[2].split()[0]) <= tables.SMALL_M for row in rows)
    for name in ("encoder_all", "small_all"):
        files = [tables.OURS / f"{name}.json", *tables.OURS.glob(f"{name}_seed?.json")]
        delta1 = [json.loads(file.read_text())["delta1"] for file in files]
        (row,) = [row for row in rows if f"/{name}.json" in row[-1]]
        assert row[0] == "| nothing"
        assert row[4].startswith(f"{sum(delta1) / len(delta1):.3f} ± ")


def test_a_row_holds_its_models_figures_in_the_order_of_the_metrics(data):
    lines = tables.protocol_table(data, "zero_shot_disparity").splitlines()
    assert lines[2] == "| model | KITTI | NYU | ETH3D | DIODE | read as, source |"
    (row,) = [line for line in lines if line.startswith("| Depth Anything V1 Small |")]
    values = {
        (figure["dataset"], figure["metric"]): figure["value"]
        for figure in data["models"]["depth_anything_v1_small"]["figures"]
        if figure["protocol"] == "zero_shot_disparity"
    }
    nyu = f"{values['NYU', 'abs_rel']:.3f} / {values['NYU', 'delta1']:.3f}"
    assert row.split(" | ")[2] == nyu
    assert row.endswith("| R, `da1` |")


def test_the_short_list_has_three_models_of_which_each_has_a_figure(data):
    models = [model for model in data["models"].values() if model.get("shortlist")]
    assert len(models) == 3
    assert all(model["figures"] for model in models)


def test_every_source_is_used_and_every_model_in_the_long_table_has_all_its_facts(data):
    used = {source for model in data["models"].values() for source in model["sources"]}
    used |= {figure["source"] for model in data["models"].values() for figure in model["figures"]}
    named_in_text = {key for key in data["sources"] if f"`{key}`" in PAGES}
    assert set(data["sources"]) <= used | named_in_text
    for key, model in data["models"].items():
        missing = set(tables.FACTS) - {"parameters_m"} - model.keys()
        assert not missing or not model.get("listed", True), (key, missing)


def test_a_score_in_the_hand_written_text_is_a_figure_of_models_toml(data):
    text = re.sub(r"<!-- ([\w ]+) -->\n.*?<!-- end \1 -->", "", PAGES, flags=re.DOTALL)
    values = {f"{figure['value']:.3f}" for model in data["models"].values() for figure in model["figures"]}
    for file in tables.OURS.glob("official/*.json"):
        values |= {f"{value:.3f}" for value in json.loads(file.read_text()).values() if isinstance(value, float)}
    written = set(re.findall(r"\b0\.\d{3}\b", text))
    assert written
    assert written <= values


def test_measured_speed_is_shown_with_its_machine_and_date():
    result = {
        "model": {"preset": "small, random weights", "library": "keras-hub 1", "size_px": 252},
        "median_s": 0.25,
        "first_image_s": 3.0,
        "peak_memory_mib": 1536.0,
        "peak_memory_of": "of the process",
        "machine": "a processor, 2 cores",
        "date": "2026-11-22",
        "note": "",
    }
    row = tables.speed_table([result]).splitlines()[-1]
    assert row.startswith("| small, random weights, keras-hub 1 | 252x252 | 0.25 | 3.0 | 1.5 GiB of the process |")
    assert "2026-11-22, a processor, 2 cores" in row


def test_result_files_hold_no_absolute_path():
    for path in tables.RESULTS.glob("*.json"):
        assert "=/" not in path.read_text(), path
        assert "/home" not in path.read_text(), path
