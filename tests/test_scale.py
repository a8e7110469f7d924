"""The measure of scale reads what it says it reads."""

import json

from depth_tf import scale


def test_each_length_is_read_whole_in_a_process_of_its_own(tiny_nyu, tmp_path, monkeypatch, capsys):
    """Two lengths of a few images: the numbers of images are exact, time and memory are of this machine."""
    monkeypatch.setattr(scale, "MULTIPLES", (1, 3))
    scale.main(scale.Settings(data_dir=str(tiny_nyu), images=5, output=str(tmp_path / "scale.json")))
    rows = json.loads((tmp_path / "scale.json").read_text())["rows"]
    assert [(row["multiple"], row["images"]) for row in rows] == [(1, 5), (3, 15)]
    assert all(row["seconds"] > 0 and 0.1 < row["peak_memory_gib"] < 8 for row in rows)
    assert "15 images" in capsys.readouterr().out
