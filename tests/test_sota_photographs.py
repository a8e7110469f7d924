"""The programs for photographs on small ONNX files whose answer is known: what is prepared, written and refused."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from depth_tf.data import resizing
from depth_tf.runtime.errors import InputError
from sota_guide import onnx_predict, photographs

onnx = pytest.importorskip("onnx", reason="needs the extra `export`")
pytest.importorskip("onnxruntime", reason="needs the extra `export`")


def _network(path: pathlib.Path, shape=(1, 3, 224, 224), operator="ReduceMean", kind=onnx.TensorProto.FLOAT) -> str:
    """Writes a network that predicts an operation over the three channels of its input."""
    node = onnx.helper.make_node(operator, ["x"], ["y"], axes=[1], keepdims=1)
    given = onnx.helper.make_tensor_value_info("x", kind, shape)
    made = onnx.helper.make_tensor_value_info("y", kind, (1, 1, *shape[2:]))
    graph = onnx.helper.make_graph([node], "mean", [given], [made])
    opset = [onnx.helper.make_opsetid("", 11)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=7), path)
    return str(path)


def _photograph(path: pathlib.Path, image: np.ndarray) -> str:
    Image.fromarray(image).save(path)
    return str(path)


def _ramp(height: int = 480, width: int = 640) -> np.ndarray:
    """A grey picture that is brighter to the right and to the bottom."""
    rows, columns = np.mgrid[:height, :width]
    return np.repeat((rows * 100 / height + columns * 150 / width)[..., np.newaxis], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(("preset", "edge_px"), [("fastdepth", 32), ("whole", 4)])
def test_what_goes_in_comes_out_at_its_place(tmp_path, preset, edge_px):
    """A network that returns its input shows a shifted, scaled or turned map; FastDepth's edges repeat."""
    session, image = onnx_predict.load(_network(tmp_path / "mean.onnx")), _ramp()
    depth = onnx_predict.predict(session, onnx_predict.PRESETS[preset], image)
    assert (depth.shape, depth.dtype) == ((480, 640), np.float32)
    inside = slice(edge_px, -edge_px), slice(edge_px, -edge_px)
    np.testing.assert_allclose(depth[inside], image[..., 0][inside] / 255, atol=0.006)


def test_fastdepth_sees_the_middle_as_its_authors_cut_it(tmp_path):
    """Pixels outside the central 228x304 of 250x333 change nothing, those inside do."""
    session, how = onnx_predict.load(_network(tmp_path / "mean.onnx")), onnx_predict.PRESETS["fastdepth"]
    outside, inside = np.zeros((250, 333, 3), np.uint8), np.zeros((250, 333, 3), np.uint8)
    outside[:11], outside[-11:], outside[:, :14], outside[:, -15:] = 255, 255, 255, 255
    inside[11, 14], inside[-12, -16] = 255, 255
    assert onnx_predict.predict(session, how, outside).max() == 0
    assert onnx_predict.predict(session, how, inside)[[11, -12], [14, -16]].min() > 0.1


def test_a_network_of_any_size_keeps_the_photographs_shape(tmp_path, monkeypatch):
    session, sizes = onnx_predict.load(_network(tmp_path / "mean.onnx", (1, 3, "h", "w"))), []
    monkeypatch.setattr(
        onnx_predict, "_resized", lambda image, px, old=onnx_predict._resized: sizes.append(px) or old(image, px)
    )
    onnx_predict.predict(session, onnx_predict.PRESETS["depth_anything_v2"], _ramp())
    assert sizes[-1] == (518, 686)  # 690.7 to the nearest multiple of 14


def test_values_are_scaled_as_the_preset_says(tmp_path):
    session = onnx_predict.load(_network(tmp_path / "mean.onnx"))
    white = np.full((8, 8, 3), 255, np.uint8)
    expected = {
        "0..1": 1.0,
        "imagenet": np.mean(np.divide((0.515, 0.544, 0.594), (0.229, 0.224, 0.225))),
    }
    for scale, value in expected.items():
        depth = onnx_predict.predict(session, onnx_predict.Preparation(scale=scale), white)
        np.testing.assert_allclose(depth, value, rtol=1e-5)


def test_a_folder_is_predicted_and_scored_past_a_file_that_is_none(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    _photograph(tmp_path / "photos" / "a.png", _ramp(60, 80))
    (tmp_path / "photos" / "b.jpg").write_text("no picture")
    output = tmp_path / "out"
    settings = onnx_predict.Settings(
        model=_network(tmp_path / "mean.onnx"), input=str(tmp_path / "photos"), output_dir=str(output), fit="squeeze"
    )
    with pytest.raises(SystemExit):
        onnx_predict.main(settings)
    assert {path.name for path in output.iterdir()} == {"a_predicted.npy", "a_predicted.png"}
    told = capsys.readouterr().out
    assert "b.jpg cannot be read" in told
    assert "1 of 2 files predicted" in told
    depth = np.load(output / "a_predicted.npy")
    assert (depth.shape, depth.dtype) == ((60, 80), np.float32)
    assert depth.min() > 0  # 0 is no depth: the evaluator refuses it
    with pytest.raises(InputError, match="is not empty: name a new folder"):
        onnx_predict.main(settings)


def test_a_map_that_is_not_finite_is_refused_and_nothing_is_written(tmp_path):
    image, output = _photograph(tmp_path / "a.png", _ramp(8, 8)), tmp_path / "out"
    settings = photographs.Settings(input=image, output_dir=str(output))
    with pytest.raises(InputError, match="predicted NaN or infinity"):
        photographs.predict_each(settings, lambda image: np.full(image.shape[:2], np.nan, np.float32), "depth_m")
    assert not output.exists()


def test_relative_depth_is_bright_where_near_and_has_no_scale_in_metres(tmp_path):
    inverse = resizing.resize_bilinear(np.array([[0.0, 9.0]], np.float32), (40, 60))
    photographs.write(tmp_path / "a", inverse, "inverse_depth")
    picture = np.asarray(Image.open(tmp_path / "a_predicted.png")).mean(-1)
    assert (np.diff(picture.mean(0)) >= 0).all()
    assert (picture == picture[0]).all()  # a scale would break the columns


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "none.onnx"}, "--model=none.onnx: expected an ONNX file"),
        ({"model": "TEXT"}, "cannot be loaded"),
        ({"model": "GREY"}, r"expected one input, tensor\(float\) \[1, 3, HEIGHT, WIDTH\]"),
        ({"model": "DOUBLE"}, r"expected one input, tensor\(float\)"),
        ({"fit": "keep"}, r"takes \[224, 224\] px alone: expected --fit=squeeze"),
        ({"crop": "300"}, "expected HEIGHTxWIDTH in pixels, such as 228x304, got 300"),
        ({"crop": "300x300"}, "expected a --crop within 250x333 px, got 300x300"),
        ({"input": None}, "expected --input .a photograph"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, given, message):
    (tmp_path / "TEXT").write_text("no network")
    _network(tmp_path / "GREY", (1, 1, 8, 8))
    _network(tmp_path / "DOUBLE", kind=onnx.TensorProto.DOUBLE)
    if given.get("model", "").isupper():
        given = given | {"model": str(tmp_path / given["model"])}
    whole = {"model": _network(tmp_path / "mean.onnx"), "input": _photograph(tmp_path / "a.png", _ramp(8, 8))}
    with pytest.raises(InputError, match=message) as caught:
        onnx_predict.main(onnx_predict.Settings(**whole | {"output_dir": str(tmp_path / "out")} | given))
    assert "\n" not in str(caught.value)
