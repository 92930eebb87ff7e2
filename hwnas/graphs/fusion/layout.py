"""Which kernels work in a blocked layout of feature maps, and where maps go from one layout to the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

from hwnas.graphs.fusion.engine import Group, per_channel, reader_counts
from hwnas.graphs.fusion.rules import Blocked
from hwnas.graphs.graph import Graph, Operator

_CONVS: Final = ("conv", "depthwise_conv", "grouped_conv")
_DEFAULT_COORDINATES: Final = ("coordinate_transformation_mode", "half_pixel")
_TO_LAST: Final = (0, 2, 3, 1)
_TO_FIRST: Final = (0, 3, 1, 2)


def with_reorders(groups: list[Group], graph: Graph, rule: Blocked) -> list[Group]:
    """The groups with their layout decided, sums and activations taken in, and a group for every change of layout."""
    plan = _Plan(groups, graph, rule)
    for group in groups:
        plan.decide(group)
    return plan.result()


@final
@dataclass
class _Map:
    """A feature map in the blocked layout: who makes it, how many readers have not come yet, its channels."""

    maker: Group
    waiting: int


def _whole(shape: tuple[int, ...], block: int) -> bool:
    return len(shape) == 4 and shape[1] % block == 0


def _whole_resize(operator: Operator, source: tuple[int, ...]) -> bool:
    """Of pixels alone, by whole factors, in one of the ways for which there is code in the blocked layout."""
    mode, way = operator.attributes.get("mode", "nearest"), operator.attributes.get(*_DEFAULT_COORDINATES)
    kept = len(source) == len(operator.shape) == 4 and source[:2] == operator.shape[:2]
    if not kept or any(large % small for large, small in zip(operator.shape[2:], source[2:], strict=True)):
        return False
    if mode == "nearest":
        return way == "asymmetric" and operator.attributes.get("nearest_mode") == "floor"
    return mode == "linear" and way in ("asymmetric", "half_pixel", "align_corners")


def _is_conv(group: Group) -> bool:
    """A batch norm or a factor per channel in the blocked layout is executed as a convolution."""
    return group.kind in _CONVS or group.kind == "batch_norm" or (group.kind == "mul" and len(group.inputs) == 1)


@final
class _Plan:
    """Goes through the groups in order of execution, as the runtime's own pass does."""

    def __init__(self, groups: list[Group], graph: Graph, rule: Blocked) -> None:
        self._rule = rule
        self._readers = reader_counts((group.inputs for group in groups), graph.output_names)
        self._operators = {name: operator for operator in graph.operators for name in operator.outputs}
        self._blocked: dict[str, _Map] = {}
        self._entered: dict[str, Group] = {}
        self._done: list[Group] = []
        self._plain: dict[str, Group] = {}

    def decide(self, group: Group) -> None:
        """Put one group into a layout, or into the convolution before it."""
        if group.kind in self._rule.into and self._may_enter(group):
            self._enter(group)
        elif group.kind in self._rule.through and self._all_blocked(group):
            if not self._taken_in(group):
                self._keep(group)
        else:
            self._leave(group)

    def _may_enter(self, group: Group) -> bool:
        operator, block = group.operators[0], self._rule.block
        a, channels = operator.attributes, operator.shape[1] if len(operator.shape) == 4 else 0
        if len(operator.shape) not in (4, 2) or not operator.known or operator.dtype != "float32":
            return False
        if group.kind in ("conv", "depthwise_conv", "grouped_conv"):
            if a.get("dynamic_weight") or len(operator.shape) != 4:
                return False
            inner, groups = int(a["in_channels"] // a["groups"]), int(a["groups"])
            if group.kind == "depthwise_conv" and channels == a["in_channels"]:
                return True
            if group.kind != "conv":
                return inner % block == 0 and channels // groups % block == 0
            return inner < block or inner % 4 == 0
        source = self._operators[operator.inputs[0]].shape
        return len(source) == 4 and source[1] % block == 0 and not a.get("ceil_mode")

    def _enter(self, group: Group) -> None:
        """A convolution of few channels reads the plain layout."""
        operator = group.operators[0]
        direct = group.kind == "conv" and operator.attributes["in_channels"] < self._rule.block
        for name in group.inputs:
            if name in self._blocked:
                if not direct:
                    self._blocked[name].waiting -= 1
            elif not direct and name not in self._entered:
                self._entered[name] = self._reorder(name, "in")
                self._done.append(self._entered[name])
        self._keep(group, count=False)

    def _all_blocked(self, group: Group) -> bool:
        operator = group.operators[0]
        same = all(self._operators[name].shape == operator.shape for name in group.inputs)
        if group.kind == "concat":
            same = operator.attributes.get("axis", 1) == 1
            same = same and all(_whole(self._operators[n].shape, self._rule.block) for n in group.inputs)
        if group.kind.startswith("global"):
            source = self._operators[group.inputs[0]].shape
            same = len(source) == 4 and source[1] % self._rule.block == 0
        if group.kind == "resize":
            same = _whole_resize(operator, self._operators[group.inputs[0]].shape)
        fixed = (*operator.weights.values(), *operator.constants.values())
        if group.kind in ("add", "mul") and fixed:  # a factor per channel is a convolution of one pixel
            channels = operator.shape[1] if len(operator.shape) == 4 else 0
            same = group.kind == "mul" and len(fixed) == 1 and per_channel(fixed[0], channels)
        return same and len(operator.shape) == 4 and all(n in self._blocked for n in group.inputs)

    def _taken_in(self, group: Group) -> bool:
        """A sum goes into a convolution that nobody else reads, an activation too."""
        if group.kind == "add" and len(group.inputs) == 2:
            for name in group.inputs:
                maker = self._blocked[name].maker
                free = not maker.slots & {"sum", "activation"} and _is_conv(maker)
                if free and self._readers[name] == 1 and maker.last.name == name:
                    self._take(group, maker, "sum")
                    return True
        if group.kind in self._rule.activations:
            (name,) = group.inputs
            maker = self._blocked[name].maker
            free = "activation" not in maker.slots and _is_conv(maker)
            if free and self._readers[name] == 1 and maker.last.name == name:
                self._take(group, maker, "activation")
                return True
        return False

    def _take(self, group: Group, maker: Group, slot: str) -> None:
        for name in group.inputs:
            if self._blocked[name].maker is not maker:
                self._blocked[name].waiting -= 1
        del self._blocked[maker.last.name]
        maker.take(group.operators, slot)
        self._blocked[maker.last.name] = _Map(maker, self._readers[maker.last.name])
        self._done.remove(maker)
        self._done.append(maker)

    def _keep(self, group: Group, *, count: bool = True) -> None:
        group.blocked = True
        if count:
            for name in group.inputs:
                self._blocked[name].waiting -= 1
        self._blocked[group.last.name] = _Map(group, self._readers[group.last.name])
        self._done.append(group)

    def _leave(self, group: Group) -> None:
        """A convolution in the plain layout takes in a sum too, and an activation behind it."""
        operator = group.operators[0]
        for name in group.inputs:
            maker = self._plain.get(name)
            if maker is None or self._readers[name] != 1:
                continue
            sums = group.kind == "add" and len(group.inputs) == 2 and not maker.slots & {"sum", "activation"}
            same = len(operator.shape) == 4  # of a sequence it takes in none
            same = same and all(self._operators[read].shape == operator.shape for read in group.inputs)
            if (sums and same) or (group.kind in self._rule.activations and "activation" not in maker.slots):
                maker.take(group.operators, "sum" if sums else "activation")
                self._done.remove(maker)
                group = maker
                self._plain[operator.name] = maker
                break
        if group.kind in _CONVS:
            self._plain[group.last.name] = group
        self._done.append(group)

    def _reorder(self, name: str, way: str) -> Group:
        source = self._operators[name]
        made = Operator(
            name=f"{name}:reorder_{way}", kind="reorder", inputs=(name,), shape=source.shape, dtype=source.dtype
        )
        return Group(operators=[made], kind="reorder")

    def result(self) -> list[Group]:
        """The groups, each blocked map that somebody reads in the plain layout followed by the way back."""
        made: list[Group] = []
        for group in self._done:
            made.append(group)
            name = group.last.name
            if name in self._blocked and self._blocked[name].waiting > 0:
                made.append(self._reorder(name, "out"))
        return _without_transposes(made)


def _without_transposes(groups: Iterable[Group]) -> list[Group]:
    """A change of layout brings the channels last, or takes them from there, at no further cost."""
    listed = list(groups)
    readers = reader_counts((group.inputs for group in listed if group.kind != "reorder"), ())
    ways = {group.operators[0].name: group for group in listed if group.kind == "reorder"}
    gone: set[int] = set()
    for group in listed:
        if group.kind != "transpose" or len(group.operators) > 1:
            continue
        perm, (source,) = tuple(group.operators[0].attributes.get("perm", ())), group.inputs
        way = None
        if perm == _TO_LAST and readers[source] == 1:
            way = ways.get(f"{source}:reorder_out")
        elif perm == _TO_FIRST and readers[group.last.name] == 1:
            way = ways.get(f"{group.last.name}:reorder_in")
        if way is not None and len(way.operators) == 1:
            way.take(group.operators, "transpose")
            gone.add(id(group))
    return [group for group in listed if id(group) not in gone]
