"""Named ImageNet models (ResNet, RegNet, ConvNeXt, ViT, Swin, ...) as a space of one position: which model.

The networks need the extra `models`; names, parameters and multiply-accumulates need nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UnknownNameError, UsageError
from hwnas.spaces.imagenet_counts import IMAGE_SIZE, shipped_counts
from hwnas.spaces.imagenet_families import FAMILIES, MODELS
from hwnas.spaces.space import CellGraphs, Space

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

_NAMES: Final = tuple(model.name for model in MODELS)
_NUMBERS: Final = {name.lower(): i for i, model in enumerate(MODELS) for name in (model.name, model.entry, str(i))}


@final
class ImageNetModels(Space):
    """Models of at most 100 million parameters, with the names that timm gives them."""

    name = "imagenet-models"
    aliases = ("imagenet", "timm")
    title = f"{len(MODELS)} named ImageNet models of {len(FAMILIES)} families"
    source = "names and accuracies: huggingface/pytorch-image-models; papers in imagenet_families.py"
    datasets = ("imagenet",)
    choices = (len(MODELS),)
    has_graphs = False
    # All but the first in some families only.
    lacks = ("graph", "region_counts", "gaussian")

    def image_shape(self, dataset: str) -> tuple[int, int, int]:
        """224 x 224 for all, also for the few models that were trained on larger images."""
        self.dataset(dataset)
        return 3, IMAGE_SIZE, IMAGE_SIZE

    def classes(self, dataset: str) -> int:
        """The thousand classes of ImageNet-1k."""
        self.dataset(dataset)
        return 1000

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """The name of each model, such as `resnet50`."""
        self.check(vectors)
        return [_NAMES[number] for number in vectors[:, 0].tolist()]

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of names in any case, with or without timm's name of the weights, or of indices.

        Raises `UnknownNameError`.
        """
        numbers = []
        for string in strings:
            if string.strip().lower() not in _NUMBERS:
                raise UnknownNameError("model", string, _NAMES)
            numbers.append(_NUMBERS[string.strip().lower()])
        return np.array(numbers, dtype=np.int8).reshape(-1, 1)

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """The index: no two models are the same network."""
        return self.index(vectors)

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops` for images of 224 x 224."""
        self.check(vectors)
        self.dataset(dataset)
        params, macs = shipped_counts()[vectors[:, 0]].T
        return {"params": params, "macs": macs, "flops": 2 * macs}

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """One-hot family, natural logarithms of parameters and multiply-accumulates; (n, families + 2) float32."""
        self.check(vectors)
        families = [list(FAMILIES).index(MODELS[number].family) for number in vectors[:, 0].tolist()]
        one_hot = np.eye(len(FAMILIES))[np.array(families, dtype=np.int64)]
        sizes = np.log(shipped_counts()[vectors[:, 0]])
        return np.concatenate([one_hot, sizes], axis=1).astype(np.float32)

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """Each model as one node with its features, which is the global node too: its inner graph is not modelled."""
        return CellGraphs(nodes=self.features(vectors)[:, None, :], adjacency=np.zeros((1, 1), dtype=np.float32))

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:  # noqa: ARG002
        """Not known. Raises `UsageError`."""
        (name,) = self.strings(vector[None])
        raise UsageError(
            f"space {self.name!r} has no graphs of its networks, one of {name!r} was asked for; "
            "take `counts` for its size, or `module` for the network"
        )

    def module(self, vector: Integer[Array, " v"], *, dataset: str, pruned: bool = False) -> nn.Module:  # noqa: ARG002
        """The network with random weights as `transformers` draws them. Raises `MissingExtraError`."""
        from hwnas.spaces.imagenet_module import Network

        self.check(vector[None])
        self.dataset(dataset)
        return Network(MODELS[int(vector[0])])
