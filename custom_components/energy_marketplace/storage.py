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
from homeassistant.util import dt as dt_util

from .const import CONF_KEEP_DAYS, DOMAIN, KEEP_DAYS
from .meter.journal import FileStorage, Journal

VERSION = 1
OF_ASSET = ("meter ", "control ", "claimed ")
"""How the names of an asset's parts begin; the id of its subentry or its own follows."""
_RETIRED = "retired"
_DAY_S = 86_400
type Data = dict[str, Any]


@dataclass
class MemberStore:
    """The file of one entry; `parts` give what is to be written, by name."""

    hass: HomeAssistant
    entry_id: str
    parts: dict[str, Callable[[], Any]] = field(default_factory=dict)
    loaded: Data = field(default_factory=dict)
    """What was on disk at the start, by name."""
    retired: dict[str, float] = field(default_factory=dict)
    """Assets that were retired, and when (s): their journals outlive their subentries."""
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
        here = {*entry.subentries, *(one.unique_id for one in entry.subentries.values())}
        self.loaded = {
            name: part
            for name, part in self.loaded.items()
            if not name.startswith(OF_ASSET) or name.partition(" ")[2] in here
        }
        self._forget_retired(entry)
        points = {f"{subentry.unique_id}.jsonl" for subentry in entry.subentries.values()}
        points |= {f"{asset}.jsonl" for asset in self.retired}
        await self.hass.async_add_executor_job(_delete_others, self._journals(), points)

    @callback
    def async_note_retired(self, asset: str) -> None:
        """Keep the journal of an asset that was retired: others may still ask what its meter showed."""
        self.retired[asset] = dt_util.utcnow().timestamp()
        self.async_save_within(0)

    def _forget_retired(self, entry: ConfigEntry) -> None:
        """Take up which assets were retired, but those whose readings their owner keeps no longer."""
        oldest = dt_util.utcnow().timestamp() - int(entry.options.get(CONF_KEEP_DAYS, KEEP_DAYS)) * _DAY_S
        kept = self.loaded.get(_RETIRED) or {}
        self.retired = {asset: since for asset, since in kept.items() if since >= oldest}
        self.parts[_RETIRED] = lambda: self.retired

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
