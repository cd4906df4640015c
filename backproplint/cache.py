"""What earlier runs have read and found, kept in one SQLite file: never pickled, always signed.

A cloned repository may carry a cache that somebody made up, so each entry is signed with a secret of this user that
lies outside of any project; an entry with another signature is not used. Whatever goes wrong with the file (damage, a
full disk, no right to write) costs one warning and the time to read afresh.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from time import time
from typing import Any

from backproplint import __version__
from backproplint.config import UsageError

FOLDER = ".backproplint_cache"
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of backproplint; see https://bford.info/cachedir/\n"
MOST = 1_000_000_000  # bytes; the whole of transformers, 1.2 million lines, takes an eighth
PATIENCE = 10.0  # seconds to wait for another run that is writing
DAY = 86_400  # seconds
_SCHEMA = """
pragma auto_vacuum = incremental;
pragma journal_mode = wal;
pragma synchronous = normal;
create table if not exists entries (key blob primary key, signature blob, value blob, day integer) without rowid;
"""


class Cache:
    """A cache in `folder`; `warn` is told once, in one line, when it cannot be used or was tampered with."""

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self._folder, self._warn = folder, warn
        self._warned = False
        self._today = int(time()) // DAY
        self._used: list[bytes] = []
        self._base: sqlite3.Connection | None = None
        try:
            self._secret = secret()
            self._base = _opened(folder / __version__)
        except _TROUBLE as error:
            self._give_up(error)

    def get(self, key: bytes) -> bytes | None:
        """The value that this user put under a key, or None."""
        row = self._do(lambda base: base.execute(_GET, (key,)).fetchone())
        if row is None:
            return None
        signature, value, day = row
        if not (isinstance(value, bytes) and isinstance(signature, bytes)):
            signature, value = b"", b""
        if not hmac.compare_digest(signature, self._sign(key, value)):
            self._say("holds entries that are damaged or written by somebody else, which are not used")
            return None
        if day != self._today:
            self._used.append(key)
        return value

    def put(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Store values under keys: all of them or, when that fails, none."""
        rows = [(key, self._sign(key, value), value, self._today) for key, value in entries]
        self._do(lambda base: _write(base, "insert or replace into entries values (?, ?, ?, ?)", rows))

    def close(self) -> None:
        """Note what was used today, drop what was not used for longest where there is too much, let go of the file."""
        used = [(self._today, key) for key in self._used]
        self._do(lambda base: _write(base, "update entries set day = ? where key = ?", used))
        self._do(_shrink)
        if self._base is not None:
            self._base.close()
            self._base = None

    def _sign(self, key: bytes, value: bytes) -> bytes:
        return hashlib.blake2b(key + value, key=self._secret, digest_size=32).digest()

    def _do(self, action: Callable[[sqlite3.Connection], Any]) -> Any:
        """Do something with the file, if there is one; when that fails, there is none from now on."""
        if self._base is None:
            return None
        try:
            return action(self._base)
        except _TROUBLE as error:
            self._give_up(error)
            return None

    def _give_up(self, error: Exception) -> None:
        base, self._base = self._base, None
        if base is not None:
            base.close()
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            _remove(self._folder)  # damaged: the next run makes a new one
        self._say(f"cannot be used ({getattr(error, 'strerror', None) or error})")

    def _say(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"the cache {self._folder} {what}; everything is read afresh")


_TROUBLE = (OSError, RuntimeError, sqlite3.Error)
_GET = "select signature, value, day from entries where key = ?"
_HALF = "select key from entries order by day limit (select count(*) / 2 + 1 from entries)"
_DROP = f"delete from entries where key in ({_HALF})"


def _write(base: sqlite3.Connection, command: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        with base:  # one transaction
            base.executemany(command, rows)


def _shrink(base: sqlite3.Connection) -> None:
    (pages,), (size,) = (base.execute(f"pragma page_{what}").fetchone() for what in ("count", "size"))
    if pages * size > MOST:
        _write(base, _DROP, [()])
        base.executescript("pragma incremental_vacuum")  # `execute` would stop after one page


def _opened(folder: Path) -> sqlite3.Connection:
    """The file in a folder that is there from now on, and tells backup tools and git to leave it alone."""
    top = folder.parent
    if top.is_symlink():  # a repository could point it at anything
        raise OSError(f"{top} is a link")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("CACHEDIR.TAG", TAG), (".gitignore", "*\n")):
        if not (top / name).exists():
            (top / name).write_text(text, encoding="utf-8")
    base = sqlite3.connect(folder / "entries.db", timeout=PATIENCE)
    try:
        base.executescript(_SCHEMA)
    except sqlite3.Error:
        base.close()
        raise
    return base


def secret() -> bytes:
    """This user's secret, made at its first use. Raises OSError or RuntimeError where there is no home for it."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    path = Path(home) / "backproplint" / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        known = path.read_bytes()
    except FileNotFoundError:
        known = b""
    if len(known) == 32:
        return known
    fresh = path.with_name(f"secret.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(secrets.token_bytes(32))
    fresh.replace(path)  # of two runs that start together, the later one's holds
    return path.read_bytes()


def clean(folder: Path) -> bool:
    """Remove a cache; whether there was one. Raises UsageError for a folder that is none, or cannot be removed."""
    if not folder.exists():
        return False
    tag = folder / "CACHEDIR.TAG"
    if folder.is_symlink() or not tag.is_file() or tag.read_bytes() != TAG.encode():
        raise UsageError(f"{folder} is no cache of backproplint: remove it yourself if it should go")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise UsageError(f"cannot remove {folder}: {error.strerror}") from None
    return True


def _remove(folder: Path) -> None:
    for file in folder.glob("*/entries.db*"):
        file.unlink(missing_ok=True)
