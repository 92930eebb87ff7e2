"""Models that nobody here wrote and that make no classes of a picture: maps, boxes, more pixels, sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from kernels_models import Case
from torch import nn

Shape = tuple[int, ...]


class Part(nn.Module):
    """The output of a model that has this name."""

    def __init__(self, module: nn.Module, name: str) -> None:
        super().__init__()
        self.module, self.name = module, name

    def forward(self, x: torch.Tensor) -> Any:
        return getattr(self.module(x), self.name)


def dense_cases() -> list[Case]:
    """At least fifteen; transformers and monai."""
    return [*_maps(), *_medical(), *_sequences()]


def _hf(kind: str, output: str, /, **config: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import transformers

        family = kind.partition("For")[0].removesuffix("Model")
        settings = getattr(transformers, f"{family}Config")(**config)
        return Part(getattr(transformers, kind)(settings), output)

    return build


def _maps() -> Iterator[Case]:
    def case(name: str, size: int, build: Callable[[], nn.Module]) -> Case:
        return Case(f"{name}-{size}", build, size)

    yield case("segformer-b0", 256, _hf("SegformerForSemanticSegmentation", "logits", num_labels=150))
    yield case(
        "deeplab-mobilenet-v2", 257, _hf("MobileNetV2ForSemanticSegmentation", "logits", num_labels=21, output_stride=8)
    )
    yield case(
        "deeplab-mobilevit-xs", 256,
        _hf("MobileViTForSemanticSegmentation", "logits", num_labels=21, image_size=256, hidden_sizes=[96, 120, 144],
            neck_hidden_sizes=[16, 32, 48, 64, 80, 96, 384], output_stride=16),
    )  # fmt: skip
    depth = {"hidden_sizes": [32, 64, 160, 256], "depths": [2, 2, 2, 2], "decoder_hidden_size": 64}
    yield case("glpn-b0", 224, _hf("GLPNForDepthEstimation", "predicted_depth", **depth))
    yield case(
        "dpt-tiny", 224,
        _hf("DPTForDepthEstimation", "predicted_depth", image_size=224, hidden_size=192, num_attention_heads=3,
            num_hidden_layers=12, intermediate_size=768, neck_hidden_sizes=[48, 96, 192, 192], fusion_hidden_size=64),
    )  # fmt: skip
    yield case(
        "swin2sr-light", 64,
        _hf("Swin2SRForImageSuperResolution", "reconstruction", image_size=64, embed_dim=60, depths=[2, 2, 2, 2],
            num_heads=[6, 6, 6, 6], upsampler="pixelshuffledirect", upscale=2),
    )  # fmt: skip
    yield case(
        "yolos-tiny", 256,
        _hf("YolosForObjectDetection", "logits", image_size=[256, 256], hidden_size=192, num_attention_heads=3,
            intermediate_size=768, num_detection_tokens=100),
    )  # fmt: skip


def _medical() -> Iterator[Case]:
    def case(name: str, shape: Shape, kind: str, **options: Any) -> Case:
        def build() -> nn.Module:
            from monai.networks import nets

            module: nn.Module = getattr(nets, kind)(spatial_dims=2, **options)
            return module

        return Case(f"{name}-{shape[-1]}", build, shape)

    gray, color = (1, 1, 256, 256), (1, 3, 192, 192)
    ends = {"in_channels": 1, "out_channels": 2}
    yield case("unet-residual", gray, "UNet", channels=(16, 32, 64, 128), strides=(2, 2, 2), num_res_units=2, **ends)
    yield case("basic-unet", color, "BasicUNet", in_channels=3, out_channels=4, features=(16, 32, 64, 128, 256, 16))
    yield case("attention-unet", gray, "AttentionUnet", channels=(16, 32, 64, 128), strides=(2, 2, 2), **ends)
    yield case("segresnet", gray, "SegResNet", init_filters=8, **ends)
    yield case("dynunet", color, "DynUNet", in_channels=3, out_channels=4, kernel_size=[3] * 4, strides=[1, 2, 2, 2],
               upsample_kernel_size=[2, 2, 2], filters=[16, 32, 64, 128])  # fmt: skip
    yield case("highresnet", (1, 1, 128, 128), "HighResNet", **ends)


def _sequences() -> Iterator[Case]:
    """Speech; torch's own recurrent layers, which libraries wrap."""
    yield Case("hifigan-small", _vocoder(upsample_initial_channel=128), (1, 60, 80))
    small = {"hidden_size": 192, "num_attention_heads": 4, "intermediate_size": 768, "num_hidden_layers": 4}
    layers = {"conv_dim": [128] * 7, "num_conv_pos_embeddings": 32, "num_conv_pos_embedding_groups": 4}
    yield Case("wav2vec2-small", _hf("Wav2Vec2Model", "last_hidden_state", **small, **layers), (1, 16000))
    yield Case("lstm-2x256", _layers("LSTM", 256, layers=2), (1, 100, 64))
    yield Case("lstm-both-128", _layers("LSTM", 128, both=True), (1, 80, 128))
    yield Case("gru-3x192", _layers("GRU", 192, layers=3), (1, 120, 40))


def _vocoder(**config: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import transformers

        module: nn.Module = transformers.SpeechT5HifiGan(transformers.SpeechT5HifiGanConfig(**config))
        return module

    return build


def _layers(kind: str, width: int, *, layers: int = 1, both: bool = False) -> Callable[[], nn.Module]:
    class Layers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            inputs = {("LSTM", 256): 64, ("LSTM", 128): 128, ("GRU", 192): 40}[kind, width]
            options = {"num_layers": layers, "batch_first": True, "bidirectional": both}
            self.layers = getattr(nn, kind)(inputs, width, **options)
            self.head = nn.Linear(width * (1 + both), 35)

        def forward(self, x: torch.Tensor) -> Any:
            return self.head(self.layers(x)[0][:, -1])

    return Layers
