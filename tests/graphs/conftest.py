"""Small networks of published families, built by `transformers` from configurations; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SIZE = 64  # of the images
_WIDTHS: dict[str, Any] = {"hidden_sizes": (16, 32, 48, 64), "depths": (1, 1, 1, 1)}
_TOKENS: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}
_WINDOWS: dict[str, Any] = {"embed_dim": 16, "depths": (1, 1), "num_heads": (2, 4), "window_size": 4}
# Prefix of the class and settings of each family; attention as plain products, which torch's counter sees.
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet": ("ResNet", {**_WIDTHS, "embedding_size": 16}),
    "regnet": ("RegNet", {**_WIDTHS, "embedding_size": 16, "groups_width": 8, "layer_type": "y"}),
    "mobilenet-v1": ("MobileNetV1", {"depth_multiplier": 0.25, "tf_padding": False}),
    "mobilenet-v2": ("MobileNetV2", {"depth_multiplier": 0.35, "tf_padding": False}),
    "efficientnet": ("EfficientNet", {"width_coefficient": 0.25, "depth_coefficient": 0.3, "hidden_dim": 320}),
    "convnext": ("ConvNext", _WIDTHS),
    "convnext-v2": ("ConvNextV2", _WIDTHS),
    "vit": ("ViT", _TOKENS),
    "deit": ("DeiT", _TOKENS),
    "swin": ("Swin", _WINDOWS),
    "swin-v2": ("Swinv2", _WINDOWS),
    "mobilevit": (
        "MobileViT",
        {"hidden_sizes": (32, 48, 64), "neck_hidden_sizes": (8, 16, 16, 24, 24, 32, 64), "num_attention_heads": 4},
    ),
    "mobilevit-v2": ("MobileViTV2", {"width_multiplier": 0.25}),
    "poolformer": ("PoolFormer", _WIDTHS),
    "pvt-v2": ("PvtV2", {**_WIDTHS, "num_attention_heads": (1, 2, 3, 4)}),
    "levit": (
        "Levit",
        {"hidden_sizes": (32, 48, 64), "num_attention_heads": (2, 3, 4), "depths": (1, 1, 1), "key_dim": (8, 8, 8)},
    ),
    "bit": ("Bit", {"depths": (1, 1, 1, 1), "hidden_sizes": (32, 64, 96, 128), "embedding_size": 32, "num_groups": 8}),
}


@pytest.fixture(scope="session")
def family() -> Callable[[str], Any]:
    """The small network of a family, which takes (b, 3, 64, 64) images; its weights are all different numbers."""
    transformers = pytest.importorskip("transformers", reason="needs the extra 'models'")
    import torch

    class Logits(torch.nn.Module):
        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.network(pixel_values=images).logits

    def build(name: str) -> torch.nn.Module:
        prefix, settings = FAMILIES[name]
        configuration = getattr(transformers, f"{prefix}Config")
        sized = {**settings, "num_labels": 10, "attn_implementation": "eager"}
        if name not in ("resnet", "regnet", "bit", "convnext", "convnext-v2", "poolformer"):
            sized["image_size"] = SIZE
        torch.manual_seed(0)
        module = Logits(getattr(transformers, f"{prefix}ForImageClassification")(configuration(**sized))).eval()
        with torch.no_grad():  # exporters store equal arrays once
            for parameter in module.parameters():
                parameter.add_(0.01 * torch.randn_like(parameter))
        return module

    return build
