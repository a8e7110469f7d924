"""A page to try a network on: python -m depth_tf.demo, then http://127.0.0.1:8008 in a browser of this machine.

Depth in colours, metres under the pointer, the distance of two points, a point cloud that turns. No other machine
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
from PIL import Image
from werkzeug import Request, Response, exceptions, serving

from depth_tf import saved
from depth_tf.data import photos
from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option

with epy.lazy_imports():
    from depth_tf import predictor
    from depth_tf.drawing import figures

ADDRESS, FOLDER = "127.0.0.1", pathlib.Path(__file__).parent
MAX_BYTES, MAX_PIXELS = 50 * 2**20, 64_000_000  # of an upload
SHOWN_PIXELS = 1_000_000  # of what the page is given
FORMATS = ("JPEG", "PNG", "WEBP")  # of all that Pillow reads: for some it starts programs, and writes to disk
WAIT_S, SILENCE_S = 20.0, 20.0  # for the prediction before; for the next bytes of a request
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'"
POLICY += "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """Which network, and where; each field is the flag of its name."""

    port: int = option(8008, "the page is at http://127.0.0.1:PORT; 0: any free one", least=0)
    network_file: str = option("encoder", f"the network: {', '.join(saved.BUNDLED)}, or a .keras file")


class LocalRequest(Request):
    """A request to this machine by its own name: a site's name may lead here too (DNS rebinding)."""

    trusted_hosts = [ADDRESS, "localhost"]
    max_content_length = MAX_BYTES


class Handler(serving.WSGIRequestHandler):
    """Ends a connection that falls silent, and logs nothing."""

    timeout, log_request = SILENCE_S, lambda *_: None


def main(settings: Settings) -> None:
    """Serves the page until Ctrl-C."""
    with build_server(settings.port, predictor.load(settings.network_file)) as server:
        program.say(f"open http://{ADDRESS}:{server.port} in a browser of this machine; Ctrl-C ends it")
        server.serve_forever()


def build_server(port: int, network: predictor.Predictor) -> serving.BaseWSGIServer:
    """Returns a server that this machine alone reaches; raises InputError if the port is not to be had."""
    application = build_application(network)
    try:
        with socket.create_server((ADDRESS, port)) as listener:
            given = {"threaded": True, "request_handler": Handler, "fd": listener.fileno()}
            return serving.make_server(*listener.getsockname(), application, **given)
    except (OSError, OverflowError) as error:
        raise InputError(f"--port={port} cannot be opened ({error}): expected a free one; 0 finds one") from error


def build_application(network: predictor.Predictor) -> Callable:
    """Returns the WSGI application: GET / and /sample.jpg, and POST /depth with the bytes of a photograph."""
    colours = (figures.DEPTH_COLOURS(np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8)
    page = (FOLDER / "demo.html").read_text(encoding="utf-8").replace("@COLOURS@", colours.tobytes().hex())
    page = page.replace("@MAX_BYTES@", str(MAX_BYTES))
    files, free = {"/": page, "/sample.jpg": (FOLDER / "sample.jpg").read_bytes()}, threading.Lock()

    def respond(request: LocalRequest) -> Response:
        origin = request.host_url.rstrip("/")  # raises where the host is another
        if request.method == "GET" and request.path in files:
            return Response(files[request.path], mimetype="text/html" if request.path == "/" else "image/jpeg")
        if (request.method, request.path) != ("POST", "/depth"):
            raise exceptions.NotFound(f"expected GET {' or '.join(files)}, or POST /depth")
        if request.headers.get("Origin") != origin:
            raise exceptions.Forbidden(f"expected a request of the page at {origin}: no other may use this server")
        data = request.get_data(cache=False)
        if not free.acquire(timeout=WAIT_S):
            raise exceptions.ServiceUnavailable("the photograph before this is still being worked on: try again")
        try:
            return predicted(data, network)
        finally:
            free.release()

    @LocalRequest.application
    def application(request: LocalRequest) -> Response:
        try:
            response = respond(request)
        except (exceptions.HTTPException, InputError) as error:
            response = Response(getattr(error, "description", str(error)), getattr(error, "code", 400))
        response.headers.update({"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})
        return response

    return application


def predicted(data: bytes, network: predictor.Predictor) -> Response:
    """Returns the depth of a photograph, reduced to a million pixels: float32 metres, then the pixels, RGBA.

    The headers hold its size, its focal length in these pixels, and the focal length for which the depth is right.
    """
    formats = ("HEIF",) if photos.let_pillow_read("HEIC", data) else FORMATS
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=formats) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise InputError(f"too large: expected at most {MAX_PIXELS // 10**6} million pixels")
            whole = photos.photograph(opened, "the photograph")
    except InputError:
        raise
    except photos.UNREADABLE as error:
        unknown = isinstance(error, Image.UnidentifiedImageError)  # whose message tells of the bytes' place in memory
        why = "not a photograph" if unknown else f"damaged or too large ({error})"
        raise InputError(f"{why}: expected a file of {', '.join(FORMATS)} or HEIC, whatever its name") from error
    shrink = min(1, math.sqrt(SHOWN_PIXELS / whole.image[..., 0].size))
    width_px, height_px = (max(1, int(side * shrink)) for side in whole.image.shape[1::-1])
    image = Image.fromarray(whole.image).resize((width_px, height_px), Image.Resampling.BICUBIC, reducing_gap=2.0)
    shown = photos.Photograph(np.asarray(image), whole.focal_px and whole.focal_px * shrink)
    depth_m, focal = network.predict(shown.image).astype("<f4"), network.focal(shown)
    headers = {"Width-Px": width_px, "Height-Px": height_px, "Focal-Px": focal.px, "Focal-Told": focal.told}
    headers["Assumed-Focal-Px"] = focal.px / focal.depth_factor
    return Response(depth_m.tobytes() + image.convert("RGBA").tobytes(), headers=headers)


if __name__ == "__main__":
    program.run(main, Settings)
