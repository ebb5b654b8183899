"""Passwords, tokens and keys: removed from texts and documents, hidden from spec.json, given to the program."""

from __future__ import annotations

import json

import pytest

from pmlaunch.agent.pmlaunch_agent.argument_secrets import conceal, reveal
from pmlaunch.installing.checkout.source import address, user_setting
from pmlaunch.support.secrets import SecretFilter, hide, literal_secrets, redact, redact_document

pytestmark = pytest.mark.hostile
KEY = "Xq7-very.secret"


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{KEY}@host/x.git",
        f"fatal: unable to access 'https://{KEY}@host/x.git/': 403",
        f"wandb.api_key={KEY}",
        f"++wandb.api_key='{KEY} x'",
        f"+hub.token=[{KEY}]",
        f"python eval.py ++wandb.api_key={KEY} seed=1",
        f'"api_key": "{KEY}"',
        f"https://host/x?private_token={KEY}&a=1",
        f"Authorization: Bearer {KEY}",
        f"--api-key {KEY}1",
        f"WANDB_API_KEY={KEY}",
    ],
)
def test_a_secret_is_removed(text: str) -> None:
    assert KEY not in redact(text)
    assert "<secret>" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "ssh://git@github.com/NVlabs/ProtoMotions",
        "https://github.com/NVlabs/ProtoMotions",
        "agent.config.num_tokens=123456",
        "agent.config.tokenizer=wordpiece",
        "env.config.key_bodies=[pelvis,head]",
        "the token was moved to another commit",
        "num_envs=4",
    ],
)
def test_an_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_an_entry_with_a_telling_name_is_removed_whatever_its_form() -> None:
    document = {"wandb.api_key": "a b", "list": [{"hf_token": "x"}, f"token={KEY}"], "seed": 3, "token": None}
    assert redact_document(document) == {
        "wandb.api_key": "<secret>",
        "list": [{"hf_token": "<secret>"}, "token=<secret>"],
        "seed": 3,
        "token": None,
    }


def test_a_hidden_argument_reaches_the_program() -> None:
    given = [f"++wandb.api_key='{KEY}'", "seed=1", f"+hub={{token:{KEY}}}", f"--url=https://u:{KEY}@h/x"]
    hidden, variables = hide(given)
    assert KEY not in json.dumps(hidden)
    assert hidden[1] == "seed=1"
    assert reveal(hidden, {"PATH": "x", **variables}) == given
    assert literal_secrets(variables)[0].decode() == KEY


def test_an_exception_that_quotes_the_argument_is_written_without_it() -> None:
    _, variables = hide([f"++wandb.api_key='{KEY}\"\\'"])
    (value,) = variables.values()
    assert KEY not in conceal(json.dumps({"message": f"cannot parse {value}", "bare": value.strip("'")}), variables)


def test_a_secret_that_arrives_in_pieces_is_removed_and_nothing_else() -> None:
    text = b"before Xq7-very.secret after Xq7-very.secre Xq7"
    for size in range(1, len(text)):
        stream = SecretFilter([KEY.encode(), b"Xq7-very"])
        pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
        assert b"".join([*pieces, stream.rest()]) == b"before <secret> after <secret>.secre Xq7"
    assert SecretFilter([]).feed(text) == text


def test_the_name_and_password_of_a_source_are_kept_out_of_its_address() -> None:
    source = f"https://user:{KEY}=@host:8080/x.git"
    assert address(source) == "https://host:8080/x.git"
    assert user_setting(source) == (f"url.https://user:{KEY}%3D@host:8080/x.git.insteadOf=https://host:8080/x.git",)
    for plain in ("https://host/x@y", "git@host:x", "ssh://git@host/x"):
        assert (address(plain), user_setting(plain)) == (plain, ())
