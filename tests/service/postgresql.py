"""A PostgreSQL server of one's own for a while: Debian's programs, on loopback, never as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Folder of `initdb` and `postgres`; None where they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return None if path is None else Path(path).parent


def why_not() -> str | None:
    """Why no server can be started; None where one can."""
    if programs() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if os.getuid() == 0 and (shutil.which("runuser") is None or not _is_user("postgres")):
        return "PostgreSQL does not run as root, and there is no user postgres to become"
    return None


@contextmanager
def server(port: int) -> Iterator[str]:
    """A server in a folder of its own; its address for SQLAlchemy."""
    bin_folder = programs()
    assert bin_folder is not None
    with tempfile.TemporaryDirectory(prefix="hwnas-postgresql-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        data = folder / "data"
        _run(bin_folder / "initdb", "-D", data, "-A", "trust", "-U", "hwnas", "--no-sync", "-E", "UTF8")
        options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        _run(bin_folder / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://hwnas@127.0.0.1:{port}"
        finally:
            _run(bin_folder / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _run(*words: object) -> None:
    become = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    environment = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
    done = subprocess.run([*become, *map(str, words)], capture_output=True, text=True, env=environment, cwd="/")
    assert done.returncode == 0, done.stderr


def _is_user(name: str) -> bool:
    import pwd

    return any(entry.pw_name == name for entry in pwd.getpwall())
