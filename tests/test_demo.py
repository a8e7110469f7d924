"""The demo's server gives the depth of a photograph to its own page alone; its page shows it in a real browser."""

import io
import re
import shutil
import sys
import threading
import urllib.request

import numpy as np
import pytest
from PIL import Image
from werkzeug.test import Client

from depth_tf import demo, predictor
from depth_tf.data import photos
from depth_tf.runtime.errors import InputError
from tests.quick_train import build_quick

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
ORIGIN = "http://localhost"
SAMPLE = (demo.FOLDER / "sample.jpg").read_bytes()


@pytest.fixture(name="network", scope="module")
def _network():
    return predictor.Predictor(build_quick(64, 96), of_nyus_camera=True)


@pytest.fixture(name="client", scope="module")
def _client(network):
    return Client(demo.build_application(network))


def _bytes(image: Image.Image, form: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def _post(client: Client, data: bytes, **headers):
    return client.post("/depth", data=data, headers={"Origin": ORIGIN, **headers})


def _parts(reply) -> tuple[np.ndarray, np.ndarray]:
    """Returns depth, [H, W] metres, and pixels, [H, W, 4], of a reply."""
    assert reply.status_code == 200, reply.text
    shape = int(reply.headers["Height-Px"]), int(reply.headers["Width-Px"])
    depth, pixels = np.split(np.frombuffer(reply.data, np.uint8), [4 * shape[0] * shape[1]])
    return depth.view("<f4").reshape(shape), pixels.reshape(*shape, 4)


def test_the_sample_has_the_depth_that_predict_gives(client, network):
    depth_m, pixels = _parts(_post(client, SAMPLE))
    np.testing.assert_allclose(depth_m, network.predict(demo.FOLDER / "sample.jpg"), rtol=1e-5)
    np.testing.assert_array_equal(pixels[..., :3], photos.read_image(demo.FOLDER / "sample.jpg"))


def test_a_photograph_comes_upright_and_reduced_to_what_the_page_can_show(client):
    exif = Image.Exif()
    exif[274] = 6  # lying on its side
    depth_m, pixels = _parts(_post(client, _bytes(Image.new("RGB", (3000, 1500), "red"), "JPEG", exif=exif)))
    assert 0.99 * demo.SHOWN_PIXELS < depth_m.size <= demo.SHOWN_PIXELS
    assert depth_m.shape[0] / depth_m.shape[1] == pytest.approx(2, rel=0.01)
    assert pixels[0, 0].tolist() == [254, 0, 0, 255]


def test_the_focal_length_is_the_networks_or_what_exif_says(client, network):
    """NYU's camera has 518.86 px at 640x480; a photograph with as many pixels is seen as large, whatever its shape."""
    nyu = _post(client, _bytes(Image.new("RGB", (678, 452)))).headers  # of 3:2, as 64x96 px are
    assert float(nyu["Focal-Px"]) == float(nyu["Assumed-Focal-Px"]) == pytest.approx(518.86, rel=2e-3)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 50
    told = _post(client, _bytes(Image.new("RGB", (3600, 2400)), "JPEG", exif=exif))
    width_px = int(told.headers["Width-Px"])
    assert float(told.headers["Focal-Px"]) == pytest.approx(width_px / 36 * 50, rel=1e-3)
    assert float(told.headers["Assumed-Focal-Px"]) == pytest.approx(518.86 * width_px / 678, rel=2e-3)
    assert told.headers["Focal-Told"] == "from EXIF"


BOMB = _bytes(Image.new("1", (9000, 9000)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a text file", "not a photograph: expected a file of JPEG, PNG, WEBP or HEIC"),
        (b"", "not a photograph"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a photograph"),  # Pillow would start Ghostscript
        (SAMPLE[:2000], "damaged"),
        (_bytes(Image.fromarray(PIXELS))[:2000], "damaged"),
        (BOMB, "too large: expected at most 64 million pixels"),
        (BOMB[:16] + b"\0\1\0\0" * 2 + BOMB[24:29] + b"\0" * 4, "not a photograph|too large"),
        (_bytes(Image.fromarray(PIXELS[..., 0].astype(np.uint16))), "more than 8 bits per channel"),
    ],
    ids=["text", "empty", "postscript", "cut jpeg", "cut png", "many pixels", "bomb", "16 bits"],
)
def test_what_is_no_photograph_gives_one_line(client, data, message):
    reply = _post(client, data)
    assert reply.status_code == 400
    assert reply.mimetype == "text/plain"
    assert re.match(f"[^\n]*({message})[^\n]*$", reply.text), reply.text


def test_heic_is_taken_with_the_extra_which_is_else_named(client, monkeypatch):
    heif = pytest.importorskip("pillow_heif", reason="needs the extra `heic`")
    content = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (96, 64), "red")).save(content, quality=100)
    depth_m, pixels = _parts(_post(client, content.getvalue()))
    assert depth_m.shape == (64, 96)
    assert np.abs(pixels[0, 0].astype(int) - [255, 0, 0, 255]).max() < 8
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    reply = _post(client, content.getvalue())
    assert (reply.status_code, reply.text) == (400, "HEIC needs the extra `heic`: pip install pillow-heif")


def test_an_upload_over_the_limit_is_refused_unread(client, monkeypatch):
    monkeypatch.setattr(demo.LocalRequest, "max_content_length", 1000)
    assert _post(client, SAMPLE).status_code == 413


@pytest.mark.parametrize("origin", ["http://elsewhere.org", "null", f"{ORIGIN}:81"])
def test_a_page_of_another_origin_cannot_use_it(client, origin):
    reply = _post(client, SAMPLE, Origin=origin)
    assert reply.status_code == 403
    assert not [name for name in reply.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118
    assert client.options("/depth", headers={"Origin": origin}).status_code == 404  # a preflight
    assert client.post("/depth", data=SAMPLE).status_code == 403


@pytest.mark.parametrize("path", ["/", "/sample.jpg", "/depth"])
def test_a_name_of_elsewhere_that_leads_here_is_refused(client, path):
    for host in ("elsewhere.org", "localhost.elsewhere.org:8008", "192.168.0.7"):
        reply = client.open(path, method="POST" if path == "/depth" else "GET", base_url=f"http://{host}", data=b"")
        assert reply.status_code == 400
        assert host.split(":")[0] in reply.text


def test_the_page_fetches_nothing_from_elsewhere(client):
    page = client.get("/", base_url="http://127.0.0.1:8008")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"https?:|src=|@[A-Z]|url\(", page.text)
    assert client.get("/../secret").status_code == 404


def test_one_photograph_at_a_time_and_others_wait_or_are_told(client, network, monkeypatch):
    monkeypatch.setattr(demo, "WAIT_S", 0.05)
    began, end, predict, replies = threading.Event(), threading.Event(), network.predict, []

    def slow(image):
        began.set()
        assert end.wait(20)
        return predict(image)

    monkeypatch.setattr(network, "predict", slow)
    first = threading.Thread(target=lambda: replies.append(_post(client, SAMPLE)))
    first.start()
    assert began.wait(20)
    assert _post(client, SAMPLE).status_code == 503
    end.set()
    first.join()
    assert replies[0].status_code == 200
    assert _post(client, SAMPLE).status_code == 200


def test_a_photograph_is_never_written_to_disk(client):
    opened, watching = [], True

    def hook(event, given):  # cannot be taken away again
        if watching and event == "open" and (given[2] or 0) & 3:  # O_WRONLY, O_RDWR
            opened.append(given)

    sys.addaudithook(hook)
    large = np.random.default_rng(0).integers(0, 255, (1200, 1000, 3), np.uint8)
    _parts(_post(client, _bytes(Image.fromarray(large))))
    watching = False
    assert not opened


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket that Python leaves open
def test_the_server_listens_on_this_machine_alone_and_a_taken_port_is_refused(network):
    with demo.build_server(0, network) as server:
        assert server.socket.getsockname() == ("127.0.0.1", server.port)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        headers = {"Origin": f"http://127.0.0.1:{server.port}"}
        request = urllib.request.Request(f"{headers['Origin']}/depth", SAMPLE, headers)
        with urllib.request.urlopen(request) as reply:
            assert len(reply.read()) == 320 * 240 * 8
        with pytest.raises(InputError, match=f"--port={server.port} cannot be opened"):
            demo.build_server(server.port, network)
        server.shutdown()
        serving.join()
    with pytest.raises(InputError, match="--port=70000 cannot be opened"):
        demo.build_server(70000, network)


@pytest.fixture(name="page", scope="module")
def _page():
    """The page in headless Chromium, 360 px wide, with a camera that Chromium makes up, served with `encoder`."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs `pip install playwright`")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium")
    flags = "--no-sandbox --disable-gpu --disable-background-networking --use-fake-device-for-media-stream"
    with demo.build_server(0, predictor.load("encoder")) as server, playwright.sync_playwright() as driver:
        threading.Thread(target=server.serve_forever).start()
        browser = driver.chromium.launch(
            executable_path=chromium, args=[*flags.split(), "--use-fake-ui-for-media-stream"]
        )
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.goto(f"http://127.0.0.1:{server.port}")
        yield page
        browser.close()
        server.shutdown()
    assert not page.faults


def _show_sample(page) -> None:
    page.set_input_files("#file", demo.FOLDER / "sample.jpg")
    page.wait_for_selector("#message:has-text('sample.jpg, 320')")


def _metres(page, name: str) -> float:
    return float(page.text_content(f"#{name}").removesuffix(" m"))


@pytest.mark.slow
def test_chromium_shows_the_metres_that_predict_gives_by_pointer_and_by_keyboard(page):
    _show_sample(page)
    depth_m = predictor.load("encoder").predict(demo.FOLDER / "sample.jpg")
    page.focus("#depth")
    assert _metres(page, "here") == pytest.approx(depth_m[120, 160], rel=0.01)
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    assert _metres(page, "B") == pytest.approx(depth_m[120, 150], rel=0.01)
    focal_px = 518.86 / 2
    a, b = (np.array([(x - 160) / focal_px, 0, 1]) * depth_m[120, x] for x in (160, 150))
    assert _metres(page, "distance") == pytest.approx(np.linalg.norm(a - b), abs=0.006)
    box = page.locator("#photo").bounding_box()
    page.click("#photo", position={"x": 0.75 * box["width"], "y": 0.75 * box["height"]})
    assert _metres(page, "A") == pytest.approx(depth_m[180, 240], rel=0.01)


@pytest.mark.slow
def test_chromium_doubles_the_depth_with_the_focal_length(page):
    _show_sample(page)
    page.focus("#depth")
    before = _metres(page, "here")
    page.fill("#focal", "56")
    assert _metres(page, "here") == pytest.approx(before * 56 / 28.06, rel=0.01)
    page.click("#reset")
    assert _metres(page, "here") == before


@pytest.mark.slow
def test_chromium_says_what_is_wrong_with_a_text_file_and_fits_a_phone(page, tmp_path):
    (tmp_path / "notes.jpg").write_text("milk, bread")
    page.set_input_files("#file", tmp_path / "notes.jpg")
    page.wait_for_selector("#message.error")
    assert page.text_content("#message").startswith("notes.jpg: not a photograph")
    _show_sample(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.slow
def test_chromium_turns_the_cloud_and_takes_the_cameras_picture(page):
    _show_sample(page)
    picture = "document.getElementById('cloud').toDataURL()"
    page.focus("#cloud")
    page.keyboard.press("ArrowRight")
    before = page.evaluate(picture)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(picture) != before
    page.click("#camera")
    page.click("#shoot")
    page.wait_for_selector("#message:has-text('picture,')")
    assert page.text_content("#message").startswith("The camera's picture, ")
