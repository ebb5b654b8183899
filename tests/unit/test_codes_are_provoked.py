"""Every code of the registry is used by the program, documented, and provoked by a test.

A test provokes a code if what it asserts contains the code: an `assert`, the arguments of `pytest.raises`, or a value
of `parametrize` or of a fixture's `params` whose name an assertion of that test uses. This cannot tell whether the
assertion is able to fail, only that there is one.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import pmlaunch
from pmlaunch.codes import CODES

ROOT = Path(__file__).parents[2]
# these only show findings that they make themselves
_SHOWN_ONLY = ("test_codes", "test_render")
TESTS = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if not path.name.startswith(_SHOWN_ONLY)]
SOURCES = [path for path in Path(pmlaunch.__file__).parent.rglob("*.py") if path.name != "codes.py"]
CODE = re.compile(r"PML\d{3}")

# codes without a test, and the reason
EXCEPTIONS: dict[str, str] = {}


def codes_in(nodes: Iterable[ast.AST]) -> set[str]:
    """The codes in the texts below `nodes`."""
    texts = (node.value for top in nodes for node in ast.walk(top) if isinstance(node, ast.Constant))
    return {code for text in texts if isinstance(text, str) for code in CODE.findall(text)}


def asserted_codes(source: str) -> set[str]:
    """The codes that the tests in `source` assert."""
    tree = ast.parse(source)
    tables = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for function in (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))):
        checked = list(_assertions(function))
        used = {node.id for top in checked for node in ast.walk(top) if isinstance(node, ast.Name)}
        # values that got a name before they are asserted, in the test or in the module
        given = [value for value, names in _assignments(function) if names & used]
        used |= {node.id for value in given for node in ast.walk(value) if isinstance(node, ast.Name)}
        found |= codes_in(checked)
        found |= codes_in(given)
        found |= codes_in(tables[name] for name in used & set(tables))
        for names, values in _parameters(function):
            found |= codes_in(_values_of(names, values, used, tables))
    return found


def _assertions(function: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            yield node.test
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "raises":
            yield node


def _assignments(function: ast.AST) -> Iterator[tuple[ast.expr, set[str]]]:
    """(value, names) of every assignment; `a, b = TABLE[key]` has two names."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            yield (
                node.value,
                {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)},
            )


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[list[str], ast.expr]]:
    """(names, values) of every `parametrize` of a test."""
    for call in function.decorator_list:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "parametrize":
            names, values = call.args[:2]
            if isinstance(names, ast.Constant):
                yield [name.strip() for name in str(names.value).split(",")], values
            elif isinstance(names, (ast.Tuple, ast.List)):
                yield [str(name.value) for name in names.elts if isinstance(name, ast.Constant)], values


def _values_of(names: list[str], values: ast.expr, used: set[str], tables: dict[str, ast.expr]) -> Iterator[ast.expr]:
    """The values of the asserted parameters; all values of a table by name or made by a function."""
    values = tables.get(values.id, values) if isinstance(values, ast.Name) else values
    if not isinstance(values, (ast.List, ast.Tuple)):
        if used & set(names):
            yield values
        return
    for row in values.elts:
        one = row.args if isinstance(row, ast.Call) else [row]  # pytest.param(...)
        cells = one[0].elts if len(one) == 1 and len(names) > 1 and isinstance(one[0], (ast.Tuple, ast.List)) else one
        yield from (cell for name, cell in zip(names, cells, strict=False) if name in used)


@pytest.fixture(scope="module")
def provoked() -> dict[str, set[str]]:
    """The names of the test files that assert each code."""
    found: dict[str, set[str]] = {}
    for path in TESTS:
        for code in asserted_codes(path.read_text(encoding="utf-8")):
            found.setdefault(code, set()).add(path.name)
    return found


def test_every_code_is_provoked(provoked: dict[str, set[str]]) -> None:
    missing = {code: CODES[code].title for code in CODES if code not in provoked and code not in EXCEPTIONS}
    assert missing == {}, "no test asserts these codes"


def test_no_exception_from_the_rule_is_obsolete(provoked: dict[str, set[str]]) -> None:
    assert [code for code in EXCEPTIONS if code in provoked or code not in CODES or not EXCEPTIONS[code]] == []


def test_every_code_is_used() -> None:
    used = {code for path in SOURCES for code in CODE.findall(path.read_text(encoding="utf-8"))}
    assert sorted(set(CODES) - used) == [], "no line of the program uses these codes"


def test_page_of_all_codes_has_every_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    page = importlib.import_module("make_errors_doc").errors_document()
    assert re.findall(r"^### (PML\d{3}): ", page, re.MULTILINE) == list(CODES)
    for code in CODES.values():
        entry = page.partition(f"### {code.code}: ")[2].partition("\n### ")[0]
        assert entry.startswith(f"{code.title}\n\n{code.cause}\n\nNext: {code.cure}\n")
        assert f"Exit code when it ends a command: {code.exit_code}." in entry
    assert len(re.findall("^## ", page, re.MULTILINE)) == len({code[3] for code in CODES})


SAMPLE = '''
TABLE = ["PML021"]
def test_a(): assert codes(x) == ["PML001"]
def test_b():
    with pytest.raises(E, match="PML002"): run("PML003")
@pytest.mark.parametrize(("code", "typed"), [("PML004", "PML005"), pytest.param("PML006", "PML007", id="PML008")])
def test_c(code, typed): assert run(typed) == f"it is {code}"
@pytest.mark.parametrize("code", ["PML009"])
def test_d(code): run(code)
def test_e():
    """PML010"""
    expected = ["PML011"]
    assert run() == expected
    other = "PML012"
def test_f(): assert TABLE == run()
BAD = {"ref": (["--ref"], "PML031")}
@pytest.mark.parametrize("name", BAD)
def test_g(name):
    typed, code = BAD[name]
    assert run(typed) == code
'''


def test_asserted_codes_of_a_sample() -> None:
    """`typed`, an input of the test, counts as well, since it appears in an assertion."""
    assert asserted_codes(SAMPLE) == {f"PML{number:03}" for number in (1, 2, 4, 5, 6, 7, 11, 21, 31)}
