"""Live preview: the stages of `convert` on a camera, causal, one frame after the other.

The package can be called: `afet_video.live(source, settings)` yields results, see `afet_video.live.stream.live`.
"""

from __future__ import annotations

import sys
import types
from typing import Any


class _CallableModule(types.ModuleType):
    """A package whose name is that of the function it is there for."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call `afet_video.live.stream.live`, which loads the stages."""
        from afet_video.live.stream import live

        return live(*arguments, **options)


sys.modules[__name__].__class__ = _CallableModule
