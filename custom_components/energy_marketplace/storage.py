"""What a member's entry keeps on disk besides its settings: the book, the network's rules, the meters' state.

Everything lies in one file and is written at once, so that the cursor of the events always fits what they
added up to. The readings of the slots lie in journals of their own, one per connection point.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, CoreState, Event, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .meter.journal import FileStorage, Journal

VERSION = 1
OF_ASSET = ("meter ", "control ")
"""How the names of an asset's parts begin; the id of its subentry follows."""
type Data = dict[str, Any]


@dataclass
class MemberStore:
    """The file of one entry; `parts` give what is to be written, by name."""

    hass: HomeAssistant
    entry_id: str
    parts: dict[str, Callable[[], Any]] = field(default_factory=dict)
    loaded: Data = field(default_factory=dict)
    """What was on disk at the start, by name."""
    _cancel: CALLBACK_TYPE | None = None
    _due: float = 0
    _closed: bool = False

    def __post_init__(self) -> None:
        """Open the file."""
        self._store: Store[Data] = Store(
            self.hass, VERSION, f"{DOMAIN}.{self.entry_id}", private=True, atomic_writes=True
        )

    async def async_open(self, entry: ConfigEntry) -> None:
        """Read what is on disk; write once more when Home Assistant stops."""
        self.loaded = await self._store.async_load() or {}
        entry.async_on_unload(
            self.hass.bus.async_listen(EVENT_HOMEASSISTANT_FINAL_WRITE, self._async_final_write)
        )

    async def async_tidy(self, entry: ConfigEntry) -> None:
        """Drop what assets left behind that were removed: their meters' state and their journals."""
        here = set(entry.subentries)
        self.loaded = {
            name: part
            for name, part in self.loaded.items()
            if not name.startswith(OF_ASSET) or name.partition(" ")[2] in here
        }
        points = {f"{subentry.unique_id}.jsonl" for subentry in entry.subentries.values()}
        await self.hass.async_add_executor_job(_delete_others, self._journals(), points)

    async def async_close(self) -> None:
        """Write for the last time; what happens from now on is for the next start."""
        self._closed = True
        await self._async_write()

    @callback
    def async_save_within(self, seconds: float) -> None:
        """Write after at most so many seconds, however much else changes until then."""
        due = self.hass.loop.time() + seconds
        if self._closed or (self._cancel is not None and self._due <= due):
            return
        self._async_cancel()
        self._due = due
        job = HassJob(self._async_write, f"{DOMAIN} write", cancel_on_shutdown=True)
        self._cancel = async_call_later(self.hass, seconds, job)

    async def async_write_through(self) -> None:
        """Write now; it is on disk when this returns, unless the last write follows anyway."""
        if not self._closed:
            await self._async_write()

    async def async_remove(self) -> None:
        """Delete the file and the journals."""
        await self._store.async_remove()
        await self.hass.async_add_executor_job(_delete, self._journals())

    async def async_journal(self, point: str) -> Journal:
        """Return the journal of a connection point (asset id)."""
        return await Journal.open(point, FileStorage(self._journals() / f"{point}.jsonl"))

    def _journals(self) -> Path:
        return Path(self.hass.config.path(".storage", f"{DOMAIN}.{self.entry_id}.readings"))

    def _data(self) -> Data:
        """Return what is to be written; a part that nobody speaks for stays as it was."""
        return {**self.loaded, **{name: part() for name, part in self.parts.items()}}

    async def _async_write(self, _now: object = None) -> None:
        self._async_cancel()
        if self.hass.state is CoreState.stopping and not self._closed:
            # The final write follows; two that wait for it would get into each other's way.
            return
        await self._store.async_save(self._data())

    async def _async_final_write(self, _event: Event) -> None:
        await self.async_close()

    @callback
    def _async_cancel(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


def _delete(folder: Path) -> None:
    if not folder.exists():
        return
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def _delete_others(folder: Path, kept: set[str]) -> None:
    """Delete the files of a folder but these."""
    for file in folder.iterdir() if folder.exists() else ():
        if file.name not in kept:
            file.unlink()
