"""Scores of a network of one's own: any torch module, on one's own images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hwnas.api.computing import require_torch, torch_device
from hwnas.api.factories import module_of
from hwnas.api.given import names_of
from hwnas.api.network_forms import NetworkResult, NetworkScore, NetworkSettings
from hwnas.arrays import Array
from hwnas.errors import ProxyError, UsageError
from hwnas.proxies import BASELINES, Proxy, get_proxy, known_proxies
from hwnas.proxies.combinations import get_scorer

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from hwnas.proxies.batches import Batch, Loss
    from hwnas.proxies.inspection import Inspection
    from hwnas.proxies.networks import NetworkScores
    from hwnas.proxies.own_images import Images

    Given = Batch | Tensor | Array | tuple[Tensor, Tensor] | tuple[Array, Array] | Path | str


def score_network(
    module: nn.Module,
    batch: Given | None = None,
    *,
    proxies: Sequence[str] | None = None,
    loss: Loss | None = None,
    settings: NetworkSettings | None = None,
    strict: bool = False,
) -> NetworkResult:
    """Scores of any torch module by each of `proxies` (None: all), `params` and `flops` always among them.

    batch: images, images with labels, as tensors or as arrays, or a file or folder of them (see `read_images`, which
    arrays are taken as); None: noise. Without labels they are random. loss: (logits, labels) to one number; None: that
    of a `Batch`, else the cross entropy.

    A proxy that cannot score the module gets None and the reason; strict: that is an error. The module is left as it
    was. Raises `UsageError` for images or labels that do not fit, `ProxyError` where the module gives no logits,
    `DataError`, `MissingExtraError`.
    """
    require_torch()
    import torch

    from hwnas.proxies.batches import Batch
    from hwnas.proxies.inspection import inspect
    from hwnas.proxies.networks import score_network as score

    if isinstance(module, torch.jit.ScriptModule):
        raise UsageError("expected a plain torch module, got a scripted or traced one; give that which it was made of")
    settings = settings or NetworkSettings()
    asked = _asked(None if proxies is None else names_of("proxies", proxies))
    if loss is None and isinstance(batch, Batch):
        loss = batch.loss
    found, notes = _fitting(_images(batch, settings), module)
    inspection = inspect(module, found.images, seed=settings.seed)
    full = _batch(found, inspection, settings, loss)
    result = score(module, full, asked, inspection=inspection, seed=settings.seed)
    if strict and result.reasons:
        raise ProxyError("; ".join(f"{name}: {reason}" for name, reason in result.reasons.items()))
    if result.batch_size < len(full.images):
        notes.append(f"memory did not hold {len(full.images)} images: scored on the first {result.batch_size}")
    return NetworkResult(
        network=type(module).__name__,
        images=full.source,
        loss="cross entropy" if loss is None else getattr(loss, "__name__", type(loss).__name__),
        batch_size=result.batch_size,
        seed=settings.seed,
        scores=tuple(_score(proxy, result) for proxy in asked),
        notes=(*notes, *inspection.notes),
    )


def score_factory(
    name: str,
    data: Path | None = None,
    *,
    proxies: Sequence[str] | None = None,
    settings: NetworkSettings | None = None,
    device: str = "auto",
) -> NetworkResult:
    """As `score_network`, of the module that the user's own function `package.module:function` returns.

    The function is imported and run. device: "cpu", "cuda", or "auto" for CUDA where there is one.
    """
    require_torch()
    settings = settings or NetworkSettings()
    module = module_of(name, seed=settings.seed).to(torch_device(device))
    result = score_network(module, data, proxies=proxies, settings=settings)
    return replace(result, network=f"{result.network} of {name}")


def _asked(names: Sequence[str] | None) -> list[Proxy]:
    """The proxies, the baselines before them."""
    asked = [get_scorer(name) for name in (known_proxies() if names is None else names)]
    if not asked:
        raise UsageError("expected at least one proxy, got none; `hwnas proxies` lists them")
    proxies = [scorer for scorer in asked if isinstance(scorer, Proxy)]
    if len(proxies) < len(asked):
        names = [scorer.name for scorer in asked if not isinstance(scorer, Proxy)]
        raise UsageError(
            f"expected proxies, got {', '.join(names)}, which rank the networks of a space among themselves"
        )
    return list({proxy.name: proxy for proxy in (*map(get_proxy, BASELINES), *proxies)}.values())


def _images(batch: Given | None, settings: NetworkSettings) -> Images:
    """What was given, in one form."""
    import torch

    from hwnas.proxies.batches import Batch
    from hwnas.proxies.image_folders import USUAL
    from hwnas.proxies.own_images import Images, checked, noise_images, read_images

    if batch is None:
        return noise_images(settings.shape, count=settings.batch_size or USUAL, seed=settings.seed)
    if isinstance(batch, str | Path):
        return read_images(Path(batch), count=settings.batch_size, side=settings.side)
    if isinstance(batch, Batch):
        return Images(images=batch.images, labels=batch.labels, source=batch.source)
    pair: tuple[Any, ...] = tuple(batch) if isinstance(batch, tuple | list) else (batch, None)
    given = [part for part in pair if part is not None]
    kind = next((kind for kind in (torch.Tensor, np.ndarray) if all(isinstance(part, kind) for part in given)), None)
    if len(pair) != 2 or pair[0] is None or kind is None:
        raise UsageError(
            "expected images as a tensor or an array, images and labels as a pair of either, a Batch, a file or a "
            f"folder, got {_told(batch)}; torch.from_numpy makes tensors of arrays, next(iter(loader)) gives a batch"
        )
    if pair[0].ndim == 0 or not len(pair[0]):
        raise UsageError(f"expected at least one image, got images of shape {tuple(pair[0].shape)}; give some")
    source = f"{len(pair[0])} images as given"
    return checked(*pair, source) if kind is np.ndarray else Images(images=pair[0], labels=pair[1], source=source)


def _told(batch: Any) -> str:
    """What was given, in a message."""
    parts = f" of {', '.join(type(part).__name__ for part in batch)}" if isinstance(batch, tuple | list) else ""
    return f"a {type(batch).__name__}{parts}"


def _fitting(found: Images, module: nn.Module) -> tuple[Images, list[str]]:
    """The images where the module is, and in its precision; what was changed."""
    tensor = next((p for p in (*module.parameters(), *module.buffers()) if p.is_floating_point()), found.images)
    images, notes = found.images.detach().to(tensor.device), []
    if images.is_floating_point() and images.dtype != tensor.dtype:
        images = images.to(tensor.dtype)
        notes.append(f"computed in {_name(tensor.dtype)}, the precision of the network's weights")
    labels = None if found.labels is None else found.labels.to(tensor.device)
    return replace(found, images=images, labels=labels), notes


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _batch(found: Images, inspection: Inspection, settings: NetworkSettings, loss: Loss | None) -> Batch:
    """Images with labels that fit the logits. Raises `UsageError`."""
    import torch

    from hwnas.proxies.batches import Batch

    labels = found.labels
    classes, logits = settings.classes or inspection.logits, inspection.logits
    if labels is None or settings.random_labels:
        if classes > logits:
            raise UsageError(f"expected at most {logits} classes for a network of {logits} logits, got {classes}")
        drawn = torch.randint(classes, (len(found.images),), generator=torch.Generator().manual_seed(settings.seed))
        source = f"{found.source} with random labels of {classes} classes"
        return Batch(images=found.images, labels=drawn.to(found.images.device), source=source, loss=loss)
    if loss is None and labels.dtype in (torch.int8, torch.int16, torch.int32):
        labels = labels.long()  # the cross entropy takes no others
    batch = Batch(images=found.images, labels=labels, source=found.source, loss=loss)
    if loss is None and (labels.min() < 0 or labels.max() >= logits):
        raise UsageError(
            f"expected labels from 0 to {logits - 1} for a network of {logits} logits, got {int(labels.min())} to "
            f"{int(labels.max())}; give labels that fit, or random ones"
        )
    return batch


def _score(proxy: Proxy, result: NetworkScores) -> NetworkScore:
    from hwnas.proxies.inspection import COUNTER
    from hwnas.proxies.networks import COUNTED

    source = proxy.source
    if proxy.name in COUNTED:
        source = "every parameter once, frozen ones too" if proxy.name == "params" else COUNTER
    return NetworkScore(
        proxy=proxy, value=result.scores.get(proxy.name), reason=result.reasons.get(proxy.name, ""), source=source
    )
