"""The folders of the checkout are the packages that are installed, and dependencies point one way."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
FOLDERS: dict[str, str] = SETUPTOOLS["package-dir"]

# What each part may import of this package. Those of one line know nothing of each other.
BASE = {"errors", "arrays", "csv_tables", "estimates", "folders", "metrics", "threads", "user_code", "version"}
ALLOWED = {
    **dict.fromkeys(BASE, BASE),
    "pareto": BASE,
    "devices": BASE,
    "graphs": BASE,
    "spaces": BASE | {"graphs"},
    "data": BASE | {"spaces"},
    "proxies": BASE | {"graphs", "spaces", "data"},
    "predictors": BASE | {"spaces", "data"},
    "latency": BASE | {"devices", "data", "graphs", "spaces", "predictors"},
    "energy": BASE | {"devices", "data", "spaces", "predictors", "latency"},
    "results": BASE | {"render"},
    "render": BASE | {"results"},
    "pictures": BASE | {"results"},
    "outputs": BASE | {"results", "pictures", "reports", "data"},
    "reports": BASE | {"results", "spaces"},
    "search": BASE | {"spaces", "pareto"},
    "testing": BASE | {"spaces", "proxies", "graphs", "search"},
}
NEVER = {"api": {"cli", "service", "client"}, "cli": {"service"}, "service": {"cli"}}
# The command line starts the service and knows no more of it.
STARTS_THE_SERVICE = {"hwnas.cli.serve", "hwnas.cli.worker"}
# A foreign library is known to one file, or to one folder ("/").
HOMES = {
    "fastapi": "hwnas/service/",
    "httpx": "hwnas/client.py",
    "prometheus_client": "hwnas/service/metrics.py",
    "sqlalchemy": "hwnas/service/store/",
    "starlette": "hwnas/service/",
    "uvicorn": "hwnas/service/server.py",
    "moocore": "pareto/dominance.py",
    "onnx": ("hwnas/graphs/onnx_file.py", "hwnas/graphs/onnx_checks.py"),
    "onnxruntime": "devices/agent/onnx_runtime.py",
    "PIL": "hwnas/proxies/image_folders.py",
    "pyarrow": "latency/kernels/sources/gpu_kernels.py",
    "ray": "hwnas/proxies/ray_executor.py",
    "rich": "hwnas/cli/console.py",
    "matplotlib": "hwnas/pictures.py",
    "platformdirs": "hwnas/folders.py",
    "pydantic": ("hwnas/results.py", "hwnas/service/forms.py"),
    "pymoo": "hwnas/search/genetics.py",
    "safetensors": "hwnas/predictors/regressor.py",
    "sklearn": "hwnas/predictors/boosting.py",
    "torch_geometric": "hwnas/predictors/gcn.py",
    "transformers": "hwnas/spaces/imagenet_module.py",
}
LIGHT = ("hwnas", "hwnas.cli", "hwnas.data", "hwnas.metrics", "hwnas.spaces", "hwnas.devices", "hwnas.pareto",
         "hwnas.latency", "hwnas.energy", "hwnas.api.pareto", "hwnas.api.predict", "hwnas.api.score",
         "hwnas.api.adapt", "hwnas.api.verify", "hwnas.api.predict_model",
         "hwnas.predictors.shipped", "hwnas.proxies", "hwnas.search")  # fmt: skip
HEAVY = ("torch", "scipy", "pandas", "sklearn", "matplotlib", "jaxtyping", "pydantic", "pymoo", "torch_geometric",
         "transformers", "onnx", "onnxruntime", "ray", "PIL", "pyarrow")  # fmt: skip


def _folder(package: str) -> Path:
    """Where a package lies in the checkout, by the longest prefix that is mapped."""
    parts = package.split(".")
    for length in range(len(parts), 0, -1):
        mapped = FOLDERS.get(".".join(parts[:length]))
        if mapped:
            return ROOT.joinpath(mapped, *parts[length:])
    raise AssertionError(package)


def _sources() -> Iterator[tuple[str, Path]]:
    """Every module of the package: dotted name and file."""
    for package in SETUPTOOLS["packages"]:
        for path in sorted(_folder(package).glob("*.py")):
            yield (package if path.stem == "__init__" else f"{package}.{path.stem}"), path


def _imports(path: Path) -> Iterator[str]:
    """Full names of what a file imports, wherever in the file; `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_folder_with_an_init_is_listed_and_loads_from_its_folder() -> None:
    tops = [ROOT / folder for folder in FOLDERS.values()]
    found = {path.parent for top in tops for path in top.rglob("__init__.py")}
    assert {_folder(package) for package in SETUPTOOLS["packages"]} == found
    for package in SETUPTOOLS["packages"]:
        module = importlib.import_module(package)
        assert module.__file__ is not None
        assert Path(module.__file__).resolve() == (_folder(package) / "__init__.py").resolve()


def test_type_checkers_see_the_same_package() -> None:
    links = {path.name: path.resolve() for path in (ROOT / ".types" / "hwnas").iterdir() if path.name != "__pycache__"}
    inner = {path.name: path for path in (ROOT / "hwnas").iterdir() if path.name != "__pycache__"}
    outer = {package.split(".")[1]: ROOT / folder for package, folder in FOLDERS.items() if "." in package}
    assert links == {name: path.resolve() for name, path in {**inner, **outer}.items()}


@pytest.mark.parametrize(
    ("module", "path"), list(_sources()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_dependencies_point_one_way(module: str, path: Path) -> None:
    part = module.split(".")[1] if "." in module else ""
    for name in _imports(path):
        pieces = name.split(".")
        assert pieces[0] not in {"latency", "energy", "devices", "pareto"}, f"{path}: write `from hwnas.{name}`"
        if pieces[0] != "hwnas" or len(pieces) < 2 or not part:
            continue
        if module not in STARTS_THE_SERVICE:
            assert pieces[1] not in NEVER.get(part, set()), f"{path} imports {name}"
        if part in ALLOWED:
            assert pieces[1] in ALLOWED[part] | {part}, f"{path} imports {name}: {part} must not know {pieces[1]}"


def test_a_foreign_library_is_known_to_one_file() -> None:
    for module, path in _sources():
        for name in _imports(path):
            home = HOMES.get(name.split(".")[0], "")
            assert path.relative_to(ROOT).as_posix().startswith(home), f"{module} imports {name}; its home is {home}"


@pytest.mark.parametrize("module", LIGHT)
def test_light_parts_import_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert done.stdout.strip() == ""


def test_files_are_short_enough_to_read() -> None:
    long = {path.name: count for _, path in _sources() if (count := len(path.read_text().splitlines())) > 300}
    assert not long
