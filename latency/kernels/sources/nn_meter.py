"""A folder of nn-Meter predictors, one pickled random forest of scikit-learn for each kernel, read as plain arrays.

Neither nn-Meter nor scikit-learn is needed, nothing of the pickles is executed, and the version that wrote them does
not matter: nn-Meter's own come from scikit-learn 0.23.1, whose pickles scikit-learn since 1.3 does not load.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from hwnas.data.pickles import load_plain
from hwnas.errors import DataError
from hwnas.latency.kernels.model import KernelModel
from hwnas.latency.kernels.nn_meter import PREDICTORS, ForestRegressor
from hwnas.latency.kernels.regressor import unknown_quantiles
from hwnas.predictors.trees import Tree, Trees, stack_trees, trees_from_arrays

RUNTIME: Final = "tflite"


class _Held:
    """Stand-in of an object of scikit-learn: holds what it was made of."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state


class _Forest(_Held):
    """Stand-in of RandomForestRegressor."""


class _DecisionTree(_Held):
    """Stand-in of DecisionTreeRegressor."""


class _Nodes(_Held):
    """Stand-in of scikit-learn's compiled Tree."""


def _reconstruct(kind: type, base: type, _state: object) -> Any:
    """Stand-in of copyreg's, for objects alone."""
    if not issubclass(kind, _Held) or base is not object:
        raise DataError("expected a random forest of scikit-learn, got a pickle that makes other objects")
    return kind.__new__(kind)


def _numpy(name: str) -> Callable[..., Any]:
    from numpy._core import multiarray

    found: Callable[..., Any] = getattr(multiarray, name)
    return found


def _from_buffer(
    content: bytes | bytearray, dtype: np.dtype[Any], shape: tuple[int, ...], order: Literal["C", "F"]
) -> Any:
    """Stand-in of numpy's function of that name, which protocol 5 calls."""
    return np.frombuffer(content, dtype).reshape(shape, order=order)


def _stand_ins() -> dict[tuple[str, str], Callable[..., Any]]:
    return {
        **{(f"sklearn.ensemble.{module}", "RandomForestRegressor"): _Forest for module in ("_forest", "forest")},
        **{(f"sklearn.tree.{module}", "DecisionTreeRegressor"): _DecisionTree for module in ("_classes", "tree")},
        ("sklearn.tree._tree", "Tree"): _Nodes,
        **{(module, "_reconstructor"): _reconstruct for module in ("copyreg", "copy_reg")},
        **{(module, "object"): builtins.object for module in ("builtins", "__builtin__")},
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        **{(f"numpy.{core}.multiarray", name): _numpy(name) for core in ("core", "_core")
           for name in ("_reconstruct", "scalar")},
        **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
        ("_codecs", "encode"): lambda text, _encoding: text.encode("latin-1"),
    }  # fmt: skip


def read_predictors(folder: Path, *, device: str) -> KernelModel:
    """The kernel model of a folder of predictors; its summary names those that have no place in it.

    Raises `DataError` for a folder without predictors, and for a file that is no random forest of scikit-learn.
    """
    files = sorted(folder.glob("*.pkl"))
    if not files:
        what = "nn-Meter's own lie in ~/.nn_meter/data/predictor/NAME"
        raise DataError(f"{folder}: expected predictors of nn-Meter, such as conv-bn-relu.pkl, got none; {what}")
    known = {predictor.name for predictor in PREDICTORS}
    without = tuple(path.stem for path in files if path.stem not in known)
    forests = {path.stem: read_forest(path) for path in files if path.stem in known}
    regressors = {}
    for kind in dict.fromkeys(predictor.kind for predictor in PREDICTORS):
        its = {p.name: forests[p.name] for p in PREDICTORS if p.kind == kind and p.name in forests}
        if its:
            regressors[kind] = ForestRegressor(kind=kind, forests=its, quantiles=unknown_quantiles())
    if not regressors:
        raise DataError(f"{folder}: expected a predictor of {', '.join(sorted(known))}, got {', '.join(without)}")
    unread = f"; not read, as kernels do not tell what they ask for: {', '.join(without)}" if without else ""
    facts = {
        "summary": f"nn-Meter's predictors of {', '.join(sorted(forests))}; their errors are not in the files, so that "
        f"intervals are a factor of two by convention{unread}",
        "source": f"nn-Meter, folder {folder.name}",
    }
    return KernelModel(device=device, runtime=RUNTIME, target="latency", regressors=regressors, facts=facts)


def read_forest(path: Path) -> Trees:
    """The mean of the trees of a pickled RandomForestRegressor with one output. Raises `DataError`."""
    try:
        forest = load_plain(path.read_bytes(), _stand_ins())
        if not isinstance(forest, _Forest):
            raise DataError(f"expected a RandomForestRegressor, got {type(forest).__name__.lstrip('_')}")
        members = [member.state["tree_"].state for member in forest.state["estimators_"]]
        trees = stack_trees([_tree(member, share=1 / len(members)) for member in members], offset=0.0)
        return trees_from_arrays({**trees.arrays(), "threshold": trees.threshold, "value": trees.value})
    except DataError as error:
        how = "nn-Meter pickles RandomForestRegressor of scikit-learn, such as 0.23.1"
        raise DataError(f"{path}: {error}; {how}") from error
    except (OSError, KeyError, AttributeError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise DataError(f"{path}: expected a random forest of scikit-learn, got {error!r}") from error


def _tree(state: dict[str, Any], *, share: float) -> Tree:
    """One tree of scikit-learn, whose leaves have no children and undefined features; its values times `share`."""
    nodes, values = state["nodes"], np.asarray(state["values"], dtype=np.float64)
    if values.shape[1:] != (1, 1):
        raise DataError(f"expected trees with one output, got values of shape {values.shape}")
    leaf, own = nodes["left_child"] < 0, np.arange(len(nodes))
    return Tree(
        feature=np.where(leaf, -1, nodes["feature"]).astype(np.intp),
        threshold=np.where(leaf, 0.0, nodes["threshold"]),
        left=np.where(leaf, own, nodes["left_child"]).astype(np.intp),
        right=np.where(leaf, own, nodes["right_child"]).astype(np.intp),
        value=values[:, 0, 0] * share,
    )
