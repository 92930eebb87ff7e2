"""The operators of a DARTS network with their shapes (Liu et al. 2019, section 3.1 and appendix A); no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.graphs import Graph, GraphBuilder
from hwnas.spaces.darts_cells import (
    CELL_CHOICES,
    DILATED,
    INPUTS,
    MAX_POOL,
    NODES,
    OPERATIONS,
    PAIRS,
    SEPARABLE,
    SKIP,
    cell_edges,
)

STEM_MULTIPLIER: Final = 3
# Numbers of the cell and of the edge in an operator's name; edge 0 starts at an input, edge 7 may start at a node.
_EDGE: Final = re.compile(r"cells\.(\d+)\._ops\.(\d+)")
_WIDTH: Final = len(CELL_CHOICES)
_FIRST, _LAST = (0, _WIDTH), (_WIDTH - 1, 2 * _WIDTH - 1)


@final
@dataclass(frozen=True, kw_only=True)
class Form:
    """What a network of a data set is: size of the images, classes, channels of the first cells, number of cells."""

    image: int
    classes: int
    channels: int
    cells: int

    @property
    def small_images(self) -> bool:
        """Whether the stem is one convolution; of larger images three of stride 2."""
        return self.image < 64


@final
@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a cell stands. sources: channels of its two inputs; channels: of each node.

    reduces: whether it halves the image; shrinks: whether its first input is twice as large as the second.
    """

    sources: tuple[int, int]
    channels: int
    reduces: bool
    shrinks: bool


FORMS: Final[Mapping[str, Form]] = {
    "cifar10": Form(image=32, classes=10, channels=36, cells=20),
    "imagenet": Form(image=224, classes=1000, channels=48, cells=14),
}


def places(form: Form) -> Iterator[Place]:
    """The cells in order; those after a third and after two thirds of them double the channels."""
    channels, shrinks = form.channels, not form.small_images
    sources = (channels * (STEM_MULTIPLIER if form.small_images else 1),) * 2
    for number in range(form.cells):
        reduces = number in (form.cells // 3, 2 * form.cells // 3)
        channels *= 2 if reduces else 1
        yield Place(sources=sources, channels=channels, reduces=reduces, shrinks=shrinks)
        sources, shrinks = (sources[1], NODES * channels), reduces


def build_graph(vector: Integer[Array, " v"], dataset: str) -> Graph:
    """Graph of the whole network for one image of `dataset`; names follow the module's."""
    form, builder = FORMS[dataset], GraphBuilder()
    normal, reduction = cell_edges(vector.reshape(2, len(CELL_CHOICES)))
    before, last = _stem(builder, form)
    for number, place in enumerate(places(form)):
        edges = (reduction if place.reduces else normal).tolist()
        before, last = last, _cell(builder, f"cells.{number}", place, (before, last), edges)
    builder.classifier("classifier", last, form.classes, pooling="global_pooling")
    return builder.graph()


def _stem(builder: GraphBuilder, form: Form) -> tuple[str, str]:
    image, channels = builder.image(form.image), form.channels
    if form.small_images:
        convolved = builder.conv("stem.0", image, STEM_MULTIPLIER * channels, kernel=3)
        return (builder.same("stem.1", "batch_norm", convolved),) * 2
    convolved = builder.conv("stem0.0", image, channels // 2, kernel=3, stride=2)
    active = builder.same("stem0.2", "relu", builder.same("stem0.1", "batch_norm", convolved))
    convolved = builder.conv("stem0.3", active, channels, kernel=3, stride=2)
    first = builder.same("stem0.4", "batch_norm", convolved)
    return first, builder.relu_conv_bn("stem1", first, channels, kernel=3, stride=2)


def _cell(
    builder: GraphBuilder, name: str, place: Place, sources: tuple[str, str], edges: list[list[list[int]]]
) -> str:
    first, channels = f"{name}.preprocess0", place.channels
    outputs = [
        _factorized_reduce(builder, first, sources[0], channels)
        if place.shrinks
        else builder.relu_conv_bn(f"{first}.op", sources[0], channels, kernel=1),
        builder.relu_conv_bn(f"{name}.preprocess1.op", sources[1], channels, kernel=1),
    ]
    for node, incoming in enumerate(edges):
        terms = [
            _operation(
                builder,
                f"{name}._ops.{2 * node + number}",
                operation,
                outputs[source],
                2 if place.reduces and source < INPUTS else 1,
            )
            for number, (operation, source) in enumerate(incoming)
        ]
        outputs.append(builder.sum(f"{name}.node{node}", terms))
    batch, _, height, width = builder.operators[outputs[-1]].shape
    return builder.add(f"{name}.concat", "concat", outputs[INPUTS:], (batch, NODES * channels, height, width))


def _operation(builder: GraphBuilder, name: str, operation: int, source: str, stride: int) -> str:
    channels = builder.operators[source].shape[1]
    if operation in SEPARABLE:
        for number, step in enumerate((stride, 1)):
            source = _depthwise(builder, name, 4 * number, source, (SEPARABLE[operation], step, 1))
        return source
    if operation in DILATED:
        return _depthwise(builder, name, 0, source, (DILATED[operation], stride, 2))
    if operation == SKIP:
        return (
            builder.same(name, "identity", source)
            if stride == 1
            else _factorized_reduce(builder, name, source, channels)
        )
    kind = "max_pool" if operation == MAX_POOL else "avg_pool"
    return builder.strided(name, kind, source, channels, stride=stride, kernel=3, padding=1)


def _depthwise(builder: GraphBuilder, name: str, first: int, source: str, window: tuple[int, int, int]) -> str:
    """ReLU, depthwise convolution (kernel, stride, dilation), 1x1 convolution, batch norm, numbered from `first`."""
    kernel, stride, dilation = window
    channels = builder.operators[source].shape[1]
    active = builder.same(f"{name}.op.{first}", "relu", source)
    facts = {"kernel": kernel, "padding": dilation * (kernel // 2), "groups": channels, "in_channels": channels}
    if dilation > 1:
        facts["dilation"] = dilation
    each = builder.strided(f"{name}.op.{first + 1}", "conv", active, channels, stride=stride, **facts)
    mixed = builder.conv(f"{name}.op.{first + 2}", each, channels)
    return builder.same(f"{name}.op.{first + 3}", "batch_norm", mixed)


def _factorized_reduce(builder: GraphBuilder, name: str, source: str, channels: int) -> str:
    """A skip that halves the image: half of the channels from the even pixels, half from the odd ones."""
    active = builder.same(f"{name}.relu", "relu", source)
    even = builder.conv(f"{name}.conv_1", active, channels // 2, stride=2)
    batch, in_channels, height, width = builder.operators[active].shape
    shifted = builder.add(f"{name}.crop", "crop", [active], (batch, in_channels, height - 1, width - 1))
    odd = builder.conv(f"{name}.conv_2", shifted, channels // 2, stride=2)
    both = builder.add(f"{name}.concat", "concat", [even, odd], (batch, channels, *builder.operators[even].shape[2:]))
    return builder.same(f"{name}.bn", "batch_norm", both)


@cache
def costs(dataset: str) -> tuple[Integer[Array, " 2"], Integer[Array, "2 2 7 2"]]:
    """Parameters and multiply-accumulates of all but the nodes, and of an edge in all cells of its kind together.

    By cell (normal, reduction), whether the edge starts at an input of the cell (which a reduction halves), operation.
    """
    cell = [choice for node in PAIRS for choice in (len(node) - 1, 0, 0)][1:]  # the latest inputs, of pooling
    kinds = [int(place.reduces) for place in places(FORMS[dataset])]
    base, added = np.zeros(2, dtype=np.int64), np.zeros((2, 2, len(OPERATIONS), 2), dtype=np.int64)
    for operation in range(len(OPERATIONS)):
        vector = np.array(cell * 2, dtype=np.int8)
        vector[[*_FIRST, *_LAST]] = operation
        for operator in build_graph(vector, dataset).operators:
            count = operator.params, operator.macs
            edge = _EDGE.match(operator.name)
            if edge is None and operation == 0:
                base += count
            elif edge is not None and edge.group(2) in ("0", str(2 * NODES - 1)):
                added[kinds[int(edge.group(1))], int(edge.group(2) == "0"), operation] += count
    return base, added
