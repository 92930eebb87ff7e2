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


@pytest.mark.parametrize("width", ["20", "60", "80", "200"])
def test_a_table_is_wider_than_a_terminal_that_cannot_hold_it(
    width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers stay whole and every column is there; text folds."""
    monkeypatch.setenv("COLUMNS", width)
    numbers = ["123456.789 [1e-07, 3.95]", "1x64x1000", "12345678", "0.0001"]
    heading = ["kernel", "shape", "latency (ms)", "M MACs", "share", "outside"]
    rows = [["conv-bn-relu", "1x64x1000", *numbers[:1], *numbers[2:], "256001.0x weight_bytes"]] * 2
    console.print_table(heading, rows, numeric=(2, 3, 4))
    printed = capsys.readouterr().out
    for number in (*numbers, "conv-bn-relu"):
        assert printed.count(number) == 2
    assert all(name in printed for name in ("outside", "share", "MACs"))
    if width == "200":
        assert printed.count("256001.0x weight_bytes") == 2


@pytest.mark.parametrize("width", range(40, 130, 5))
def test_no_cell_is_cut_off_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two columns of text share what a column of numbers leaves: each sign of both is there, on however many lines."""
    monkeypatch.setenv("COLUMNS", str(width))
    kind, outside = "conv+batch_norm+add", "2.0x residual"
    heading = ("kernel", "kind", "output", "latency (ms)", "%", "M MACs", "outside")
    row = ("features.3.conv.6", kind, "1x128x8x8", "0.282 [0.196, 0.511]", "8.5", "6.29", outside)
    console.print_table(heading, [row], numeric=(3, 4, 5))
    lines = capsys.readouterr().out.splitlines()
    assert len({len(line) for line in lines}) == 1 and all(name in "".join(lines) for name in ("outside", "kind"))
    assert sorted("".join(lines).replace(" ", "")) == sorted("".join((*heading, *row)).replace(" ", ""))
