import hashlib
import http.server
import re
import socket
import threading
import time

import pytest
import tensorflow_datasets as tfds

from depth_tf import prepare
from depth_tf.data import tfds_records
from depth_tf.nyu import sources
from depth_tf.runtime import atomic_files
from depth_tf.runtime.errors import InputError
from tests import fastdepth_archive as made_up


class Server(http.server.ThreadingHTTPServer):
    """Serves one file, in ranges; breaks off once after as many bytes as `breaks_after` says."""

    content, breaks_after, knows_ranges = b"", None, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url, self.asked = f"http://127.0.0.1:{self.server_port}/nyudepthv2.tar.gz", []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        server, given = self.server, self.headers["Range"]
        server.asked.append(given)
        start = int(re.fullmatch(r"bytes=(\d+)-", given)[1]) if server.knows_ranges else 0
        self.send_response(404 if not server.content else 206 if server.knows_ranges else 200)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        self.wfile.write(server.content[start : server.breaks_after])
        server.breaks_after = None

    def log_message(self, *_):
        pass


@pytest.fixture(name="server")
def _server(monkeypatch):
    """Serves the archive on this machine alone."""
    with Server() as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        monkeypatch.setattr(sources, "ARCHIVE_URL", serving.url)
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def roomy(monkeypatch):
    """Pretends that the disk is large enough."""
    monkeypatch.setattr(atomic_files, "free_gb", lambda _: 1000.0)


def expect(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(sources, "ARCHIVE_BYTES", len(content))
    monkeypatch.setattr(sources, "ARCHIVE_SHA256", hashlib.sha256(content).hexdigest())


def test_address_size_and_checksum_are_those_of_the_builder():
    (url,) = infos = tfds.builder_cls("nyu_depth_v2").url_infos
    assert url == sources.ARCHIVE_URL
    assert (infos[url].size, infos[url].checksum) == (sources.ARCHIVE_BYTES, sources.ARCHIVE_SHA256)


def test_without_a_server_it_ends_in_seconds_and_names_the_mirrors(tmp_path, roomy, monkeypatch, capsys):
    monkeypatch.setattr(sources, "ARCHIVE_URL", "http://127.0.0.1:1/nyudepthv2.tar.gz")  # nothing listens there
    start = time.monotonic()
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1/nyudepthv2.*sayakpaul.*awsaf49") as refusal:
        prepare.main(prepare.Settings(data_dir=str(tmp_path / "data")))
    assert time.monotonic() - start < 5
    assert "\n" not in str(refusal.value)
    said = capsys.readouterr().out
    assert all(size in said for size in ("34.3 GB", "104 GB", "83 GB"))
    assert list((tmp_path / "data").iterdir()) == []


def test_a_server_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SILENCE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(sources, "ARCHIVE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/x")
        with pytest.raises(InputError, match="timed out"):
            sources.download(tmp_path / "x.part")


def test_an_archive_that_is_not_on_the_server_is_said_so(server, tmp_path):
    with pytest.raises(InputError, match="404"):
        sources.download(tmp_path / "x.part")


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_download_that_broke_off_goes_on_where_it_was(server, tmp_path, monkeypatch, capsys, knows_ranges):
    server.content, server.knows_ranges, part = bytes(range(256)) * 12_000, knows_ranges, tmp_path / "x.part"
    expect(monkeypatch, server.content)
    server.breaks_after = 2 << 20
    with pytest.raises(InputError, match="broke off .* GB are kept, and the same command goes on"):
        sources.download(part)
    kept = part.stat().st_size
    assert 0 < kept <= 2 << 20
    sources.download(part)
    assert server.asked == ["bytes=0-", f"bytes={kept}-"]
    assert part.read_bytes() == server.content
    assert "with the checksum that TFDS knows" in capsys.readouterr().out
    sources.download(part)  # killed before the checksum was known: nothing is asked for again
    assert len(server.asked) == 2


def test_too_small_a_disk_is_said_before_the_server_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_files, "free_gb", lambda _: 100.0)
    monkeypatch.setattr(sources, "download", lambda _: pytest.fail("asked the server"))
    with pytest.raises(InputError, match=r"needs 117\.3 GB .* has 100\.0 GB free"):
        prepare.main(prepare.Settings(data_dir=str(tmp_path)))


def test_the_downloaded_archive_becomes_the_data_set_and_is_not_downloaded_twice(server, tmp_path, roomy, monkeypatch):
    archive = made_up.write_archive(made_up.write_folder(tmp_path), tmp_path / "nyudepthv2.tar.gz")
    server.content = archive.read_bytes()
    expect(monkeypatch, server.content)
    data_dir = tmp_path / "data"
    prepare.main(prepare.Settings(data_dir=str(data_dir)))
    assert tfds_records.read_source(data_dir / "nyu_depth_v2" / "0.0.1")["kind"] == "tfds_download"
    monkeypatch.setattr(sources, "download", lambda _: pytest.fail("asked the server again"))
    prepare.main(prepare.Settings(data_dir=str(data_dir), max_images=1, overwrite=True))
    counts = tfds_records.read_source(data_dir / "nyu_depth_v2" / "0.0.1")["counts"]
    assert counts == {"train": 1, "validation": 1}


@pytest.mark.parametrize(("content", "message"), [(b"thearchive?", "checksum"), (b"an error page", "11 bytes there")])
def test_what_is_not_the_archive_is_refused_and_removed(server, tmp_path, roomy, monkeypatch, content, message):
    server.content = content
    expect(monkeypatch, b"the archive")
    with pytest.raises(InputError, match=message):
        prepare.main(prepare.Settings(data_dir=str(tmp_path / "data")))
    assert not list(tmp_path.rglob("*.part"))
