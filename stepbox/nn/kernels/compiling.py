"""Compile functions with Numba, and cache the results.

The cache is next to the source file, or in NUMBA_CACHE_DIR. Numba's own cache ignores a read-only
folder, and fails if it finds no writable one. The cache here also reads a read-only folder, such as
the one in a container image. If it cannot write, each process compiles for itself.
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Self, TypeVar

from numba import config, njit
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
)
from numba.core.registry import cpu_target

Function = TypeVar("Function", bound=Callable[..., Any])


# Numba's own `from_function` refuses a folder that it cannot write.
class _Locator(UserProvidedCacheLocator if config.CACHE_DIR else InTreeCacheLocator):  # type: ignore[misc]
    @classmethod
    def from_function(cls, function: Any, file: str) -> Self:
        return cls(function, file)

    def get_source_stamp(self) -> Any:
        """Return what changes with each source that a function is compiled from.

        Numba's own stamp is that of the function's file. But `descend` contains the functions of
        all modules of this package.
        """
        package = sorted(Path(__file__).parent.glob("*.py"))
        content = b"".join(path.read_bytes() for path in package)
        return super().get_source_stamp(), sha256(content).hexdigest()


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_Locator]  # noqa: RUF012


class _ReadableCache(FunctionCache):  # type: ignore[misc]
    _impl_class = _Implementation

    def load_overload(self, signature: Any, context: Any) -> Any:
        with suppress(OSError):
            return super().load_overload(signature, context)
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        with suppress(OSError):
            super().save_overload(signature, compiled)


def compiled(function: Function) -> Function:
    """Compile a function at its first call with each combination of types.

    Sums may use vector lanes, without which W·δ is slow. So the order of the terms, and with it the
    last bits of a result, depends on the kind of processor.
    """
    # Other threads of the worker go on: one writes checkpoints, another one reports.
    options = {"error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}, "nogil": True}
    result: Function = njit(**options)(function)
    return result


def kept(function: Function) -> Function:
    """Compile a function as `compiled` does, and cache the result for later processes."""
    result: Any = compiled(function)
    result._cache = _ReadableCache(function)
    return result  # type: ignore[no-any-return]


def instruction_set() -> str:
    """Return the kind of processor that functions are compiled for, and its widest vectors."""
    _, kind, features = cpu_target.target_context.codegen().magic_tuple()
    vectors = [name for name in ("avx512f", "avx2", "avx", "neon") if f"+{name}" in features]
    return " ".join([kind, *vectors[:1]])
