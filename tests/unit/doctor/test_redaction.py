r"""The report: home folder, user, host, addresses and credentials leave it; everything else stays."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pmlaunch.doctor.redaction import Redactor

PLAIN = (
    "error PML226 The simulator's Python did not answer: a run would be a failure at the host of a user's choice; "
    "Python 3.11.7, torch 2.13.0+cpu, 16.0 GiB, C:\\isaaclab\\isaaclab.bat, data/a/walk.npy, 10.0.26100"
)


def clean(text: str, *, home: str = "", user: str = "", host: str = "", **more: Any) -> str:
    homes, users, hosts = ((name,) if name else () for name in (home, user, host))
    return Redactor(homes, users, hosts, **more).clean(text)


@pytest.mark.parametrize(
    ("home", "text", "expected"),
    [
        ("/home/ann", "/home/ann/pm/v2", "~/pm/v2"),
        ("/home/ann", "in /home/ann.", "in ~."),
        ("/home/ann", "/home/annabel/x", "/home/<user>/x"),
        ("/home/ann", "PATH=/home/ann/bin:/home/ann/x", "PATH=~/bin:~/x"),
        ("/home/ann", "file:///home/ann/x", "file:~/x"),
        ("/home/ann", "/mnt/home/ann/x", "/mnt/home/<user>/x"),
        ("/root", "/root/.cache and /rootfs/x and /srv/root/x", "~/.cache and /rootfs/x and /srv/root/x"),
        ("/home/Ann Other", "/home/Ann Other/pm v2/x", "~/pm v2/x"),
        (r"C:\Users\Ann Other", r"C:\Users\Ann Other\pm", r"~\pm"),
        (r"C:\Users\Ann Other", r"c:/users/ann other/pm", r"~/pm"),
        (r"C:\Users\Ann Other", r"'C:\\Users\\Ann Other\\pm'", r"'~\\pm'"),
        (r"C:\Users\Ann", r"C:\Users\ANNOTH~1\AppData\Local\Temp", r"C:\Users\<user>\AppData\Local\Temp"),
        (r"C:\Users\Ann", r"/mnt/c/Users/Ann/x", "/mnt/c/Users/<user>/x"),
        (r"C:\Users\Ann", r"C:\Users\Public\x", r"C:\Users\Public\x"),
        ("/", "/usr/lib/x", "/usr/lib/x"),
        ("C:\\", r"C:\isaaclab", r"C:\isaaclab"),
    ],
)
def test_home(home: str, text: str, expected: str) -> None:
    user = home.replace("\\", "/").rpartition("/")[2]
    assert clean(text, home=home, user=user) == expected


@pytest.mark.parametrize(
    ("user", "text", "expected"),
    [
        ("annother", "owned by annother, ANNOTHER's", "owned by <user>, <user>'s"),
        ("annother", r"D:\data\annother\x and D:/data/annother_2/x", r"D:\data\<user>\x and D:/data/<user>_2/x"),
        ("annother", "annotherone", "annotherone"),
        ("max", "Max found /data/max/x with --max-steps 5", "<user> found /data/<user>/x with --max-steps 5"),
        ("张伟", "/data/张伟/动作 和 张伟", "/data/<user>/动作 和 <user>"),
        # words that the text holds anyway stay where they are words
        ("a", PLAIN.replace("data/a/", "data/b/"), PLAIN.replace("data/a/", "data/b/")),
        ("a", "/data/a/x", "/data/<user>/x"),
        ("a", "a@box: a fine day", "<user>@box: a fine day"),
        ("c", r"C:\isaaclab and 3 c", r"C:\isaaclab and 3 c"),
        ("python", "Python 3.11 at /usr/bin/python", "Python 3.11 at /usr/bin/python"),
        ("python", "python@box", "<user>@box"),
        ("root", "root owns it", "root owns it"),
        ("torch", "torch 2.7", "torch 2.7"),
    ],
)
def test_user(user: str, text: str, expected: str) -> None:
    assert clean(text, user=user) == expected


@pytest.mark.parametrize(
    ("host", "text", "expected"),
    [
        ("ANN-PC", r"\\ann-pc\share and ann-pc.lan", r"\\<host>\share and <host>.lan"),
        ("host", PLAIN, PLAIN),
        ("host", "ann@host said", "ann@<host> said"),
        ("localhost", "http://localhost:80", "http://localhost:80"),
        ("b-52.example.org", "b-52.example.org up", "<host> up"),
    ],
)
def test_host(host: str, text: str, expected: str) -> None:
    assert clean(text, host=host) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ann:pa55@git.example.org/x.git", "https://<secret>@git.example.org/x.git"),
        ("https://ghp_0123456789abcdef@github.com/x", "https://<secret>@github.com/x"),
        ("token ghp_0123456789abcdefABCDEF", "token <secret>"),
        ("hf_abcdefghijklmnop used", "<secret> used"),
        ("HF_TOKEN=hf_abcdefghijklmnop", "HF_TOKEN=<secret>"),
        ("?access_token=abcdef123456&x=1", "?access_token=<secret>&x=1"),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer <secret>"),
        ("password: hunter2hunter2", "password: <secret>"),
        ("the token expired yesterday", "the token expired yesterday"),
        ("AKIAIOSFODNN7EXAMPLE", "<secret>"),
        ("mail ann.other+x@example.org now", "mail <e-mail> now"),
        ("git@github.com:NVlabs/ProtoMotions", "git@github.com:NVlabs/ProtoMotions"),
        ("https://github.com/NVlabs/ProtoMotions", "https://github.com/NVlabs/ProtoMotions"),
    ],
)
def test_credentials(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_values_of_secret_variables_are_removed() -> None:
    known = Redactor.here({"WANDB_API_KEY": "0123456789abcdef", "PATH": "/usr/bin", "KEYBOARD": "qwertyuiop"})
    assert known.secrets == ("0123456789abcdef",)
    assert known.clean("logged in with 0123456789abcdef, qwertyuiop") == "logged in with <secret>, qwertyuiop"


def test_own_addresses_are_removed_but_versions_are_kept() -> None:
    text = "at 10.1.2.3 and 10.1.2.34, fe80::1:2, 00:1a:2b:3c:4d:5e; Kit 10.1.2.3.4; other 10.1.2.4"
    cleaned = clean(text, addresses=("10.1.2.3", "fe80::1:2", "00:1a:2b:3c:4d:5e"))
    assert cleaned == "at <address> and 10.1.2.34, <address>, <address>; Kit 10.1.2.3.4; other 10.1.2.4"


def test_users_hosts_and_homes_of_this_machine_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "box-17.lab.example")
    known = Redactor.here({"USERNAME": "ann", "USERPROFILE": r"C:\Users\Ann O", "COMPUTERNAME": "ANN-PC", "PATH": ""})
    assert {"ann", "Ann O"} <= set(known.users)
    assert {"box-17.lab.example", "box-17", "ANN-PC"} <= set(known.hosts)
    assert r"C:\Users\Ann O" in known.homes


@pytest.mark.parametrize("name", ["a", "host", "run", "python", "GPU", "fine"])
def test_user_named_like_a_common_word_leaves_the_text_readable(name: str) -> None:
    """Somebody may be called like a word of the report; the report still says what it said."""
    text = PLAIN.replace("data/a/walk.npy", "data/motions/walk.npy")
    assert clean(text, home=f"/home/{name}", user=name, host=name) == text
    assert clean(f"{text} /home/{name}/pm", home=f"/home/{name}", user=name, host=name) == f"{text} ~/pm"


NAMES = st.text(st.sampled_from(string.ascii_letters + string.digits + " .-_'&()é张"), min_size=1, max_size=12)


@given(
    NAMES.filter(lambda name: name == name.strip(" .'")), st.sampled_from(["/home/", "C:\\Users\\", "D:\\Profiles\\"])
)
def test_any_home_folder_is_removed(name: str, base: str) -> None:
    assume("sk-" not in name)  # a folder that is named like a key is removed as one
    home = base + name
    separator = base[-1]
    cleaned = clean(f"see {home}{separator}pm{separator}x; '{home}{separator}y'", home=home)
    assert home not in cleaned
    assert cleaned.count(f"~{separator}") == 2


@given(st.text(max_size=200))
def test_cleaning_any_text_twice_changes_nothing_more(text: str) -> None:
    known = Redactor(("/home/ann",), ("ann", "a"), ("box", "b"), ("10.1.2.3",))
    once = known.clean(text)
    assert known.clean(once) == once
