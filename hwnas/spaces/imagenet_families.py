"""The named ImageNet models: published configurations and, for each, the weights whose accuracy counts as true.

A name and its weights together are an entry of timm's results (`resnet50` and `a1_in1k`). Accuracies of one network
differ by 2 to 6 points with the training (resnet50: 76.2 to 80.8), more than networks of a family differ, so:
- ImageNet-1k images alone: no other pictures, no labels from a teacher (which leaves out LeViT).
- ResNet and RegNet with the recipes of 2021 (a1, tv2: 600 epochs), not those of 2015 (tv, pycls: 100 epochs), because
  all families since DeiT were only ever trained with such recipes; else the paper's own weights, or timm's.
- ConvNeXt-v2 exists only with masked pre-training (fcmae) on the same images.
- EfficientNet, MobileViT and Swin-v2 were trained and tested on larger images than 224.
- A network that two families share (DeiT-S is ViT-S/16) stands once, with the paper that trained it on ImageNet-1k.
- At most 100 million parameters, so that all of them can be scored on a laptop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

Settings = Mapping[str, Any]


@final
@dataclass(frozen=True, kw_only=True)
class Family:
    """Models of one class of `transformers`.

    prefix: of the names of its classes, such as `ResNet` of `ResNetConfig` and `ResNetForImageClassification`.
    blocks: classes of the layers whose outputs are successive feature maps. shared: settings of all its models.
    """

    prefix: str
    blocks: tuple[str, ...]
    shared: Settings


@final
@dataclass(frozen=True, kw_only=True)
class ImageNetModel:
    """One model: timm's name of the architecture and of the weights, family, and its own settings."""

    name: str
    weights: str
    family: str
    settings: Settings

    @property
    def entry(self) -> str:
        """Name of the row in timm's results."""
        return f"{self.name}.{self.weights}"


# Dropout and stochastic depth belong to a training; the layer norms' epsilon is that of the papers.
_NO_DROPOUT: Final = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
_NO_DROP: Final = {**_NO_DROPOUT, "drop_path_rate": 0.0}
_MOBILE: Final = {"tf_padding": False, "classifier_dropout_prob": 0.0}

FAMILIES: Final[Mapping[str, Family]] = {
    "resnet": Family(prefix="ResNet", blocks=("ResNetBasicLayer", "ResNetBottleNeckLayer"), shared={}),
    "regnet": Family(prefix="RegNet", blocks=("RegNetXLayer", "RegNetYLayer"), shared={}),
    "mobilenet-v1": Family(prefix="MobileNetV1", blocks=("MobileNetV1ConvLayer",), shared=_MOBILE),
    "mobilenet-v2": Family(prefix="MobileNetV2", blocks=("MobileNetV2InvertedResidual",), shared=_MOBILE),
    "efficientnet": Family(
        prefix="EfficientNet", blocks=("EfficientNetBlock",), shared={"dropout_rate": 0.0, "drop_connect_rate": 0.0}
    ),
    "convnext": Family(prefix="ConvNext", blocks=("ConvNextLayer",), shared={"layer_norm_eps": 1e-6}),
    "convnext-v2": Family(prefix="ConvNextV2", blocks=("ConvNextV2Layer",), shared={"layer_norm_eps": 1e-6}),
    "vit": Family(prefix="ViT", blocks=("ViTLayer",), shared={**_NO_DROPOUT, "layer_norm_eps": 1e-6}),
    "swin": Family(prefix="Swin", blocks=("SwinLayer",), shared=_NO_DROP),
    "swin-v2": Family(
        prefix="Swinv2", blocks=("Swinv2Layer",), shared={**_NO_DROP, "window_size": 8, "image_size": 256}
    ),
    "focalnet": Family(
        prefix="FocalNet", blocks=("FocalNetLayer",), shared={"hidden_dropout_prob": 0.0, "drop_path_rate": 0.0}
    ),
    "mobilevit": Family(
        prefix="MobileViT",
        blocks=("MobileViTInvertedResidual", "MobileViTLayer"),
        shared={**_NO_DROPOUT, "classifier_dropout_prob": 0.0},
    ),
    "mobilevit-v2": Family(
        prefix="MobileViTV2",
        blocks=("MobileViTV2InvertedResidual", "MobileViTV2Layer"),
        shared={"classifier_dropout_prob": 0.0},
    ),
    "poolformer": Family(prefix="PoolFormer", blocks=("PoolFormerLayer",), shared={"drop_path_rate": 0.0}),
    "pvt-v2": Family(prefix="PvtV2", blocks=("PvtV2BlockLayer",), shared=_NO_DROP),
}


def _resnets() -> Iterator[ImageNetModel]:
    """He 2016, table 1; the bottleneck's stride stands at its 3x3 convolution."""
    basic = {"layer_type": "basic", "hidden_sizes": (64, 128, 256, 512)}
    bottleneck = {"layer_type": "bottleneck", "hidden_sizes": (256, 512, 1024, 2048)}
    for layers, depths, kind in (
        (18, (2, 2, 2, 2), basic),
        (34, (3, 4, 6, 3), basic),
        (50, (3, 4, 6, 3), bottleneck),
        (101, (3, 4, 23, 3), bottleneck),
        (152, (3, 8, 36, 3), bottleneck),
    ):
        yield _model("resnet", f"resnet{layers}", "a1_in1k", depths=depths, **kind)


def _regnets() -> Iterator[ImageNetModel]:
    """Radosavovic 2020, the named RegNetX and RegNetY (the two called `_tv` as torchvision rounds their widths)."""
    for name, depths, widths, group in (
        ("x_004_tv", (1, 2, 7, 12), (32, 64, 160, 400), 16),
        ("x_008", (1, 3, 7, 5), (64, 128, 288, 672), 16),
        ("x_016", (2, 4, 10, 2), (72, 168, 408, 912), 24),
        ("x_032", (2, 6, 15, 2), (96, 192, 432, 1008), 48),
        ("x_080", (2, 5, 15, 1), (80, 240, 720, 1920), 120),
        ("x_160", (2, 6, 13, 1), (256, 512, 896, 2048), 128),
        ("y_004", (1, 3, 6, 6), (48, 104, 208, 440), 8),
        ("y_008_tv", (1, 3, 8, 2), (64, 144, 320, 784), 16),
        ("y_016", (2, 6, 17, 2), (48, 120, 336, 888), 24),
        ("y_032", (2, 5, 13, 1), (72, 216, 576, 1512), 24),
        ("y_160", (2, 4, 11, 1), (224, 448, 1232, 3024), 112),
    ):
        settings = {"depths": depths, "hidden_sizes": widths, "groups_width": group, "layer_type": name[0]}
        yield _model("regnet", f"regnet{name}", "tv2_in1k", **settings)


def _mobile_nets() -> Iterator[ImageNetModel]:
    """Howard 2017; Sandler 2018; Tan & Le 2019: width (and depth) multipliers."""
    for width in ("100", "125"):
        yield _model("mobilenet-v1", f"mobilenetv1_{width}", "ra4_e3600_r224_in1k", depth_multiplier=int(width) / 100)
    for width, weights in (("050", "lamb_in1k"), ("100", "ra_in1k"), ("140", "ra_in1k")):
        yield _model("mobilenet-v2", f"mobilenetv2_{width}", weights, depth_multiplier=int(width) / 100)
    scales = (
        (1.0, 1.0, 1280),
        (1.0, 1.1, 1280),
        (1.1, 1.2, 1408),
        (1.2, 1.4, 1536),
        (1.4, 1.8, 1792),
        (1.6, 2.2, 2048),
    )
    for number, (wide, deep, head) in enumerate(scales):
        settings = {"width_coefficient": wide, "depth_coefficient": deep, "hidden_dim": head}
        yield _model("efficientnet", f"tf_efficientnet_b{number}", "in1k", **settings)


def _convnexts() -> Iterator[ImageNetModel]:
    """Liu 2022, section 3; Woo 2023, appendix A; the four smallest of the first version as timm trained them."""
    for size, channels, depths, weights in (
        ("atto", 40, (2, 2, 6, 2), "d2_in1k"),
        ("femto", 48, (2, 2, 6, 2), "d1_in1k"),
        ("pico", 64, (2, 2, 6, 2), "d1_in1k"),
        ("nano", 80, (2, 2, 8, 2), "d1h_in1k"),
        ("tiny", 96, (3, 3, 9, 3), "fb_in1k"),
        ("small", 96, (3, 3, 27, 3), "fb_in1k"),
        ("base", 128, (3, 3, 27, 3), "fb_in1k"),
    ):
        settings = {"depths": depths, "hidden_sizes": _doubling(channels)}
        yield _model("convnext", f"convnext_{size}", weights, **settings)
        if size != "small":  # of the second version there is none
            yield _model("convnext-v2", f"convnextv2_{size}", "fcmae_ft_in1k", **settings)


def _vits() -> Iterator[ImageNetModel]:
    """Touvron 2021, table 1; Dosovitskiy 2021, table 1 (B/32)."""
    for name, weights, width, patch in (
        ("deit_tiny_patch16_224", "fb_in1k", 192, 16),
        ("deit_small_patch16_224", "fb_in1k", 384, 16),
        ("deit_base_patch16_224", "fb_in1k", 768, 16),
        ("vit_base_patch32_224", "augreg_in1k", 768, 32),
    ):
        settings = {"num_attention_heads": width // 64, "intermediate_size": 4 * width, "patch_size": patch}
        yield _model("vit", name, weights, hidden_size=width, **settings)


def _windowed() -> Iterator[ImageNetModel]:
    """Liu 2021, section 3.3; Liu 2022 (Swin-v2), section 3.5; Yang 2022 (FocalNet), small and large fields."""
    for size, width, depths in (("tiny", 96, (2, 2, 6, 2)), ("small", 96, (2, 2, 18, 2)), ("base", 128, (2, 2, 18, 2))):
        settings: dict[str, Any] = {"embed_dim": width, "depths": depths}
        heads = _doubling(width // 32)
        yield _model("swin", f"swin_{size}_patch4_window7_224", "ms_in1k", num_heads=heads, **settings)
        yield _model("swin-v2", f"swinv2_{size}_window8_256", "ms_in1k", num_heads=heads, **settings)
        for fields, levels in (("srf", 2), ("lrf", 3)):
            focal = {"hidden_sizes": _doubling(width), "focal_levels": (levels,) * 4, **settings}
            yield _model("focalnet", f"focalnet_{size}_{fields}", "ms_in1k", **focal)


def _hybrids() -> Iterator[ImageNetModel]:
    """Mehta 2022 and 2023 (MobileViT); Yu 2022 (PoolFormer); Wang 2022 (PVT-v2)."""
    for size, widths, neck, expansion in (
        ("xxs", (64, 80, 96), (16, 16, 24, 48, 64, 80, 320), 2.0),
        ("xs", (96, 120, 144), (16, 32, 48, 64, 80, 96, 384), 4.0),
        ("s", (144, 192, 240), (16, 32, 64, 96, 128, 160, 640), 4.0),
    ):
        settings = {"hidden_sizes": widths, "neck_hidden_sizes": neck, "expand_ratio": expansion}
        yield _model("mobilevit", f"mobilevit_{size}", "cvnets_in1k", **settings)
    for width in ("050", "075", "100", "125", "150", "175", "200"):
        yield _model("mobilevit-v2", f"mobilevitv2_{width}", "cvnets_in1k", width_multiplier=int(width) / 100)
    small, medium = (64, 128, 320, 512), (96, 192, 384, 768)
    for name, sixth, sizes in (
        ("s12", 1, small),
        ("s24", 2, small),
        ("s36", 3, small),
        ("m36", 3, medium),
        ("m48", 4, medium),
    ):
        depths = (2 * sixth, 2 * sixth, 6 * sixth, 2 * sixth)
        yield _model("poolformer", f"poolformer_{name}", "sail_in1k", depths=depths, hidden_sizes=sizes)
    for number, depths, first, ratios in (
        (0, (2, 2, 2, 2), 32, (8, 8, 4, 4)),
        (1, (2, 2, 2, 2), 64, (8, 8, 4, 4)),
        (2, (3, 4, 6, 3), 64, (8, 8, 4, 4)),
        (3, (3, 4, 18, 3), 64, (8, 8, 4, 4)),
        (4, (3, 8, 27, 3), 64, (8, 8, 4, 4)),
        (5, (3, 6, 40, 3), 64, (4, 4, 4, 4)),
    ):
        settings = {"depths": depths, "hidden_sizes": (first, 2 * first, 5 * first, 8 * first), "mlp_ratios": ratios}
        yield _model("pvt-v2", f"pvt_v2_b{number}", "in1k", **settings)


def _model(family: str, name: str, weights: str, **settings: Any) -> ImageNetModel:
    return ImageNetModel(name=name, weights=weights, family=family, settings=settings)


def _doubling(first: int) -> tuple[int, ...]:
    return first, 2 * first, 4 * first, 8 * first


MODELS: Final[tuple[ImageNetModel, ...]] = (
    *_resnets(),
    *_regnets(),
    *_mobile_nets(),
    *_convnexts(),
    *_vits(),
    *_windowed(),
    *_hybrids(),
)
