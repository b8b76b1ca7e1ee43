"""Where compiled functions are kept: beside their source, or in NUMBA_CACHE_DIR.

Numba's own cache gives up a folder that it cannot write, and fails where it finds none that it can.
Here a folder is read wherever it lies, as in an image whose code is read-only; where it cannot be
written, what was compiled is kept by the process alone.
"""

from contextlib import suppress
from typing import Any, Self, TypeVar

from numba import config
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
)

Function = TypeVar("Function")


class _Beside(InTreeCacheLocator):  # type: ignore[misc]
    @classmethod
    def from_function(cls, function: Any, file: str) -> Self:
        return cls(function, file)


class _Named(UserProvidedCacheLocator):  # type: ignore[misc]
    @classmethod
    def from_function(cls, function: Any, file: str) -> Self | None:
        return cls(function, file) if config.CACHE_DIR else None


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Named, _Beside)


class _ReadableCache(FunctionCache):  # type: ignore[misc]
    _impl_class = _Implementation

    def load_overload(self, signature: Any, context: Any) -> Any:
        with suppress(OSError):
            return super().load_overload(signature, context)
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        with suppress(OSError):
            super().save_overload(signature, compiled)


def cached(function: Function) -> Function:
    """Give a function that Numba compiles this cache."""
    compiled: Any = function
    compiled._cache = _ReadableCache(compiled.py_func)
    return function
