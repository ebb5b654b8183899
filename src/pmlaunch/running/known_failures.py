"""The failures of a run that are known, recognised by the exception that ended it.

The class of an exception counts first, then its message: a text that only appears in a log, or in the traceback of an
exception that was handled, means nothing. Words in quotes that Windows translates are left out of the patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Raised:
    """An exception as the program reported it.

    `type` is its class, "" where only a text is known; `traceback` is its own, without exceptions that were handled.
    """

    type: str
    message: str
    traceback: str = ""

    @property
    def kind(self) -> str:
        """The class without its module. A program exits with a text, so SystemExit is none."""
        kind = self.type.rpartition(".")[2]
        return "" if kind == "SystemExit" else kind


@dataclass(frozen=True)
class Failure:
    """A row of the table: the code, the classes, and patterns in the message and in the own traceback."""

    code: str
    kinds: str
    message: str = ""
    traceback: str = ""

    def explains(self, raised: Raised) -> bool:
        """Whether this row matches `raised`. Without a class, the message must match."""
        of_kind = raised.kind in self.kinds.split() if raised.kind else bool(self.message)
        return (
            of_kind
            and re.search(self.message, raised.message, re.IGNORECASE) is not None
            and re.search(self.traceback, raised.traceback, re.IGNORECASE) is not None
        )


_TORCH = "RuntimeError AcceleratorError OutOfMemoryError CudaError"
_NETWORK = "RuntimeError ValueError OSError ConnectionError DistNetworkError DistBackendError DistStoreError DistError"
_IMPORT = "ModuleNotFoundError ImportError"
_API = "TypeError AttributeError ImportError"
_CONFIG = (
    "ConfigAttributeError ConfigKeyError InterpolationKeyError InterpolationResolutionError MissingMandatoryValue"
    " InterpolationToMissingValueError MissingConfigException ConfigCompositionException"
)

# Kept as a table: the formatter would put every argument on a line of its own.
# fmt: off
NO_MODULE = Failure("PML304", _IMPORT, r"No module named")
NO_MEMORY = Failure("PML303", _TORCH,
    r"CUDA out of memory|CUDA error(:| 2:) out of memory|Failed to allocate \d+ bytes on device 'cuda|CUDA_ERROR_OUT_OF_MEM"
    r"|CUBLAS_STATUS_ALLOC_FAILED|^Allocation on device")
NO_SPACE = Failure("PML316", "AssertionError", r"Not enough space between humanoids")  # ProtoMotions 3's terrain
NOT_FINITE = Failure("PML315", "ValueError AssertionError RuntimeError",
    r"found invalid values[\s\S]*\bnan\b|^NaN\b|normal expects all elements of std")
# of a rank whose partner ended before it
LOST_PARTNER = Failure("PML301", _NETWORK, r"Connection (closed|reset|refused)|Broken pipe|recvValue failed|Socket Timeout")

FAILURES = (
    Failure("PML217", "RuntimeError", r"EULA not accepted|kit kernel: EOF when reading a line"),
    Failure("PML217", "EOFError", r"EOF when reading a line", r"EULA"),
    Failure("PML302", _NETWORK, r"doesn't have NCCL|NCCL.* not (available|built)"),
    NO_MEMORY,
    NO_SPACE,
    Failure("PML339", _TORCH, r"no kernel image is available|CUDA_ERROR_NO_BINARY_FOR_GPU"),
    Failure("PML305", "MisconfigurationException RuntimeError AssertionError AcceleratorError",
        r"No supported gpu backend found|no CUDA-capable device|Found no NVIDIA driver|CUDA.*not available"
        r"|not compiled with CUDA"),
    Failure("PML215", _NETWORK, r"unsupported gloo device"),
    Failure("PML341", _NETWORK, r"EADDRINUSE|address already in use|\b10048\b|errno: 98\b"),
    Failure("PML336", _NETWORK,
        r"makeDeviceFor(Hostname|Interface)|interface or hostname can't be empty|Unable to find (address|interface) for"
        r"|Unable to resolve hostname|gloo[/\\]transport|Gloo connectFullMesh"),
    Failure("PML338", "OSError MemoryError ImportError", r"WinError 1455|os error 1455"),
    Failure("PML337", "OSError FileNotFoundError ImportError",
        r"WinError (126|127|1114)\b|DLL load failed|Could not find module '.*\.(dll|pyd)"),
    Failure("PML342", "UnicodeDecodeError UnicodeEncodeError", r"codec can't (de|en)code"),
    # before what torch says around it: 118 is the v of "version https://git-lfs", 60 the < of a web page
    Failure("PML307", "UnpicklingError RuntimeError EOFError BadZipFile",
        r"invalid load key|Unsupported operand (118|60|123|10)\b|PytorchStreamReader failed|not a zip (archive|file)"
        r"|Ran out of input"),
    Failure("PML344", "UnpicklingError", r"Weights only load failed|WeightsUnpickler"),
    Failure("PML310", "GenesisException", r"Please set control gains"),
    Failure("PML306", "RuntimeError",
        r"size mismatch for|Error\(s\) in loading state_dict|mat1 and mat2 shapes cannot be multiplied"),
    Failure("PML309", "ValueError", r"mutable default .* is not allowed"),
    NOT_FINITE,
    Failure("PML345", _IMPORT + " AttributeError", r"No module named '?numpy\._core|Can't get attribute .*numpy\._core"),
    Failure("PML347", _IMPORT, r"No module named '?omni\.(isaac\.(lab|orbit)|metrics)\b"),
    # the package is there and lacks the module: a config of another version names it
    Failure("PML346", _IMPORT, r"No module named '?(protomotions\.|phys_anim\.)"),
    Failure("PML346", "AttributeError ImportError",
        r"module '(protomotions|phys_anim)[.\w]*' has no attribute|cannot import name .* from '(protomotions|phys_anim)"
        r"|Can't get attribute .* on <module '(protomotions|phys_anim|examples)"),
    Failure("PML346", _CONFIG),
    Failure("PML346", "AssertionError", r"Could not find resolved configs"),
    Failure("PML347", _API,
        r"\b(\w+Cfg|Se2Keyboard|AppLauncher|SimulationApp|SimulationContext|InteractiveScene|Articulation)(\.\w+)?\(\)"
        r" (got an unexpected|missing|takes)"
        r"|cannot import name .* from '(isaaclab|isaacsim|omni)\b|module '(isaaclab|isaacsim|omni)[.\w]*' has no attribute"
        r"|'(\w+Cfg|SimulationContext|ArticulationData)' object has no attribute"),
    # Python 3.9 and older name no class, and other simulators have classes of their own: the place tells
    Failure("PML347", "TypeError", r"\(\) (got an unexpected keyword argument|missing \d+ required|takes )",
        r"[/\\]protomotions[/\\]simulator[/\\]\w+[/\\]"),
    NO_MODULE,
    Failure("PML304", "ModuleNotFoundError"),
    Failure("PML348", _API + " RuntimeError ValueError",
        r"cannot import name .* from '|_ARRAY_API not found|numpy\.core\.multiarray failed|numpy\.dtype size changed"
        r"|compiled using NumPy 1|module 'numpy' has no attribute|was removed in the NumPy 2|use_libuv was requested"),
    Failure("PML349", "ImportError OSError", r"\.so[.\d]*: cannot open shared object file"),
    Failure("PML308", "FileNotFoundError NotADirectoryError"),
    Failure("PML308", "OSError RuntimeError Exception", r"No such file or directory"),
)
# fmt: on


def explain(candidates: Iterable[Raised]) -> tuple[Failure, Raised] | None:
    """The first of `candidates` that the table explains, and its row. Specific rows come before general ones."""
    for raised in candidates:
        for failure in FAILURES:
            if failure.explains(raised):
                return failure, raised
    return None
