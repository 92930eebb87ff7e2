"""Downloads that resume: bytes go to a `.part` file beside the target, which is renamed once its checksum is right.

The standard library is enough here: pooch's downloaders start every file from the beginning.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hwnas.data.checksums import checked
from hwnas.data.sources import SourceFile
from hwnas.errors import DataError, OfflineError, UsageError
from hwnas.folders import writing

_ATTEMPTS: Final = 4
_TIMEOUT_S: Final = 30.0
_CHUNK: Final = 1 << 16
_RETRIED: Final = (408, 429, 500, 502, 503, 504)


class _CutError(Exception):
    """The connection ended before the file did; another attempt goes on from there."""


def download(url: str, file: SourceFile, target: Path, *, report: Callable[[int], None], pause_s: float = 1.0) -> None:
    """Bring `file` from `url` to `target`, from where an earlier call stopped. `report` is told the bytes so far.

    Cut connections are tried again after `pause_s`, then twice and four times as long.
    Raises `OfflineError` where the server cannot be reached or keeps cutting the connection, and `DataError` where it
    does not have the file, sends another one, or the folder cannot be written.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"expected an address that starts with http:// or https://, got {url!r}")
    part = target.with_name(f"{target.name}.part")
    for attempt in range(_ATTEMPTS):
        try:
            resumed = _transfer(url, file, part, report)
        except _CutError as error:
            if attempt == _ATTEMPTS - 1:
                raise _offline(url, str(error)) from error
            time.sleep(pause_s * 2**attempt)
            continue
        if _finish(url, file, part, target, forgive=resumed):
            return
    raise _offline(url, "parts that do not fit together")


def _transfer(url: str, file: SourceFile, part: Path, report: Callable[[int], None]) -> bool:
    """Add what is missing to `part`. Returns whether it began with bytes of an earlier call."""
    with writing(part):
        start = part.stat().st_size if part.exists() else 0
        if start == file.size:
            return True
        if file.size is not None and start > file.size:
            start = 0
        with _open(url, start, part) as response:
            resuming = start > 0 and _continues(response, start)
            done = start if resuming else 0
            with part.open("ab" if resuming else "wb") as output:
                while chunk := _receive(response):
                    done += len(chunk)
                    if file.size is not None and done > file.size:
                        break  # another file: the checksum will say so
                    output.write(chunk)
                    report(done)
    if file.size is not None and done < file.size:
        raise _CutError(f"the connection was cut at {done} of {file.size} bytes")
    return resuming


def _open(url: str, start: int, part: Path) -> http.client.HTTPResponse:
    headers = {"User-Agent": "hwnas", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S
        )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # the part is longer than the file
            part.unlink()
            raise _CutError("the server refused to go on") from error
        if error.code in _RETRIED:
            raise _CutError(f"the server answered {error.code}") from error
        raise DataError(
            f"expected a file at {url}, got {error.code} {error.reason}; "
            "use `hwnas data pull --mirror DIR` or `hwnas data import FILE`"
        ) from error
    except urllib.error.URLError as error:
        raise _offline(url, str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _CutError(f"the connection broke ({error!r})") from error
    return response


def _continues(response: http.client.HTTPResponse, start: int) -> bool:
    """Whether the answer goes on at `start`; a server that does not know ranges sends the whole file."""
    return response.status == 206 and (response.headers["Content-Range"] or "").startswith(f"bytes {start}-")


def _receive(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _CutError(f"the connection broke ({error!r})") from error


def _finish(url: str, file: SourceFile, part: Path, target: Path, *, forgive: bool) -> bool:
    """Give a complete part its name. A wrong one is removed; after a resume the whole file is tried once more."""
    with writing(target):
        try:
            checked(part.read_bytes(), file, got_from=url)
        except DataError:
            part.unlink()
            if forgive:
                return False
            raise
        part.replace(target)
    return True


def _offline(url: str, reason: str) -> OfflineError:
    return OfflineError(
        f"expected to download {url}, got: {reason}; the same command goes on from where it stopped. Without network: "
        "`hwnas data pull --mirror DIR` (a folder with the same files) or `hwnas data import FILE`"
    )
