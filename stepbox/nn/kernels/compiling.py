"""How loops are compiled, and where the result is kept: beside their source or in NUMBA_CACHE_DIR.

Numba's own cache gives up a folder that it cannot write, and fails where it finds none that it can.
Here a folder is read wherever it lies, as in an image whose code is read-only; where it cannot be
written, what was compiled is kept by the process alone.
"""

from collections.abc import Callable
from contextlib import suppress
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


class _Beside(InTreeCacheLocator):  # type: ignore[misc]
    @classmethod
    def from_function(cls, function: Any, file: str) -> Self:
        return cls(function, file)


class _Named(UserProvidedCacheLocator):  # type: ignore[misc]
    @classmethod
    def from_function(cls, function: Any, file: str) -> Self | None:
        return cls(function, file) if config.CACHE_DIR else None


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_Named, _Beside]  # noqa: RUF012


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
    """Compile a function at its first call for each set of types.

    Sums may be formed in vector lanes: the one liberty that W·δ needs to run at full speed. Their
    order, and so the last bits of a result, then depends on the kind of processor.
    """
    result: Function = njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz"})(function)
    return result


def kept(function: Function) -> Function:
    """Compile a function, and keep the result for later processes."""
    result: Any = compiled(function)
    result._cache = _ReadableCache(function)
    return result  # type: ignore[no-any-return]


def instruction_set() -> str:
    """Name the kind of processor that is compiled for, and its widest vector instructions."""
    _, kind, features = cpu_target.target_context.codegen().magic_tuple()
    vectors = [name for name in ("avx512f", "avx2", "avx", "neon") if f"+{name}" in features]
    return " ".join([kind, *vectors[:1]])
