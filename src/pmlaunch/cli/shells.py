"""Completion in PowerShell, bash, zsh and fish: the script that each one loads, and what it asks and is answered.

The protocol is Typer's: a script starts pmlaunch with _PMLAUNCH_COMPLETE=complete_SHELL. Typer's own scripts are not
used. Those of zsh and bash let the shell expand the answer, where a file's name could be a command; none of them
quotes names for the shell, and that of PowerShell rebinds the Tab key.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer._click.shell_completion import CompletionItem

VARIABLE = "_PMLAUNCH_COMPLETE"
_LINE, _BREAKS = "_PMLAUNCH_LINE", "_PMLAUNCH_BREAKS"

SCRIPTS: Mapping[str, str] = {
    "bash": r"""_pmlaunch_completion() {
    local reply
    COMPREPLY=()
    while IFS= read -r reply; do
        [[ -n $reply ]] && COMPREPLY+=("$reply")
    done < <(_PMLAUNCH_COMPLETE=complete_bash _PMLAUNCH_LINE="${COMP_LINE:0:COMP_POINT}" \
        _PMLAUNCH_BREAKS="$COMP_WORDBREAKS" command pmlaunch 2>/dev/null)
}
complete -o default -F _pmlaunch_completion pmlaunch
""",
    "zsh": r"""_pmlaunch_completion() {
    local line
    local -a values shown
    for line in "${(@f)$(_PMLAUNCH_COMPLETE=complete_zsh \
        _PMLAUNCH_LINE="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX" command pmlaunch 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        values+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done
    if (( $#values )); then
        compadd -l -d shown -- "${values[@]}"
    else
        _files
    fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _pmlaunch_completion pmlaunch
""",
    "fish": r"""function __pmlaunch_completion
    set -l line (commandline -cp | string collect)
    set -l found (env _PMLAUNCH_COMPLETE=complete_fish _PMLAUNCH_LINE="$line" pmlaunch 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command pmlaunch --no-files --arguments '(__pmlaunch_completion)'
""",
    "powershell": r"""Register-ArgumentCompleter -Native -CommandName pmlaunch -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $typed = $cursorPosition - $commandAst.Extent.StartOffset
    $env:_PMLAUNCH_COMPLETE = 'complete_powershell'
    $env:_PMLAUNCH_LINE = $commandAst.ToString().PadRight($typed).Substring(0, $typed)
    try {
        pmlaunch | ForEach-Object {
            $item = ConvertFrom-Json $_
            [System.Management.Automation.CompletionResult]::new($item.text, $item.name, 'ParameterValue', $item.help)
        }
    } finally {
        Remove-Item Env:_PMLAUNCH_COMPLETE, Env:_PMLAUNCH_LINE
    }
}
""",
}
"""What a shell loads, by its name. All of it is ASCII."""

_ESCAPES = {"powershell": "`"}
_SINGLE = "'\u2018\u2019\u201a\u201b"  # PowerShell takes typographic quotation marks for plain ones


@dataclass(frozen=True)
class Line:
    """A command line up to the cursor: its complete words, and the last one, which is empty after a blank.

    `raw` is the last word as typed, `quote` the quotation mark that is still open in it, `before` what precedes that.
    """

    words: tuple[str, ...]
    last: str = ""
    raw: str = ""
    quote: str = ""
    before: str = ""


def read_line(text: str, escape: str = "\\") -> Line:
    r"""Take a command line apart as a shell does. `escape` is its escape character: \ or PowerShell's `."""
    doubles = escape == "`"  # PowerShell writes '' for a quotation mark in a text
    words: list[str] = []
    last: str | None = None
    start, quote, before, index = 0, "", "", 0
    while index < len(text):
        character, following = text[index], text[index + 1 : index + 2]
        index += 1
        if last is None and not character.isspace():
            last, start = "", index - 1
        if quote:
            if character == quote and doubles and following == quote:
                last, index = f"{last}{quote}", index + 1
            elif character == quote:
                quote = ""
            elif character == escape and quote == '"' and (doubles or following in ("$", "`", '"', "\\")):
                last, index = f"{last}{following}", index + 1
            else:
                last = f"{last}{character}"
        elif character == escape:
            last, index = f"{last or ''}{following}", index + 1
        elif character in ("'", '"'):
            quote, before = character, last or ""
        elif not character.isspace():
            last = f"{last}{character}"
        elif last is not None:
            words.append(last)
            last = None
    raw = text[start:] if last is not None else ""
    return Line(tuple(words), last or "", raw, quote, before if quote else "")


def answer() -> int:
    """Answer a shell whose script started pmlaunch, and return the exit code. Prints nothing else, whatever happens."""
    from contextlib import suppress

    shell = os.environ[VARIABLE].partition("_")[2]
    if shell not in SCRIPTS:
        return 1
    with suppress(Exception):
        line = read_line(os.environ.get(_LINE, ""), _ESCAPES.get(shell, "\\"))
        text = "".join(f"{item}\n" for item in _answers(shell, line, _completions(line)))
        sys.stdout.buffer.write(text.encode("ascii" if shell == "powershell" else "utf-8"))  # never \r\n
        sys.stdout.flush()
    return 0


def _completions(line: Line) -> Sequence[CompletionItem]:
    import typer
    from typer._click.shell_completion import ShellComplete

    from pmlaunch.cli.app import app

    class Completion(ShellComplete):
        name = "pmlaunch"

        def source_vars(self) -> dict[str, object]:
            return {}

        def get_completion_args(self) -> tuple[list[str], str]:
            words = line.words[1:] if line.words[:1] == ("&",) else line.words
            return list(words[1:]), line.last

        def format_completion(self, item: CompletionItem) -> str:
            return str(item.value)

    completion = Completion(typer.main.get_command(app), {}, "pmlaunch", VARIABLE)
    return completion.get_completions(*completion.get_completion_args())


def _answers(shell: str, line: Line, items: Sequence[CompletionItem]) -> list[str]:
    """The lines for the shell's script."""
    option = line.last[: line.last.index("=") + 1] if line.last.startswith("-") and "=" in line.last else ""
    found = [(option + str(item.value), " ".join(str(item.help or "").split())) for item in items]
    if shell == "bash":
        return [_for_bash(line, word) for word, _ in found]
    if shell == "powershell":
        from pmlaunch.support.json import dumps

        told = [{"text": _for_powershell(line, name), "name": name, "help": text or name} for name, text in found]
        return [dumps(each, ascii_only=True) for each in told]
    return [f"{name}\t{text}" if text else name for name, text in found]


def _for_bash(line: Line, word: str) -> str:
    """What bash puts in the place of what follows the open quotation mark, or the last of its COMP_WORDBREAKS."""
    if line.quote:
        rest = word.removeprefix(line.before)
        rest = rest.replace("'", "'\\''") if line.quote == "'" else re.sub(r'([$`"\\])', r"\\\1", rest)
        return rest + line.quote if rest.endswith(line.quote) else rest  # readline closes it otherwise
    breaks = re.escape(os.environ.get(_BREAKS, "").translate(dict.fromkeys(map(ord, " \t\n\"'"))) or ":=")
    head = re.match(f".*[{breaks}]", line.raw)
    rest = word.removeprefix(head[0]) if head else word
    return re.sub(r"([^\w@%+=:,./-])", r"\\\1", rest)


def _for_powershell(line: Line, word: str) -> str:
    if not line.quote and re.fullmatch(r"[\w./:=+-]+", word):
        return word
    doubled = re.sub(f"([{_SINGLE}])", r"\1\1", word)
    return f"'{doubled}'"
