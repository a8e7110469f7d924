import functools
import hashlib
import http.server
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


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """Serves the folder `served` on this machine alone; yields (folder, address)."""
    (tmp_path / "served").mkdir()
    handler = functools.partial(QuietHandler, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield tmp_path / "served", f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


@pytest.fixture
def roomy(monkeypatch):
    """Pretends that the disk is large enough."""
    monkeypatch.setattr(atomic_files, "free_gb", lambda _: 1000.0)


def use_archive(monkeypatch, *, url, content):
    monkeypatch.setattr(sources, "ARCHIVE_URL", url)
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


def test_a_server_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(sources, "PROBE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(InputError, match="timed out"):
        sources.probe(f"http://127.0.0.1:{silent.getsockname()[1]}/x")


def test_an_archive_that_is_not_on_the_server_is_said_so(server):
    with pytest.raises(InputError, match="404"):
        sources.probe(server[1] + "/nyudepthv2.tar.gz")


def test_too_small_a_disk_is_said_before_the_server_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_files, "free_gb", lambda _: 100.0)
    monkeypatch.setattr(sources, "probe", lambda _: pytest.fail("asked the server"))
    with pytest.raises(InputError, match=r"needs 117\.3 GB .* has 100\.0 GB free"):
        prepare.main(prepare.Settings(data_dir=str(tmp_path)))


def test_the_downloaded_archive_becomes_the_data_set_and_is_not_downloaded_twice(server, tmp_path, roomy, monkeypatch):
    folder, address = server
    archive = made_up.write_archive(made_up.write_folder(tmp_path), folder / "nyudepthv2.tar.gz")
    use_archive(monkeypatch, url=f"{address}/nyudepthv2.tar.gz", content=archive.read_bytes())
    data_dir = tmp_path / "data"
    prepare.main(prepare.Settings(data_dir=str(data_dir)))
    assert tfds_records.read_source(data_dir / "nyu_depth_v2" / "0.0.1")["kind"] == "tfds_download"
    monkeypatch.setattr(sources, "probe", lambda _: pytest.fail("asked the server again"))
    prepare.main(prepare.Settings(data_dir=str(data_dir), max_images=1, overwrite=True))
    counts = tfds_records.read_source(data_dir / "nyu_depth_v2" / "0.0.1")["counts"]
    assert counts == {"train": 1, "validation": 1}


def test_a_download_with_the_wrong_checksum_is_refused(server, tmp_path, roomy, monkeypatch):
    folder, address = server
    (folder / "nyudepthv2.tar.gz").write_bytes(b"an error page")
    use_archive(monkeypatch, url=f"{address}/nyudepthv2.tar.gz", content=b"the archive")
    with pytest.raises(InputError, match="checksum"):
        prepare.main(prepare.Settings(data_dir=str(tmp_path / "data")))
