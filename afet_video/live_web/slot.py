"""A place for one thing: the latest wins.

in: things as they come -> out: the newest of them, when somebody has time for it.  Must not: queue.
"""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """Holds the newest thing put into it; for the tasks of one event loop."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._is_full = asyncio.Event()

    def put(self, item: T) -> T | None:
        """Put a thing in and return the one that nobody took before."""
        displaced, self._item = self._item, item
        self._is_full.set()
        return displaced

    async def take(self) -> T:
        """Wait for a thing and take it out."""
        await self._is_full.wait()
        self._is_full.clear()
        item, self._item = self._item, None
        assert item is not None
        return item
