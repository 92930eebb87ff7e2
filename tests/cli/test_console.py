"""What commands print while they work."""

from __future__ import annotations

import pytest

from hwnas.cli import console


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: clock[0])
    with console.progress_bar("networks") as progress:
        for done, second in enumerate((100.0, 129.0, 131.0, 150.0, 161.0)):
            clock[0] = second
            progress(done, 4)
    assert capsys.readouterr() == ("", "networks: 2 of 4\nnetworks: 4 of 4\n")
