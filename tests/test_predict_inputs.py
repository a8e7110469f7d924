"""Videos, HEIC and standard input become depth; pictures that are none, or too much, are refused in one line."""

import io
import os
import pathlib
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

import depth_tf
from depth_tf import predict
from depth_tf.data import photos, videos
from depth_tf.runtime.errors import InputError
from tests import photographs

ROOT = pathlib.Path(__file__).resolve().parents[1]


def _run(quick_file, given, output, **flags):
    predict.main(predict.Settings(input=str(given), network_file=quick_file, output_dir=str(output), **flags))


def _write_video(path, count=5, shape=(48, 64)):
    with videos.writing(path) as add:
        for number in range(count):
            add(np.full((*shape, 3), 40 * number, np.uint8), 10)


def test_a_video_becomes_one_of_pictures_and_a_file_per_frame(quick_file, tmp_path):
    pytest.importorskip("av", reason="needs the extra `video`")
    _write_video(tmp_path / "room.mp4")
    _run(quick_file, tmp_path / "room.mp4", tmp_path / "out", write="picture,npy", known=("10,10,4.0",))
    pictures = list(videos.frames(tmp_path / "out" / "room_predicted.mp4"))
    assert [(image.shape, rate) for image, rate in pictures] == [((48, 64, 3), 10)] * 5
    written = sorted((tmp_path / "out" / "room").iterdir())
    assert [path.name for path in written] == [f"00000{number}_predicted.npy" for number in range(5)]
    predictor, (first, _) = depth_tf.load(quick_file), next(videos.frames(tmp_path / "room.mp4"))
    depth_m = predictor.predict(first)
    np.testing.assert_allclose(np.load(written[0]), 4.0 * depth_m / depth_m[10, 10], rtol=1e-5)
    _run(quick_file, tmp_path, tmp_path / "again", write="picture", recursive=True)
    assert [path.name for path in (tmp_path / "again").iterdir()] == ["room_predicted.mp4"]  # not of its own output


def test_a_video_taken_upright_is_turned_as_its_file_says(tmp_path):
    """By a matrix that takes what is right to below (ISO 14496-12, 8.3.2): what is left comes to the top."""
    pytest.importorskip("av", reason="needs the extra `video`")
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = 200
    with videos.writing(tmp_path / "room.mp4") as add:
        add(image, 10)
    content = (tmp_path / "room.mp4").read_bytes()
    straight, turned = (
        struct.pack(">9i", *matrix, 0, 0, 0, 1 << 30)
        for matrix in ((1 << 16, 0, 0, 0, 1 << 16), (0, 1 << 16, 0, -(1 << 16), 0))
    )
    place = content.index(straight, content.index(b"tkhd"))
    (tmp_path / "turned.mp4").write_bytes(content[:place] + turned + content[place + len(turned) :])
    ((seen, _),) = videos.frames(tmp_path / "turned.mp4")
    assert seen.shape == (64, 48, 3)
    assert seen[:30].min() > 150 > 50 > seen[34:].max()


def test_a_damaged_video_is_named_and_leaves_no_file(quick_file, tmp_path):
    pytest.importorskip("av", reason="needs the extra `video`")
    (tmp_path / "room.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match="room.mp4 cannot be read as a video"):
        _run(quick_file, tmp_path / "room.mp4", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_heic_is_read_as_it_was_before(tmp_path):
    heif = pytest.importorskip("pillow_heif", reason="needs the extra `heic`")
    image = np.full((64, 96, 3), (200, 120, 40), np.uint8)
    heif.from_pillow(Image.fromarray(image)).save(tmp_path / "a.heic", quality=100)
    assert np.abs(photos.read_image(tmp_path / "a.heic").astype(int) - image).max() < 8
    assert list(photos.find_photographs(tmp_path, flag="input").values()) == [pathlib.Path("a")]
    deep = heif.from_bytes(mode="RGB;16", size=(96, 64), data=bytes(2 * image.size))
    deep.save(tmp_path / "deep.heic")
    with pytest.raises(InputError, match="deep.heic has more than 8 bits per channel"):
        photos.read_image(tmp_path / "deep.heic")


@pytest.mark.parametrize(("name", "module", "extra"), [("a.heic", "pillow_heif", "heic"), ("a.mp4", "av", "video")])
def test_what_needs_an_extra_names_it(quick_file, tmp_path, monkeypatch, name, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(InputError, match=f" needs the extra `{extra}`: pip install"):
        _run(quick_file, tmp_path / name, tmp_path / "out")


def test_standard_input_is_a_photograph(quick_file, tmp_path, monkeypatch):
    image, content = photographs.picture(), io.BytesIO()
    Image.fromarray(image).save(content, format="PNG")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.getvalue())))
    _run(quick_file, "-", tmp_path, write="npy")
    np.testing.assert_array_equal(np.load(tmp_path / "stdin_predicted.npy"), depth_tf.load(quick_file).predict(image))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InputError, match="standard input cannot be read"):
        _run(quick_file, "-", tmp_path)


def _png_of_16_bits(path):
    """Colour of 16 bits, which Pillow reads as 8 and cannot write (PNG, third edition, 11.2.1)."""
    rows = b"".join(b"\0" + bytes(6 * 40) for _ in range(40))
    chunks = {b"IHDR": struct.pack(">IIBBBBB", 40, 40, 16, 2, 0, 0, 0), b"IDAT": zlib.compress(rows), b"IEND": b""}
    body = b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in chunks.items()
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def _bomb(width, height):
    return lambda path: Image.new("1", (width, height)).save(path)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("deep.png", _png_of_16_bits, "deep.png has more than 8 bits per channel"),
        ("bomb.png", _bomb(20_000, 10_000), "bomb.png cannot be read .*pixels"),
        ("bomb.png", _bomb(10_000, 10_000), "bomb.png cannot be read .*pixels"),
        ("a.hdr", lambda path: path.write_bytes(b"#?RADIANCE\n"), "a.hdr cannot be read"),
        ("tiny.png", _bomb(31, 200), "expected a photograph of 32 px or more a side, got 31x200 px"),
    ],
)
def test_what_is_no_photograph_for_the_network_is_refused_in_one_line(quick_file, tmp_path, name, make, message):
    make(tmp_path / name)
    with pytest.raises(InputError, match=message) as caught:
        depth_tf.load(quick_file).predict(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_folder_without_photographs_and_an_output_that_is_a_file_are_refused(quick_file, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match="--input=.*photos: expected a photograph, or a folder"):
        _run(quick_file, tmp_path / "photos", tmp_path / "out")
    Image.fromarray(photographs.picture()).save(tmp_path / "photos" / "a.png")
    for output in (tmp_path / "photos" / "a.png", tmp_path / "photos" / "a.png" / "out"):
        with pytest.raises(InputError, match="could not write in .*a.png.*: expected a folder that can be"):
            _run(quick_file, tmp_path / "photos", output)


def test_a_network_that_would_run_code_or_is_of_another_kind_is_refused(tmp_path):
    import keras

    image = keras.Input((64, 96, 3))
    keras.Model(image, keras.layers.Lambda(lambda x: x[..., :1])(image)).save(tmp_path / "code.keras")
    with pytest.raises(InputError, match="code.keras is not a saved Keras model"):
        depth_tf.load(tmp_path / "code.keras")
    keras.Model(image, keras.layers.Conv2D(2, 1)(image)).save(tmp_path / "other.keras")
    with pytest.raises(InputError, match=r"other.keras maps .*: expected \(None, H, W, 3\) to \(None, H, W, 1\)"):
        depth_tf.load(tmp_path / "other.keras")


def test_known_distances_are_of_one_photograph_and_within_it(quick_file, tmp_path, capsys):
    for name in ("a", "b"):
        Image.fromarray(photographs.picture()).save(tmp_path / f"{name}.png")
    with pytest.raises(InputError, match="--known is of one photograph: expected one with --input, found 2"):
        _run(quick_file, tmp_path, tmp_path / "out", known=("1,1,2",))
    _run(quick_file, tmp_path / "a.png", tmp_path / "out", write="npy", known=("5,7,3.5",))
    assert np.load(tmp_path / "out" / "a_predicted.npy")[7, 5] == pytest.approx(3.5)
    assert "what is known is missed by 0.00 m" in capsys.readouterr().out
    with pytest.raises(InputError, match="the known point 64,7 lies outside the photograph of 64x48 px"):
        _run(quick_file, tmp_path / "a.png", tmp_path / "out", known=("64,7,3.5",))


@pytest.mark.slow
def test_the_300th_photograph_takes_as_long_as_the_first_and_all_thirty_a_second(tmp_path):
    """Of 240x320 px, with `small`: CPU seconds, which other work on the machine does not lengthen much."""
    code = f"""
import pathlib, time, numpy as np
from PIL import Image
from depth_tf import predict, predictor, saved
settings = predict.Settings(input="sample.jpg", output_dir={os.fspath(tmp_path)!r})
network, seconds, sample = predictor.load("small"), [], pathlib.Path("depth_tf/sample.jpg")
for number in range(320):
    started_s = time.process_time()
    predict.predict_photograph(network, sample, pathlib.Path(settings.output_dir) / str(number), settings)
    seconds.append(time.process_time() - started_s)
first, last = np.median(seconds[1:31]), np.median(seconds[-30:])
print(np.mean(seconds[1:]), last / first)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    cpu_s, growth = map(float, done.stdout.split())
    assert cpu_s < 2 / 30  # two cores
    assert growth < 1.2


@pytest.mark.slow
def test_fifty_megapixels_take_bounded_memory(tmp_path):
    Image.effect_noise((1250, 1000), 50).resize((8000, 6250)).convert("RGB").save(tmp_path / "large.jpg")
    command = ["--input=large.jpg", "--write=picture,npy,png16,ply,glb", "--network_file=small"]
    code = "import sys; from depth_tf import predict; from depth_tf.runtime import memory, quiet; "
    code += "quiet.import_tensorflow(); "
    code += (
        "before = memory.peak_gib(); predict.main(predict.Settings(**dict(a[2:].split('=') for a in sys.argv[1:]))); "
    )
    code += "print(memory.peak_gib() - before)"
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert float(done.stdout.split()[-1]) < 2.5
