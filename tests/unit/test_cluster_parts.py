"""Clusters: which addresses are refused, and what a launcher accepts from a worker."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.sweeping.cluster import store, transfer
from pmlaunch.sweeping.cluster.address import TlsOptions, require_protected, scheduler_address
from pmlaunch.sweeping.executor import launcher_of
from pmlaunch.sweeping.slots import ExecutorOptions, slots_of

TLS = TlsOptions(tls_ca="ca.pem", tls_cert="cert.pem", tls_key="key.pem")


@pytest.fixture
def _with_distributed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786", "tcp://127.9.9.9:1"]
)
def test_addresses_of_this_machine(address: str) -> None:
    require_protected(address, TlsOptions())


@pytest.mark.parametrize(
    "address",
    [
        "tcp://192.168.0.7:8786",
        "tcp://0.0.0.0:8786",
        "tcp://localhost.evil.org:8786",
        "tcp://127.0.0.1@evil.org:8786",
        "tls://127.0.0.1:8786",
        "ws://127.0.0.1:8786",
        "ucx://127.0.0.1:8786",
        "inproc://127.0.0.1/1",
        "tcp://",
        "tcp://[:8786",
    ],
)
def test_unprotected_addresses_are_refused(address: str) -> None:
    with pytest.raises(PmlaunchError) as caught:
        require_protected(address, TlsOptions())
    assert (caught.value.code, caught.value.exit_code) == ("PML451", 2)


def test_certificates_protect_only_tls() -> None:
    require_protected("tls://gpu7:8786", TLS)
    with pytest.raises(PmlaunchError) as caught:
        require_protected("tcp://gpu7:8786", TLS)
    assert caught.value.code == "PML451"


@pytest.mark.parametrize("tls", [TLS, TlsOptions(tls_ca="ca.pem"), TlsOptions(tls_cert="cert.pem", tls_key="key.pem")])
def test_certificates_are_never_ignored(tls: TlsOptions) -> None:
    with pytest.raises(PmlaunchError, match=r"tcp://127.0.0.1:8786 has no TLS") as caught:
        require_protected("tcp://127.0.0.1:8786", tls)
    assert caught.value.code == "PML451"


@pytest.mark.usefixtures("_with_distributed")
@pytest.mark.parametrize("tls", [TlsOptions(), TLS])
def test_other_machine_is_not_contacted_without_tls(tls: TlsOptions) -> None:
    options = ExecutorOptions(cluster="tcp://192.0.2.1:8786", **vars(tls))
    with pytest.raises(PmlaunchError) as caught, launcher_of(options):
        pass
    assert caught.value.code == "PML451"


@pytest.mark.usefixtures("_with_distributed")
def test_scheduler_file(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": "tcp://127.0.0.1:8786"}))
    assert scheduler_address(str(file), TlsOptions()) == "tcp://127.0.0.1:8786"
    file.write_text(json.dumps({"address": "tcp://10.0.0.1:8786"}))
    with pytest.raises(PmlaunchError) as caught:
        scheduler_address(str(file), TlsOptions())
    assert caught.value.code == "PML451"
    for text in ("torn {", "[]", '{"address": 7}'):
        file.write_text(text)
        with pytest.raises(PmlaunchError) as caught:
            scheduler_address(str(file), TlsOptions())
        assert (caught.value.code, caught.value.exit_code) == ("PML452", 5)


def test_distributed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    options = ExecutorOptions(cluster="tcp://127.0.0.1:8786")
    with pytest.raises(PmlaunchError) as caught, launcher_of(options):
        pass
    assert (caught.value.code, caught.value.fix) == ("PML450", 'pip install "pmlaunch[cluster]"')


def test_contradicting_options(tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError) as caught:
        slots_of(ExecutorOptions(cluster="tcp://127.0.0.1:1", jobs=2))
    assert caught.value.code == "PML001"
    with pytest.raises(PmlaunchError, match="--tls-ca names no file") as caught:
        TLS.arguments("client")
    assert caught.value.code == "PML001"
    (tmp_path / "ca.pem").touch()
    with pytest.raises(PmlaunchError, match="--tls-cert is missing"):
        TlsOptions(tls_ca=str(tmp_path / "ca.pem")).arguments("client")


def archive(folder: Path, **files: bytes) -> Path:
    path = folder / "run.zip"
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name), content)
    return path


def test_run_folder_arrives_as_it_was(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "hydra" / "deep").mkdir(parents=True)
    (run / "record.json").write_bytes(b"{}")
    (run / "hydra" / "deep" / "config.yaml").write_bytes(b"a: 1")
    os.symlink("/etc/passwd", run / "link")
    transfer.pack(run, tmp_path / "packed.zip")
    transfer.unpack(tmp_path / "packed.zip", tmp_path / "arrived")
    found = {path.relative_to(tmp_path / "arrived").as_posix() for path in (tmp_path / "arrived").rglob("*.*")}
    assert found == {"record.json", "hydra/deep/config.yaml"}
    assert (tmp_path / "arrived/hydra/deep/config.yaml").read_bytes() == b"a: 1"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../out", "PML143"),
        ("/out", "PML143"),
        ("a/../../out", "PML143"),
        ("C:/out", "PML143"),
        ("..\\out", "PML143"),
        ("folder/", "PML143"),
        ("record.json:stream", "PML454"),
    ],
)
def test_names_that_lead_elsewhere(tmp_path: Path, name: str, code: str) -> None:
    path = archive(tmp_path, **{"record.json": b"{}", name: b"x"})
    with pytest.raises(PmlaunchError) as caught:
        transfer.unpack(path, tmp_path / "runs")
    assert caught.value.code == code
    assert [each.name for each in tmp_path.iterdir()] == ["run.zip"]


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path, a=b"x" * 600, b=b"y" * 600)
    for limit, value in (("_MOST_BYTES", 1000), ("_MOST_FILES", 1)):
        with monkeypatch.context() as patched:
            patched.setattr(transfer, limit, value)
            with pytest.raises(PmlaunchError) as caught:
                transfer.unpack(path, tmp_path / "runs")
        assert caught.value.code == "PML454"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(PmlaunchError, match="damaged"):
        transfer.unpack(path, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_checkpoint_is_stored_under_what_it_is(tmp_path: Path) -> None:
    training = tmp_path / "results" / "my run"
    training.mkdir(parents=True)
    (training / "last.ckpt").write_bytes(b"weights" * 1000)
    (training / "resolved_configs.yaml").write_text("a: 1")
    (training / "epoch_1.ckpt").write_bytes(b"another checkpoint is not sent")
    (training.parent / "config.yaml").write_text("b: 2")
    sent, paths = store.describe(training / "last.ckpt")
    assert (sent.folder, set(sent.files)) == ("my_run", {"last.ckpt", "resolved_configs.yaml", "config.yaml"})
    place = tmp_path / "store"
    for name, path in paths.items():
        content = path.read_bytes()
        for offset in range(0, len(content), 4000):
            store.receive(place, sent, name, offset, content[offset : offset + 4000])
    store.accept(place, sent)
    assert (sent.place(place) / "last.ckpt").read_bytes() == b"weights" * 1000
    assert [each.name for each in place.iterdir()] == [sent.key]


def described(folder: Path, content: bytes = b"weights" * 1000) -> store.SentCheckpoint:
    training = folder / "my_run"
    training.mkdir()
    (training / "last.ckpt").write_bytes(content)
    return store.describe(training / "last.ckpt")[0]


def upload(place: Path, sent: store.SentCheckpoint, contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        store.receive(place, sent, name, 0, content)
    store.accept(place, sent)


def test_other_content_is_not_stored(tmp_path: Path) -> None:
    sent, place = described(tmp_path), tmp_path / "store"
    with pytest.raises(PmlaunchError, match=r"another last\.ckpt") as caught:
        upload(place, sent, {"last.ckpt": b"wrong"})
    assert caught.value.code == "PML454"
    assert not list(place.iterdir())


@pytest.mark.parametrize(
    ("change", "name", "code"),
    [
        ({}, "resolved_configs.yaml", "PML454"),
        ({}, "../out", "PML143"),
        ({"files": {"../out": ""}}, "../out", "PML143"),
        ({"name": "../last.ckpt"}, "last.ckpt", "PML143"),
        ({"folder": "../my_run"}, "last.ckpt", "PML143"),
    ],
)
def test_what_was_not_announced_is_not_stored(tmp_path: Path, change: dict[str, Any], name: str, code: str) -> None:
    announced, place = described(tmp_path), tmp_path / "store"
    sent = replace(announced, **change)
    with pytest.raises(PmlaunchError) as caught:
        upload(place, sent, {"last.ckpt": b"weights" * 1000, name: b"x"})
    assert caught.value.code == code
    assert names(tmp_path) == {"my_run/last.ckpt"}


@pytest.mark.parametrize("offset", [0, 4000])
def test_piece_that_cannot_be_written(tmp_path: Path, offset: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, place = described(tmp_path), tmp_path / "store"
    if offset:
        store.receive(place, sent, "last.ckpt", 0, b"weights")

    def is_full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", is_full)
    with pytest.raises(OSError, match="No space left"):
        store.receive(place, sent, "last.ckpt", offset, b"weights")
    assert not list(place.iterdir())


def test_two_launchers_send_the_same_checkpoint(tmp_path: Path) -> None:
    content = b"weights" * 1000
    sent, place = described(tmp_path, content), tmp_path / "store"
    for offset in (0, 4000, 0):  # the second launcher begins when the first has sent everything
        store.receive(place, sent, "last.ckpt", offset, content[offset : offset + 4000])
    store.accept(place, sent)
    store.receive(place, sent, "last.ckpt", 4000, content[4000:])
    store.accept(place, sent)
    assert names(place) == {f"{sent.key}/my_run/last.ckpt"}
    assert (sent.place(place) / "last.ckpt").read_bytes() == content


def test_uploads_of_killed_launchers_do_not_stay(tmp_path: Path) -> None:
    content = b"weights" * 1000
    sent, place = described(tmp_path, content), tmp_path / "store"
    store.receive(place, sent, "last.ckpt", 0, content[:4000])
    store.remove_abandoned(place)
    assert names(place) == {f"{sent.key}.upload/last.ckpt"}
    for path in place.rglob("*"):
        os.utime(path, (0, 0))
    store.remove_abandoned(place)
    assert not list(place.iterdir())


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_request_gets_the_stored_checkpoint(tmp_path: Path) -> None:
    stored = tmp_path / "last.ckpt"
    by_name = EvalRequest("maskmimic", checkpoint="results/last.ckpt")
    assert store.with_stored(by_name, stored) == EvalRequest("maskmimic", checkpoint=str(stored))
    for model in ("results/my_run", "last.ckpt", "C:\\runs\\last.ckpt"):
        assert store.with_stored(EvalRequest(model), stored) == EvalRequest(str(stored))
    assert store.checkpoint_of(EvalRequest("maskmimic"), Settings.here()) is None
