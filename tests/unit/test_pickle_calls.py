"""What pickles would call is told from their opcodes: numbers are harmless, all else is refused or not vouched for."""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import decimal
import io
import os
import pathlib
import pickle
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from unit_help import Plan

from pmlaunch.checks.pickles import pickle_findings
from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.codes import Exit
from pmlaunch.generations.v3 import FROZEN_CONFIGS
from pmlaunch.support.pickle_calls import MAX_PICKLE, PickleCalls, pickle_calls
from pmlaunch.support.torch_pickles import UnverifiableError, calls_of, pickles_in
from soon import soon
from standin import pointer_text, torch_file
from standin3 import Named, save_like_torch

MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
LOADER = b"ctorch.storage\n_load_from_bytes\n"
EVIL = b"cos\nsystem\nX\x02\x00\x00\x00id\x85R."


def told(calls: PickleCalls) -> set[str]:
    return {str(name) for name in calls.names} | calls.odd


def text(value: str) -> bytes:
    content = value.encode()
    return b"X" + len(content).to_bytes(4, "little") + content


def in_zip(payload: bytes, **more: bytes) -> io.BytesIO:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a/data.pkl", payload)
        for name, content in more.items():
            archive.writestr(name, content)
    written.seek(0)
    return written


PLAIN = [
    *(np.zeros(2, kind) for kind in ("f2", "f4", ">f8", "c8", "i1", "u8", "?", "U3", "S3", "M8[s]", "m8[s]", "O")),
    *(
        np.float64(1),
        np.float32(1),
        np.int64(1),
        np.bool_(1),
        np.complex64(1),
        np.str_("a"),
        np.datetime64("2020-01-01"),
    ),
    np.zeros(2, [("a", "f4"), ("b", "i4")]),
    np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]),
    np.ma.array([1, 2], mask=[False, True]),
    np.asfortranarray(np.eye(3)),
    np.dtype("f4"),
    np.float32,
    np.random.RandomState(1),
    np.random.default_rng(1),
    np.random.Generator(np.random.Philox(1)),
    np.random.SeedSequence(1),
    [{1}, frozenset([1]), bytearray(b"a"), bytearray(), b"x", b"", 1j, slice(1, 2), range(3), (1, (2,)), None, 2**5000],
    [collections.OrderedDict(a=1), collections.defaultdict(list), collections.Counter("a"), collections.deque([1])],
    [dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc), dt.timedelta(1), decimal.Decimal(1)],
    [pathlib.PurePosixPath("a"), argparse.Namespace(a=1), "x" * 70_000, b"y" * 70_000],
]


@pytest.mark.parametrize("protocol", range(6))
def test_numbers_and_containers_are_harmless(protocol: int) -> None:
    for value in PLAIN:
        calls = pickle_calls(pickle.dumps(value, protocol=protocol))
        assert (told(calls), calls.broken) == (set(), False), value


# written by torch 2.13: a Parameter, a tensor in a plain pickle, a dtype, a Size, a device, a sparse layout
TENSORS = [
    (
        b"\x80\x02ctorch._utils\n_rebuild_parameter\nctorch._utils\n_rebuild_tensor_v2\n"
        b"((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
        b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x02tQK\x00K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR\x88"
        b"ccollections\nOrderedDict\n)R\x87R."
    ),
    b"\x80\x02ctorch\nbfloat16\nctorch\nSize\nK\x01\x85\x85Rctorch\ndevice\nX\x03\x00\x00\x00cpu\x85R\x87.",
    b"\x80\x02ctorch._utils\n_rebuild_sparse_tensor\nctorch.serialization\n_get_layout\nX\x10\x00\x00\x00torch.sparse_coo\x85RN\x86R.",
    (
        b"\x80\x02ctorch.storage\n_load_from_bytes\nc_codecs\nencode\n"
        + text((MAGIC + b"\x80\x02M\xe9\x03.\x80\x02}.\x80\x02N.\x80\x02].").decode("latin-1"))
        + text("latin1")
        + b"\x86R\x85R."
    ),
]


@pytest.mark.parametrize("number", range(len(TENSORS)))
def test_tensors_are_harmless(number: int) -> None:
    assert told(pickles_in(in_zip(TENSORS[number]))) == set()


HOSTILE = {
    "a call": (b"\x80\x02" + EVIL, "os.system"),
    "a name that is not called": (b"\x80\x02cos\nsystem\n.", "os.system"),
    "text protocol": (b"(S'id'\nios\nsystem\n.", "os.system"),
    "an instance by OBJ": (b"\x80\x02(cos\nsystem\nX\x02\x00\x00\x00ido.", "os.system"),
    "an instance by NEWOBJ_EX": (b"\x80\x04\x8c\x02os\x8c\x06system\x93)}\x92.", "os.system"),
    "names on the stack": (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "os.system"),
    "names from the memo": (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x000h\x00h\x01\x93.", "os.system"),
    "names twice from one": (b"\x80\x04\x8c\x02os\x8c\x06system20\x93.", "os.system"),
    "a made name": (b"\x80\x04cbuiltins\nstr\n\x8c\x02os\x85R\x8c\x06system\x93.", "(something that cannot be analyzed)"),
    "an attribute's path": (b"\x80\x04" + text("collections") + text("OrderedDict.copy") + b"\x93.", "collections.Ordered"),
    "another module's attribute": (b"\x80\x04\x8c\x05numpy\x8c\x0elib.npyio.load\x93.", "numpy.lib.npyio.load"),
    "an extension": (b"\x80\x02\x82\x01)R.", "(extension 1)"),
    "a partial": (b"\x80\x02cfunctools\npartial\ncbuiltins\nlist\n\x85R.", "functools.partial"),
    "getattr": (b"\x80\x02c__builtin__\ngetattr\n.", "__builtin__.getattr"),
    "an attribute getter": (b"\x80\x02coperator\nattrgetter\n.", "operator.attrgetter"),
    "another loader": (b"\x80\x02ctorch.serialization\nload\n.", "torch.serialization.load"),
    "a state for a class": (b"\x80\x02cargparse\nNamespace\nN}\x86b.", "(a change of argparse.Namespace)"),
    "a call of a result": (b"\x80\x02ccollections\nOrderedDict\n)R)R.", "(a call of something without a name)"),
    "another encoding": (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00utf-7\x86R.", "(_codecs.encode"),
    "a pickle in a pickle": (
        b"\x80\x03ctorch.storage\n_load_from_bytes\nC" + bytes([len(EVIL)]) + EVIL + b"\x85R.", "os.system"
    ),
    "a loader for a constructor": (
        b"\x80\x03cnumpy.random._pickle\n__generator_ctor\nC" + bytes([len(EVIL)]) + EVIL + LOADER + b"\x86R.",
        "(torch.storage._load_from_bytes, for something else",
    ),
    "a loader for a rebuilt tensor": (
        b"\x80\x03ctorch._tensor\n_rebuild_from_type_v2\n(" + LOADER + b"ctorch\nTensor\nC"
        + bytes([len(EVIL)]) + EVIL + b"\x85NtR.",
        "(torch.storage._load_from_bytes, for something else",
    ),
    "a loader from the memo": (
        b"\x80\x03" + LOADER + b"q\x000cnumpy.random._pickle\n__randomstate_ctor\nC\x01ah\x00\x86R.",
        "(torch.storage._load_from_bytes, for something else",
    ),
    "a tensor from elsewhere": (b"\x80\x03ctorch.storage\n_load_from_bytes\nN\x85R.", "(a tensor that is not in the pickle)"),
    "a second pickle": (b"\x80\x02N." + EVIL, "(data after the pickle)"),
    "an opcode across a frame": (
        b"\x80\x04\x95\x06" + bytes(7) + b"\x8c" + bytes([4 + 11]) + b"1234cos\nsystem\n.", "(something that cannot be analyzed)"
    ),
    "a number only pickle reads": (b"I0x10\n" + EVIL, "(something that cannot be analyzed)"),
    "an interpolation": (
        b"\x80\x02comegaconf.listconfig\nListConfig\n]X\x0a\x00\x00\x00${eval:id}a\x85R.", "(an interpolation"
    ),
    "too many opcodes": (b"\x80\x02" + b"N0" * 200_000 + EVIL, "(something that cannot be analyzed)"),
    "names like harmless ones": (b"\x80\x02cnumpy.core.multiarray.os\nsystem\n.", "numpy.core.multiarray.os.system"),
    "a space in a name": (b"\x80\x02ccollections x\nOrderedDict\n.", "(something that cannot be analyzed)"),
    "another case": (b"\x80\x02cCollections\nOrderedDict\n.", "Collections.OrderedDict"),
}  # fmt: skip


@pytest.mark.hostile
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_reported(name: str) -> None:
    payload, found = HOSTILE[name]
    with soon():
        assert any(item.startswith(found) for item in told(pickles_in(in_zip(payload))))


def _twice(first: str, second: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(first, b"\x80\x02N.")
        archive.writestr(second, b"\x80\x02" + EVIL)
    return written.getvalue()


def _tar() -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"), io.BytesIO())
    return written.getvalue()


def _bomb(method: int, size: int) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive, archive.open("a/data.pkl", "w", force_zip64=True) as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return written.getvalue()


def _prefixed() -> bytes:
    """An archive whose directory gives offsets that only zipfile corrects."""
    good, plain = in_zip(b"\x80\x02" + EVIL).getvalue(), in_zip(b"\x80\x02N.").getvalue()
    return good + plain


FILES = {
    "two data.pkl": (_twice("a/data.pkl", "b/data.pkl"), "(an archive that different readers"),
    "DATA.PKL first": (_twice("a/data.pkl", "a/DATA.PKL"), "(an archive that different readers"),
    "the same name twice": (_twice("a/data.pkl", "./a/data.pkl"), "(an archive that different readers"),
    "two archives": (_prefixed(), "(an archive that different readers"),
    "a comment": (in_zip(b"\x80\x02N.").getvalue()[:-2] + b"\x01\x00x", "(an archive that different readers"),
    "an inflated pickle": (_bomb(zipfile.ZIP_DEFLATED, 64 << 20), "('a/data.pkl' is too large"),
    "a pickle in bzip2": (_bomb(zipfile.ZIP_BZIP2, 1 << 20), "('a/data.pkl' is too large"),
    "a tar archive": (_tar(), "(the contents of a tar archive"),
    "a bare pickle": (b"\x80\x04" + EVIL, "os.system"),
    "a text pickle": (EVIL, "os.system"),
    "the last of five pickles": (MAGIC + b"\x80\x02N." * 3 + b"\x80\x02" + EVIL, "os.system"),
    "the first of five pickles": (b"\x80\x02" + EVIL + MAGIC, "os.system"),
    "a pickle without an end": (b"\x80\x02N" + b"N" * 400_000, "(something that cannot be analyzed)"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("name", FILES)
def test_hostile_files_are_reported(tmp_path: Path, name: str) -> None:
    content, found = FILES[name]
    path = tmp_path / "last.ckpt"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        assert any(item.startswith(found) for item in told(calls_of(path)))
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>not found</html>", "it was not saved by torch"),
        (b"", "it was not saved by torch"),
        (b"PK\x03\x04", "its archive is damaged"),
        (b"\x80\x02}", "its pickle is damaged"),
        (b"NOT A MODEL", "its pickle is damaged"),
        (in_zip(b"\x80\x02]", **{"a/constants.pkl": b""}).getvalue(), "it is a TorchScript program"),
        (torch_file(b"x", 5000)[:-1000], "its archive is damaged"),
    ],
)
def test_unverifiable_files_are_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "last.ckpt"
    path.write_bytes(content)
    with pytest.raises(UnverifiableError, match=why):
        calls_of(path)
    (finding,) = pickle_findings(path, tmp_path)
    assert (finding.code, finding.subject) == ("PML151", str(path))


@pytest.mark.hostile
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not applicable: Windows has no such pipes")
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ckpt")
    (tmp_path / "zero.ckpt").symlink_to("/dev/zero")
    (tmp_path / "folder.ckpt").mkdir()
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(UnverifiableError, match="not a regular file"):
            calls_of(path)


def test_only_the_directory_and_the_pickle_of_a_large_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + EVIL)
        with archive.open("a/data/0", "w", force_zip64=True) as file:
            for _ in range(16):
                file.write(bytes(MAX_PICKLE >> 2))
    tracemalloc.start()
    try:
        assert told(calls_of(path)) == {"os.system"}
        assert tracemalloc.get_traced_memory()[1] < MAX_PICKLE  # of four times as much
    finally:
        tracemalloc.stop()


@pytest.mark.hostile
@pytest.mark.usefixtures("in_git")
def test_pml150_stops_an_evaluation_before_the_start(plan: Plan, checkout: Path) -> None:
    checkpoint = checkout / "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    save_like_torch(checkpoint, {"model": Named("os", "system")})
    findings = preflight(plan())
    assert [finding.code for finding in findings] == ["PML150"]
    assert exit_code_of(findings) is Exit.CHECK
    assert "os.system" in findings[0].message
    assert exit_code_of(preflight(plan(no_check=("PML150",)))) == Exit.DONE


def test_classes_that_the_checkout_defines_are_its_own(checkout: Path) -> None:
    path = checkout / "library.pt"
    save_like_torch(path, {"motions": Named("protomotions.envs.terrains", "Flat")})
    assert list(pickle_findings(path, checkout)) == []
    for module, name in (
        ("protomotions.envs.base_env.env", "os"),
        ("protomotions.envs.terrains", "Missing"),
        ("a.b", "C"),
    ):
        save_like_torch(path, {"motions": Named(module, name)})
        assert [finding.code for finding in pickle_findings(path, checkout)] == ["PML150"]


def test_missing_files_and_pointers_are_left_to_other_checks(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_text(pointer_text(b"x"), encoding="utf-8")
    assert list(pickle_findings(tmp_path / "last.ckpt", tmp_path)) == []
    assert list(pickle_findings(tmp_path / FROZEN_CONFIGS, tmp_path)) == []


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("protomotions.robot_configs.g1", "EvilConfig"),
        ("protomotions.evil", "EvilConfig"),
        ("protomotions.envs.os", "system"),
    ],
)
def test_frozen_configs_name_what_the_checkout_defines(checkout3: Path, module: str, name: str) -> None:
    path = checkout3 / "results/g1_mlp" / FROZEN_CONFIGS
    save_like_torch(path, {"robot": Named(module, name)})
    (finding,) = pickle_findings(path, checkout3)
    assert (finding.code, f"{module}.{name}" in finding.message) == ("PML128", True)
