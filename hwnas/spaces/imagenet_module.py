"""Named ImageNet models as torch modules, built from their configurations by `transformers`; nothing is downloaded."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn

from hwnas.errors import MissingExtraError
from hwnas.spaces.imagenet_families import FAMILIES, ImageNetModel

CLASSES = 1000


@final
class Network(nn.Module):
    """One model with random weights, which takes images and gives logits."""

    def __init__(self, model: ImageNetModel) -> None:
        super().__init__()
        self.network = _build(model)
        self._block_names = FAMILIES[model.family].blocks

    @property
    def blocks(self) -> list[nn.Module]:
        """Residual blocks or transformer layers in order, of one feature map (or tuple that starts with it) each."""
        return [module for module in self.network.modules() if type(module).__name__ in self._block_names]

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, 224, 224) images to (b, 1000) logits."""
        return self.network(pixel_values=x).logits  # type: ignore[no-any-return]


def _build(model: ImageNetModel) -> nn.Module:
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError(f"the model {model.name!r}", "models") from error
    family = FAMILIES[model.family]
    configuration = getattr(transformers, f"{family.prefix}Config")
    # Eager attention is plain products and a softmax, which can be differentiated twice and per image.
    settings = {**family.shared, **model.settings, "num_labels": CLASSES, "attn_implementation": "eager"}
    network: nn.Module = getattr(transformers, f"{family.prefix}ForImageClassification")(configuration(**settings))
    return network
