"""The nine known networks that were measured on the Jetson Nano, as graphs.

Batch norms and activations are left out: the runtime takes them into convolutions. Parameters (with those of the norms)
and multiply-accumulates are held against the published ones where this file is run: equal to 0.2 %, but for U-Net, of
whose transposed convolutions the publishers count four times the work, and this file no parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hwnas.graphs import Graph, GraphBuilder

SIZE, CLASSES = 224, 1000


class Net(GraphBuilder):
    """A graph that is built from its end on: every method takes a result and gives the next one."""

    def named(self, kind: str) -> str:
        """A new name."""
        return f"{kind}{len(self.operators)}"

    def channels(self, x: str) -> int:
        """Of a feature map."""
        return self.operators[x].shape[1]

    def layer(self, x: str, channels: int, kernel: int = 3, stride: int = 1) -> str:
        """A convolution."""
        return self.conv(self.named("conv"), x, channels, kernel=kernel, stride=stride)

    def depthwise(self, x: str, kernel: int = 3, stride: int = 1) -> str:
        """A convolution of each channel."""
        return self.conv(self.named("conv"), x, self.channels(x), kernel=kernel, stride=stride, depthwise=True)

    def pool(self, x: str, kernel: int = 2, stride: int = 2) -> str:
        """Maxima; an even window drops what does not fill it."""
        batch, channels, height, width = self.operators[x].shape
        side = [(s - 1) // stride + 1 if kernel % 2 else (s - kernel) // stride + 1 for s in (height, width)]
        padding = kernel // 2 if kernel % 2 else 0
        shape = (batch, channels, *side)
        return self.add(self.named("pool"), "max_pool", [x], shape, kernel=kernel, stride=stride, padding=padding)

    def plus(self, x: str, y: str) -> str:
        """A sum."""
        return self.sum(self.named("add"), [x, y])

    def concat(self, x: str, y: str) -> str:
        """Channels side by side."""
        batch, channels, height, width = self.operators[x].shape
        return self.add(self.named("concat"), "concat", [x, y], (batch, channels + self.channels(y), height, width))

    def scaled(self, x: str, squeezed: int) -> str:
        """Squeeze and excitation."""
        pooled = self.add(self.named("mean"), "global_avg_pool", [x], (1, self.channels(x), 1, 1))
        y = self.layer(self.layer(pooled, squeezed, 1), self.channels(x), 1)
        return self.add(self.named("mul"), "mul", [x, y], self.operators[x].shape)

    def linear(self, x: str, width: int) -> str:
        """A dense layer over everything."""
        shape = self.operators[x].shape
        count = shape[1] * (shape[2] * shape[3] if len(shape) == 4 else 1)
        return self.add(self.named("linear"), "linear", [x], (1, width), in_features=count, bias=1)

    def classified(self, x: str) -> Graph:
        """The mean of all pixels and a dense layer."""
        self.classifier("classes", x, CLASSES, pooling="pooled")
        return self.graph()


def vgg(depths: tuple[int, ...]) -> Graph:
    """VGG16 and VGG19."""
    net = Net()
    x = net.image(SIZE)
    for depth, channels in zip(depths, (64, 128, 256, 512, 512), strict=True):
        for _ in range(depth):
            x = net.layer(x, channels)
        x = net.pool(x)
    net.linear(net.linear(net.linear(x, 4096), 4096), CLASSES)
    return net.graph()


def resnet50() -> Graph:
    """ResNet-50 with the stride in the 3 x 3 convolution."""
    net = Net()
    x = net.pool(net.layer(net.image(SIZE), 64, 7, 2), 3, 2)
    for stage, depth in enumerate((3, 4, 6, 3)):
        for number in range(depth):
            width, stride = 64 * 2**stage, 2 if stage and not number else 1
            y = net.layer(net.layer(net.layer(x, width, 1), width, 3, stride), 4 * width, 1)
            x = net.plus(y, x if number else net.layer(x, 4 * width, 1, stride))
    return net.classified(x)


def mobilenet_v2() -> Graph:
    """MobileNetV2 at width 1."""
    net = Net()
    x = net.layer(net.image(SIZE), 32, 3, 2)
    settings = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    for expansion, channels, depth, stride in settings:
        for number in range(depth):
            x = inverted(net, x, channels, expansion=expansion, stride=1 if number else stride)
    return net.classified(net.layer(x, 1280, 1))


def inverted(
    net: Net, x: str, channels: int, *, expansion: int, kernel: int = 3, stride: int = 1, squeeze: bool = False
) -> str:
    """An inverted bottleneck; squeezed to a quarter of the channels that come in."""
    wide = net.channels(x) * expansion
    y = net.depthwise(net.layer(x, wide, 1) if expansion > 1 else x, kernel, stride)
    y = net.layer(net.scaled(y, max(1, net.channels(x) // 4)) if squeeze else y, channels, 1)
    return net.plus(y, x) if stride == 1 and net.channels(x) == channels else y


def shufflenet_v2() -> Graph:
    """ShuffleNetV2 at width 1."""
    net = Net()
    x = net.pool(net.layer(net.image(SIZE), 24, 3, 2), 3, 2)
    for channels, depth in ((116, 4), (232, 8), (464, 4)):
        half = channels // 2
        left = net.layer(net.depthwise(x, 3, 2), half, 1)
        x = net.concat(left, net.layer(net.depthwise(net.layer(x, half, 1), 3, 2), half, 1))
        for _ in range(depth - 1):
            batch, _, height, width = net.operators[x].shape
            part = net.add(net.named("slice"), "slice", [x], (batch, half, height, width))
            y = net.layer(net.depthwise(net.layer(part, half, 1)), half, 1)
            x = net.concat(part, y)
    return net.classified(net.layer(x, 1024, 1))


def unet() -> Graph:
    """U-Net with transposed convolutions and two classes."""
    net = Net()
    x, kept = net.image(SIZE), []
    for channels in (64, 128, 256, 512, 1024):
        x = net.layer(net.layer(net.pool(x) if kept else x, channels), channels)
        kept.append(x)
    for skip in reversed(kept[:-1]):
        batch, channels, height, width = net.operators[skip].shape
        incoming = net.operators[x].shape
        x = net.add(
            net.named("up"), "conv_transpose", [x], (batch, channels, height, width), kernel=2, stride=2, padding=0,
            groups=1, in_channels=incoming[1], in_elements=incoming[1] * incoming[2] * incoming[3],
        )  # fmt: skip
        x = net.layer(net.layer(net.concat(skip, x), channels), channels)
    net.layer(x, 2, 1)
    return net.graph()


def xception() -> Graph:
    """Xception."""
    net = Net()

    def valid(x: str, channels: int, stride: int) -> str:
        batch, incoming, height, width = net.operators[x].shape
        sides = [(side - 3) // stride + 1 for side in (height, width)]
        return net.add(
            net.named("conv"), "conv", [x], (batch, channels, *sides), kernel=3, stride=stride, padding=0, groups=1,
            in_channels=incoming,
        )  # fmt: skip

    def separable(x: str, channels: int) -> str:
        return net.layer(net.depthwise(x), channels, 1)

    def reduced(x: str, first: int, channels: int) -> str:
        y = net.pool(separable(separable(x, first), channels), 3, 2)
        return net.plus(y, net.layer(x, channels, 1, 2))

    x = valid(valid(net.image(SIZE), 32, 2), 64, 1)
    for channels in (128, 256, 728):
        x = reduced(x, channels, channels)
    for _ in range(8):
        x = net.plus(separable(separable(separable(x, 728), 728), 728), x)
    x = reduced(x, 728, 1024)
    return net.classified(separable(separable(x, 1536), 2048))


def efficientnet_b4() -> Graph:
    """EfficientNet-B4."""
    net = Net()
    x = net.layer(net.image(SIZE), 48, 3, 2)
    settings = ((1, 24, 2, 1, 3), (6, 32, 4, 2, 3), (6, 56, 4, 2, 5), (6, 112, 6, 2, 3), (6, 160, 6, 1, 5),
                (6, 272, 8, 2, 5), (6, 448, 2, 1, 3))  # fmt: skip
    for expansion, channels, depth, stride, kernel in settings:
        for number in range(depth):
            step = 1 if number else stride
            x = inverted(net, x, channels, expansion=expansion, kernel=kernel, stride=step, squeeze=True)
    return net.classified(net.layer(x, 1792, 1))


def efficientnet_v2_m() -> Graph:
    """EfficientNetV2-M."""
    net = Net()
    x = net.layer(net.image(SIZE), 24, 3, 2)
    for expansion, channels, depth, stride in ((1, 24, 3, 1), (4, 48, 5, 2), (4, 80, 5, 2)):
        for number in range(depth):
            step, incoming = 1 if number else stride, net.channels(x)
            y = net.layer(x, channels if expansion == 1 else expansion * incoming, 3, step)
            y = y if expansion == 1 else net.layer(y, channels, 1)
            x = net.plus(y, x) if step == 1 and incoming == channels else y
    for expansion, channels, depth, stride in ((4, 160, 7, 2), (6, 176, 14, 1), (6, 304, 18, 2), (6, 512, 5, 1)):
        for number in range(depth):
            x = inverted(net, x, channels, expansion=expansion, stride=1 if number else stride, squeeze=True)
    return net.classified(net.layer(x, 1280, 1))


NETWORKS: Final[Mapping[str, Callable[[], Graph]]] = {
    "VGG16": lambda: vgg((2, 2, 3, 3, 3)),
    "VGG19": lambda: vgg((2, 2, 4, 4, 4)),
    "Shufflenet_v2": shufflenet_v2,
    "UNet": unet,
    "ResNet50": resnet50,
    "MobileNetV2": mobilenet_v2,
    "Xception": xception,
    "EfficientNet_v1": efficientnet_b4,
    "EfficientNet_v2": efficientnet_v2_m,
}


def main() -> None:
    """How far the sizes are from the published ones, in percent."""
    from hwnas.data import open_table

    table = open_table("jetson-nano-cnn")
    if table is None:
        raise SystemExit("expected the table jetson-nano-cnn; run `hwnas data pull jetson-nano-cnn`")
    for name, build in NETWORKS.items():
        (row,) = [number for number, its in enumerate(table["name"].tolist()) if its == name]
        graph = build()
        convolutions = [o for o in graph.operators if o.kind in ("conv", "conv_transpose")]
        norms = sum(2 * operator.shape[1] for operator in convolutions)
        published = float(table["macs"][row]), float(table["params"][row])
        found = graph.macs, graph.params + norms
        macs, params = (100 * (a / b - 1) for a, b in zip(found, published, strict=True))
        sizes = f"{graph.macs / 1e6:9.1f} M MACs ({macs:+.2f} %), {found[1] / 1e6:7.2f} M parameters ({params:+.2f} %)"
        print(f"{name:16} {sizes}")


if __name__ == "__main__":
    main()
