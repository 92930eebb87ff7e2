"""An answer as one HTML file that needs nothing else: the picture of the page, its lists and sources, and plotly.js.

The scripts are those of the page (hwnas/service/page). Modules cannot import each other in a single file, so they are
put one after another in the order of their imports, without the words `import` and `export`.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.results import NetResult, ParetoResult
from hwnas.spaces import get_space
from hwnas.spaces.drawings import cell_form, drawing

PAGE_FOLDER: Final = Path(__file__).parent / "service" / "page"
_IMPORT: Final = re.compile(r'^import (?:\{[^}]*\} from )?"\./(\w+\.js)";\n', re.M)
_EXPORT: Final = re.compile(r"^export (?=function|const|async)", re.M)
# Four digits are finer than a pixel; all rows of the largest space that is drawn.
_DIGITS: Final = 4
_MOST: Final = 40_000
# The browser takes nothing from anywhere: what runs is in the file.
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'"
)
_FORM: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<div id="report"><noscript>This report draws itself with scripts; allow them to see it.</noscript></div>
<script type="application/json" id="data">{data}</script>
<script>
{plotly}
</script>
<script type="module">
{script}
</script>
</body>
</html>
"""


def report(result: ParetoResult) -> str:
    """The whole file. The same result gives the same text."""
    # "<" is the one character that could end the element; JSON may write it as its number.
    data = json.dumps(report_data(result), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return _FORM.format(
        policy=_POLICY,
        title=html.escape(f"hwnas: {result.space} on {result.dataset}, {result.device}"),
        style=(PAGE_FOLDER / "look.css").read_text(encoding="utf-8"),
        data=data,
        plotly=(PAGE_FOLDER / "plotly-basic.min.js").read_text(encoding="utf-8"),
        script=one_script("report.js"),
    )


def report_data(result: ParetoResult) -> dict[str, Any]:
    """What the scripts read: the answer, columns of all architectures, the form of cells, the listed nets drawn."""
    space = get_space(result.space)
    listed = {_key(net): net.arch for front in result.fronts for net in front.nets}
    vectors = np.asarray(space.parse(list(listed.values())))
    drawings = {
        key: asdict(drawing(space, vector, dataset=result.dataset))
        for key, vector in sorted(zip(listed, vectors, strict=True), key=lambda pair: str(pair[0]))
    }
    cell = cell_form(space)
    columns = result.candidates
    return {
        "result": result.to_dict(),
        "candidates": None if columns is None else columns.columns(most=_MOST, digits=_DIGITS),
        "cell": None if cell is None else asdict(cell),
        "drawings": drawings,
    }


def _key(net: NetResult) -> int | str:
    """How the scripts name a network: by its number, or by its text where it has none."""
    return net.arch if net.index is None else net.index


def one_script(entry: str) -> str:
    """A module of the page and all that it imports, as one script; each module once, what is needed first."""
    done: dict[str, str] = {}

    def add(name: str) -> None:
        text = (PAGE_FOLDER / name).read_text(encoding="utf-8")
        for needed in _IMPORT.findall(text):
            if needed not in done:
                add(needed)
        done[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    add(entry)
    return "\n".join(f"// {name}\n{text}" for name, text in done.items())
