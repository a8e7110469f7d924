"""The benchmark measures what it says it does."""

import json

from depth_tf import benchmark


def test_ratios_are_written_with_the_speeds_they_come_from(tiny_nyu, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "BATCH_SIZE", 2)
    output = tmp_path / "benchmark.json"
    benchmark.main(benchmark.Settings(data_dir=str(tiny_nyu), num_images=4, rounds=1, output=str(output)))
    result = json.loads(output.read_text())
    assert result["ratios"].keys() == {*benchmark.BARS, benchmark.IN_ANY_ORDER}
    for name, ratio in result["ratios"].items():
        over, under = (result["images_per_s"][part] for part in name.split(" / "))
        assert abs(ratio - over / under) < 1e-9 * ratio
