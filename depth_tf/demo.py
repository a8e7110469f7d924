"""A page to try a network on: python -m depth_tf.demo, then http://127.0.0.1:8008 in a browser of this machine.

Depth in colours, metres under the pointer, the distance between two points, a point cloud that turns. No other machine
reaches the server, no other page can use it, and no photograph is kept or written to disk.
"""

from __future__ import annotations

import dataclasses
import io
import math
import pathlib
import socket
import threading
import warnings
from collections.abc import Callable

import numpy as np
from etils import epy
from PIL import ExifTags, Image
from werkzeug import Request, Response, exceptions, serving

from depth_tf import saved
from depth_tf.data import photos
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option

with epy.lazy_imports():
    from depth_tf import predictor
    from depth_tf.drawing import figures
    from depth_tf.synthetic_rooms import camera

ADDRESS, MAX_PORT, FOLDER = "127.0.0.1", 65535, pathlib.Path(__file__).parent
MAX_BYTES, MAX_PIXELS = 50 * 2**20, 64_000_000  # of an upload
SHOWN_PIXELS = 1_000_000  # of what the page is given
FORMATS = ("JPEG", "PNG", "WEBP")  # of all that Pillow reads: for some it starts programs, and writes to disk
WAIT_S, SILENCE_S = 20.0, 20.0  # for the prediction before; for the next bytes of a request
FULL_FRAME_DIAGONAL_MM = 43.27  # of the 36x24 mm to which EXIF's focal length refers
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
Predict = Callable[[np.ndarray], np.ndarray]  # as `predictor.Predictor.predict`


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """Which network, and where; each field is the flag of its name."""

    port: int = option(8008, "the page is at http://127.0.0.1:PORT; 0: any free one", least=0)
    network_file: str = option("encoder", f"the network: {', '.join(saved.BUNDLED)}, or a .keras file")

    def __post_init__(self):
        super().__post_init__()
        if self.port > MAX_PORT:
            raise InputError(f"expected --port of at most {MAX_PORT}, got {self.port}")


class LocalRequest(Request):
    """A request to this machine by its own name: that of a site may lead here too (DNS rebinding)."""

    trusted_hosts = [ADDRESS, "localhost"]
    max_content_length = MAX_BYTES


class Handler(serving.WSGIRequestHandler):
    """Ends a request that falls silent, and logs none."""

    timeout = SILENCE_S

    def log_request(self, *_) -> None:
        """Says nothing."""


def main(settings: Settings) -> None:
    """Serves the page until Ctrl-C."""
    with build_server(settings.port, predictor.load(settings.network_file).predict) as server:
        program.say(f"open http://{ADDRESS}:{server.port} in a browser of this machine; Ctrl-C ends it")
        server.serve_forever()


def build_server(port: int, predict: Predict) -> serving.BaseWSGIServer:
    """Returns a server that this machine alone reaches; raises InputError if the port is not to be had."""
    try:
        with socket.create_server((ADDRESS, port)) as listener:
            given = {"threaded": True, "request_handler": Handler, "fd": listener.fileno()}
            return serving.make_server(*listener.getsockname(), build_application(predict), **given)
    except OSError as error:
        raise InputError(f"--port={port} cannot be opened ({error}): expected a free one; 0 finds one") from error


def build_application(predict: Predict) -> Callable:
    """Returns the WSGI application: GET / and /sample.jpg, and POST /depth with the bytes of a photograph."""
    page, sample, free = page_text(), (FOLDER / "sample.jpg").read_bytes(), threading.Lock()

    def respond(request: LocalRequest) -> Response:
        origin, asked = request.host_url.rstrip("/"), (request.method, request.path)
        if asked == ("GET", "/"):
            return Response(page, mimetype="text/html")
        if asked == ("GET", "/sample.jpg"):
            return Response(sample, mimetype="image/jpeg")
        if asked != ("POST", "/depth"):
            raise exceptions.NotFound("expected GET /, GET /sample.jpg or POST /depth")
        if request.headers.get("Origin") != origin:
            raise exceptions.Forbidden(f"expected a request of the page at {origin}: no other may use this server")
        data = request.get_data(cache=False)
        if not free.acquire(timeout=WAIT_S):
            raise exceptions.ServiceUnavailable("the photograph before this is still being worked on: try again")
        try:
            return predicted(data, predict)
        finally:
            free.release()

    @LocalRequest.application
    def application(request: LocalRequest) -> Response:
        try:
            response = respond(request)
        except (exceptions.HTTPException, InputError) as error:
            response = Response(getattr(error, "description", str(error)), getattr(error, "code", 400))
        response.headers.update(HEADERS)
        return response

    return application


def page_text() -> str:
    """Returns the page, with the colours of `figures.depth_picture`, near to far, and the limit of an upload."""
    colours = (figures.DEPTH_COLOURS(np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8)
    text = (FOLDER / "demo.html").read_text(encoding="utf-8")
    return text.replace("@COLOURS@", colours.tobytes().hex()).replace("@MAX_BYTES@", str(MAX_BYTES))


def predicted(data: bytes, predict: Predict) -> Response:
    """Returns the depth of a photograph, float32 metres, then its pixels, RGBA; sizes and focal lengths are headers.

    The focal lengths are in pixels of that size: what the network takes for granted, and what EXIF tells, 0 if nothing.
    """
    image, told_px = read(data)
    # The network sees about as many pixels of any photograph: what it takes for granted goes with their number.
    calibrated_px = camera.CALIBRATED_HEIGHT_PX * camera.CALIBRATED_WIDTH_PX
    assumed_px = camera.FX_PX * math.sqrt(image.height * image.width / calibrated_px)
    sizes = {"Width-Px": image.width, "Height-Px": image.height}
    headers = sizes | {"Assumed-Focal-Px": assumed_px, "Told-Focal-Px": told_px}
    depth_m = predict(np.asarray(image)).astype("<f4")
    return Response(depth_m.tobytes() + image.convert("RGBA").tobytes(), headers=headers)


def read(data: bytes) -> tuple[Image.Image, float]:
    """Returns a photograph, RGB, upright, reduced to a million pixels, and its focal length in these, 0 if not told.

    Raises InputError for what is no photograph, or too large.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            told_mm = opened.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.FocalLengthIn35mmFilm, 0)
            image = Image.fromarray(photos.upright(opened))
    except Image.UnidentifiedImageError as error:
        raise InputError(f"not a photograph: expected a file of {', '.join(FORMATS)}, whatever its name") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"too large: expected at most {MAX_PIXELS // 10**6} million pixels") from error
    except photos.UNREADABLE as error:
        told = str(error) if isinstance(error, InputError) else f"damaged ({error}): expected a whole photograph"
        raise InputError(" ".join(told.split())) from error
    shrink = math.sqrt(SHOWN_PIXELS / (image.width * image.height))
    if shrink < 1:
        width_px, height_px = (max(1, int(side * shrink)) for side in image.size)
        image = image.resize((width_px, height_px), Image.Resampling.BICUBIC, reducing_gap=2.0)
    told_mm = told_mm if isinstance(told_mm, int) else 0
    return image, told_mm / FULL_FRAME_DIAGONAL_MM * math.hypot(*image.size)


if __name__ == "__main__":
    program.run(main, Settings)
