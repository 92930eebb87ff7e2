"""Models that nobody here wrote, built from configurations with random weights, as ONNX files."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn


class Case(NamedTuple):
    """One model at one shape of its input, a picture's side or all axes."""

    name: str
    build: Callable[[], nn.Module]
    size: int | tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the input, batch first."""
        return self.size if isinstance(self.size, tuple) else (1, 3, self.size, self.size)


class Logits(nn.Module):
    """The first output of a model alone."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: torch.Tensor) -> Any:
        out = self.module(images)
        return out.logits if hasattr(out, "logits") else out[0] if isinstance(out, tuple) else out


def cases() -> list[Case]:
    """Classifiers of pictures, at least thirty; transformers for most, monai for DenseNet and SENet."""
    return [*_convolutional(), *_attentive(), *_medical()]


def _hf(name: str, size: int, /, **config: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import transformers

        settings = getattr(transformers, f"{name}Config")(num_labels=1000, **config)
        module: nn.Module = getattr(transformers, f"{name}ForImageClassification")(settings)
        return Logits(module)

    del size
    return build


def _convolutional() -> Iterator[Case]:
    def case(name: str, family: str, size: int, **config: Any) -> Case:
        return Case(f"{name}-{size}", _hf(family, size, **config), size)

    basic = {"layer_type": "basic", "hidden_sizes": [64, 128, 256, 512]}
    yield case("resnet18", "ResNet", 224, depths=[2, 2, 2, 2], **basic)
    yield case("resnet34", "ResNet", 160, depths=[3, 4, 6, 3], **basic)
    yield case("resnet50", "ResNet", 224, depths=[3, 4, 6, 3])
    yield case("resnet50", "ResNet", 128, depths=[3, 4, 6, 3])
    small = {"hidden_sizes": [24, 56, 152, 368], "depths": [1, 1, 4, 7], "groups_width": 8}
    yield case("regnet-x", "RegNet", 224, layer_type="x", **small)
    yield case("regnet-y", "RegNet", 224, layer_type="y", **small)
    large = {"hidden_sizes": [64, 128, 288, 672], "depths": [1, 3, 8, 2], "groups_width": 16}
    yield case("regnet-y-large", "RegNet", 192, layer_type="y", **large)
    for size, width in ((224, 1.0), (160, 0.75), (128, 0.5)):
        yield case(f"mobilenet-v1-{width}", "MobileNetV1", size, depth_multiplier=width, image_size=size)
    for size, width in ((224, 1.0), (192, 0.75), (160, 1.4)):
        yield case(f"mobilenet-v2-{width}", "MobileNetV2", size, depth_multiplier=width, image_size=size)
    for number, (size, width, depth) in enumerate(((224, 1.0, 1.0), (240, 1.0, 1.1), (160, 1.1, 1.2))):
        options = {"width_coefficient": width, "depth_coefficient": depth, "hidden_dim": int(1280 * width)}
        yield case(f"efficientnet-b{number}", "EfficientNet", size, image_size=size, **options)
    yield case("convnext-tiny", "ConvNext", 160)
    yield case("convnext-nano", "ConvNext", 224, hidden_sizes=[48, 96, 192, 384], depths=[2, 2, 6, 2])
    yield case("convnextv2-atto", "ConvNextV2", 224, hidden_sizes=[40, 80, 160, 320], depths=[2, 2, 6, 2])
    yield case("poolformer-s12", "PoolFormer", 224)
    yield case("poolformer-s12", "PoolFormer", 160)
    yield case("bit-50", "Bit", 128)
    yield case("bit-26", "Bit", 192, depths=[2, 2, 2, 2])


def _attentive() -> Iterator[Case]:
    def case(name: str, family: str, size: int, **config: Any) -> Case:
        return Case(f"{name}-{size}", _hf(family, size, image_size=size, **config), size)

    tiny = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768}
    yield case("vit-tiny", "ViT", 224, **tiny)
    yield case("vit-tiny", "ViT", 384, **tiny)
    yield case("vit-small", "ViT", 224, hidden_size=384, num_attention_heads=6, intermediate_size=1536)
    yield case(
        "deit-small-6", "DeiT", 160, hidden_size=384, num_attention_heads=6, intermediate_size=1536, num_hidden_layers=6
    )
    yield case("swin-tiny", "Swin", 224)
    yield case("swin-micro", "Swin", 224, embed_dim=48, depths=[2, 2, 4, 2], num_heads=[2, 4, 8, 16])
    yield case(
        "levit-128s",
        "Levit",
        224,
        hidden_sizes=[128, 256, 384],
        num_attention_heads=[4, 6, 8],
        depths=[2, 3, 4],
        key_dim=[16, 16, 16],
    )
    yield case(
        "levit-256",
        "Levit",
        224,
        hidden_sizes=[256, 384, 512],
        num_attention_heads=[4, 6, 8],
        depths=[4, 4, 4],
        key_dim=[32, 32, 32],
    )
    yield case("mobilevit-s", "MobileViT", 256)
    yield case(
        "mobilevit-xs", "MobileViT", 192, hidden_sizes=[96, 120, 144], neck_hidden_sizes=[16, 32, 48, 64, 80, 96, 384]
    )


def _medical() -> Iterator[Case]:
    def densenet(growth: int) -> Callable[[], nn.Module]:
        def build() -> nn.Module:
            from monai.networks.nets import DenseNet

            return DenseNet(
                spatial_dims=2, in_channels=3, out_channels=1000, growth_rate=growth, block_config=(6, 12, 24, 16)
            )

        return build

    def senet() -> nn.Module:
        from monai.networks.nets import SEResNet50

        return SEResNet50(spatial_dims=2, in_channels=3, num_classes=1000)

    yield Case("densenet121-224", densenet(32), 224)
    yield Case("densenet121-thin-192", densenet(16), 192)
    yield Case("seresnet50-160", senet, 160)


def export(folder: Path, chosen: Iterable[Case]) -> list[Path]:
    """The files of these cases; those that are there already stay."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for case in chosen:
        path = folder / f"{case.name}.onnx"
        if not path.exists():
            try:
                _export(case, path)
            except Exception as error:
                print(f"{case.name}: not exported: {' '.join(str(error).split())[:200]}", file=sys.stderr)
                continue
        paths.append(path)
    return paths


def _export(case: Case, path: Path) -> None:
    torch.manual_seed(0)
    part = path.with_suffix(".part")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        module, options = case.build().eval(), {"opset_version": 18, "verbose": False}
        torch.onnx.export(module, (torch.randn(case.shape),), str(part), dynamo=True, external_data=False, **options)
    part.rename(path)
