"""What goes into the activations of a network while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from torch import Tensor, nn

from hwnas.errors import ProxyError

# Activations that let positive inputs through and hold negative ones back, all or most of them.
RECTIFIERS: Final = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.CELU, nn.SELU),
    *(nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Softplus),
)


@contextmanager
def activations_observed(
    module: nn.Module, look: Callable[[Tensor], None], *, images: int, proxy: str
) -> Iterator[None]:
    """Show `look` the input of every activation of `RECTIFIERS` that runs, before it may be written over.

    A unit is on where it is above 0, which of a ReLU is where it lets something through. Raises `ProxyError`, with the
    name of the proxy that asks, for an input without a row for each of the images.
    """

    def observe(name: str, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        tensor = inputs[0]
        if tensor.shape[:1] != (images,):
            raise ProxyError(
                f"{proxy} compares images: expected the input of {name} to have a row for each of {images} images, "
                f"got shape {tuple(tensor.shape)}; put the images first, or use another proxy"
            )
        look(tensor)

    layers = [(name, layer) for name, layer in module.named_modules() if isinstance(layer, RECTIFIERS)]
    hooks = [layer.register_forward_pre_hook(partial(observe, name)) for name, layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
