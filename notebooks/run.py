"""Run the notebooks: `python notebooks/run.py [NAME ...]` keeps their outputs, with `--check` nothing is written.

A cell that raises ends the run with its error. Outputs are kept without times of execution, so that a run that changes
nothing changes no file.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
LONGEST_CELL_SECONDS = 300


def main() -> None:
    """Run each notebook in a fresh kernel, from its own folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="without: all")
    parser.add_argument("--check", action="store_true", help="run, but write nothing")
    arguments = parser.parse_args()
    names = arguments.names or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    for name in names:
        path = FOLDER / f"{name.removesuffix('.ipynb')}.ipynb"
        start = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(
            notebook,
            timeout=LONGEST_CELL_SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": str(FOLDER)}},
            record_timing=False,
        ).execute()
        notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
        if not arguments.check:
            nbformat.write(notebook, path)
        print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
