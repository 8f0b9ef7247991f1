"""StyleGAN2 with adaptive augmentation: styles steer every layer of the generator, and few images suffice.

Written from Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN" (here: SG2), and Karras et al.
2020, "Training generative adversarial networks with limited data" (here: ADA). The defaults are ADA's configuration
"auto". One difference: styles are mixed image by image, where the authors' code mixes whole batches.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.adversarial import GanOptions, augmenter, scaled, two_players
from engines.methods.base import Adam, Limits, MethodSpec, NetSpec, Networks, Phase, Preset, Step, draw_latents
from engines.methods.blocks import EqualConv2d, EqualLinear, MinibatchStd, blur
from engines.methods.penalties import path_length_penalty
from engines.methods.styled import GAIN, Mapping, Modulated, StyledLayer
from engines.options import option

SMALLEST = 4  # side of the first feature map
MOST_CHANNELS = 512
MEAN_STYLE_SHARE = 0.005  # of each batch in the moving mean of styles


class Options(GanOptions):
    """Options of StyleGAN2-ADA."""

    size: Literal[64, 128, 256, 512] = option(  # type: ignore[assignment]
        128,
        "Image size",
        "Width and height of the generated images. The image set is resized to it once, before training.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling up to 256 costs about half as much again, that to 512 three times as much.",
        unit="pixels",
        layer="dial",
    )
    r1_gamma: float | None = option(  # type: ignore[assignment]
        None,
        "R1 penalty",
        "Weight of the R1 penalty (Mescheder et al. 2018), which keeps the discriminator smooth around real images. "
        "Left empty it follows ADA's rule: 0.0002 times the number of pixels, divided by the batch (0.1 at 128 pixels "
        "and 32 images). 0 switches it off.",
        too_low="The discriminator becomes too sharp, and training unstable.",
        too_high="The discriminator becomes too soft to teach detail.",
        ge=0,
        le=1000,
    )
    mapping_layers: int = option(
        2,
        "Mapping layers",
        "Layers of the network that turns random numbers into a style.",
        too_low="Properties of the images stay entangled: one number changes several at once.",
        too_high="Slower to begin; StyleGAN2 had 8 for its 70,000 faces.",
        ge=1,
        le=8,
    )
    style_mixing: float = option(
        0.9,
        "Style mixing",
        "Share of the training's images whose coarse and fine layers have different styles.",
        too_low="Coarse and fine properties depend on one another.",
        too_high="Coarse and fine properties hardly fit together.",
        ge=0,
        le=1,
    )
    path_weight: float = option(
        2.0,
        "Path length penalty",
        "Asks that equal steps in a style change the image equally, which makes styles smooth. 0 switches it off; "
        "images of 64 pixels do without.",
        too_low="Images jump from one motif to the next between neighbouring styles.",
        too_high="Images become alike.",
        ge=0,
        le=100,
    )
    path_every: int = option(
        4,
        "Path length penalty every",
        "It is computed at every so many steps, on half a batch, and weighs accordingly more.",
        too_low="Slower training.",
        too_high="The penalty comes in jolts.",
        unit="steps",
        ge=1,
        le=64,
    )
    truncation: float = option(
        1.0,
        "Truncation",
        "Sample sheets and generated images draw their styles towards the mean style, to this share of their distance. "
        "It never changes the training itself.",
        too_low="Images are clean but alike; at 0 they are all the same.",
        too_high="Nothing to fear: 1 shows all that was learned, odd images too.",
        ge=0,
        le=1,
    )

    @property
    def gamma(self) -> float:
        """Weight of the R1 penalty (ADA, appendix C)."""
        return 0.0002 * self.size**2 / self.batch if self.r1_gamma is None else self.r1_gamma

    @property
    def has_path_penalty(self) -> bool:
        return self.path_weight > 0 and self.size > 64

    @property
    def adam_g(self) -> Adam:
        return lazy(super().adam_g, self.path_every if self.has_path_penalty else 0)

    @property
    def adam_d(self) -> Adam:
        return lazy(super().adam_d, self.r1_every if self.gamma else 0)


def lazy(adam: Adam, every: int) -> Adam:
    """Settings that learn in every+1 updates what these learn in `every` (SG2, appendix B)."""
    share = every / (every + 1) if every else 1.0
    return Adam(adam.learning_rate * share, adam.beta1**share, adam.beta2**share)


def widths(options: Options) -> dict[int, int]:
    """Channels by the side of a feature map: at most 512, and from 512 pixels on the doubled ones of SG2."""
    base = 16384 if options.size < 512 else 32768
    sides = [SMALLEST * 2**level for level in range((options.size // SMALLEST).bit_length())]
    return {side: scaled(min(base // side, MOST_CHANNELS), options.width) for side in sides}


class Generator(nn.Module):
    """Latents [B, L] -> styles -> a learned 4x4 map -> two layers at each doubling; images are the sum over all sides.

    (SG2, figure 7b.) What comes out is not limited by a function; `sample` cuts it off.
    """

    mean_length: Tensor  # [] moving mean of the path lengths

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        counts, dim = widths(options), options.latent_dim
        self.mixing, self.truncation = options.style_mixing, options.truncation
        self.mapping = Mapping(dim, options.mapping_layers)
        self.start = nn.Parameter(torch.randn(1, counts[SMALLEST], SMALLEST, SMALLEST))
        self.layers = nn.ModuleList([StyledLayer(counts[SMALLEST], counts[SMALLEST], SMALLEST, dim, up=False)])
        for before, after in pairwise(counts):
            self.layers.append(StyledLayer(counts[before], counts[after], after, dim, up=True))
            self.layers.append(StyledLayer(counts[after], counts[after], after, dim, up=False))
        self.to_image = nn.ModuleList(Modulated(count, channels, 1, dim) for count in counts.values())
        self.biases = nn.ParameterList(torch.zeros(channels) for _ in counts)
        self.register_buffer("mean_length", torch.zeros(()))

    def forward(self, latents: Tensor) -> Tensor:
        return self.images(self.styles(latents))

    def styles(self, latents: Tensor) -> Tensor:
        """A style for each layer and the last image, [B, layers + 1, L]; in training most images mix two of them."""
        places = len(self.layers) + 1
        with torch.autocast(latents.device.type, enabled=False):
            styles = self.mapping(latents)
            if not self.training:
                styles = torch.lerp(self.mapping.mean, styles, self.truncation)
            else:
                self.mapping.mean.lerp_(styles.detach().mean(dim=0), MEAN_STYLE_SHARE)
            styles = styles[:, None].expand(-1, places, -1)
            if self.training and self.mixing:
                others = self.mapping(torch.randn_like(latents))[:, None]
                rank = torch.arange(places, device=latents.device)
                cut = torch.randint(1, places, (len(latents), 1), device=latents.device)
                mixed = torch.rand(len(latents), 1, device=latents.device) < self.mixing
                styles = torch.where((mixed & (rank >= cut))[..., None], others, styles)
        return styles

    def images(self, styles: Tensor) -> Tensor:
        """Images [B, C, H, W] float32 from styles [B, layers + 1, L]."""
        features = self.start.expand(len(styles), -1, -1, -1)
        each, images = styles.unbind(dim=1), None
        for number, layer in enumerate(self.layers):
            features = layer(features, each[number])
            if number % 2 == 0:  # the last layer of its side; its image takes the style of the layer that follows
                level = number // 2
                image = self.to_image[level](features, each[number + 1]).float() + self.biases[level][:, None, None]
                images = image if images is None else image + blur(images, up=2)
        return cast(Tensor, images)


class Layer(EqualConv2d):
    """Equalised convolution and LeakyReLU; with `down` of half the side, behind a low-pass filter."""

    def __init__(self, inputs: int, outputs: int, kernel: int, down: bool = False, gain: float = GAIN) -> None:
        super().__init__(inputs, outputs, kernel, 2 if down else 1, 0 if down else None)
        self.down, self.gain = down, gain

    def forward(self, input: Tensor) -> Tensor:
        if self.down:
            input = blur(input, grow=1)
        weight, bias = self.weight * (self.scale * self.gain), self.get_parameter("bias") * self.gain
        return F.leaky_relu_(F.conv2d(input, weight, bias, self.stride, self.padding), 0.2)


class DownBlock(nn.Module):
    """Two convolutions 3x3 and, beside them, one of 1x1; [B, I, H, W] -> [B, O, H/2, W/2] (SG2, figure 7c).

    Each way is divided by the square root of 2, so that their sum keeps the scale.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.way = nn.Sequential(Layer(inputs, inputs, 3), Layer(inputs, outputs, 3, down=True, gain=1.0))
        self.shortcut = EqualConv2d(inputs, outputs, 1)
        self.shortcut.register_parameter("bias", None)
        self.shortcut.scale /= 2**0.5

    def forward(self, features: Tensor) -> Tensor:
        return self.way(features) + self.shortcut(blur(features, down=2))


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> residual blocks down to 4x4 -> deviation in the batch, conv 3x3, dense -> logit [B]."""

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        counts = widths(options)
        last = counts[SMALLEST]
        self.from_image = Layer(channels, counts[options.size], 1)
        # Called by their sides, so that a training at another size can begin with those that both have.
        self.blocks = nn.ModuleDict(
            {str(side): DownBlock(counts[side], counts[side // 2]) for side in reversed(counts) if side > SMALLEST}
        )
        self.last = nn.Sequential(MinibatchStd(4), Layer(last + 1, last, 3))
        self.dense, self.verdict = EqualLinear(last * SMALLEST**2, last), EqualLinear(last, 1)

    def forward(self, images: Tensor) -> Tensor:
        features = self.from_image(images)
        for block in self.blocks.values():
            features = block(features)
        features = F.leaky_relu(self.dense(self.last(features).flatten(1)), 0.2) * GAIN
        return self.verdict(features).squeeze(1)


def build(options: Options, spec: NetSpec) -> Networks:
    generator, discriminator = Generator(options, spec.channels), Discriminator(options, spec.channels)
    return Networks(
        nets={"generator": generator, "discriminator": discriminator, **augmenter(options)},
        optimizers={"generator": options.adam_g, "discriminator": options.adam_d},
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    def path_length(step: Step) -> Tensor:
        generator = cast(Generator, step.nets["generator"])
        latents = draw_latents(max(1, len(step.real) // 2), options.latent_dim, step.real)
        with torch.autocast(step.real.device.type, enabled=False):
            styles = generator.styles(latents)
            penalty, mean = path_length_penalty(generator.images(styles), styles, generator.mean_length)
        generator.mean_length.copy_(mean)
        step.report("path_length", mean)
        return penalty * (options.path_weight * options.path_every)

    # Its loss is half of the published one, which Adam does not notice; the penalty beside it is halved too. Reals and
    # fakes are judged apart: the deviation in the batch must be that of one kind.
    players = two_players(options.model_copy(update={"r1_gamma": options.gamma / 2}), joint=False)
    path = Phase("path_length", ("generator",), path_length, every=options.path_every)
    return [*players, *([path] if options.has_path_penalty else [])]


def sample(generator: nn.Module, latents: Tensor, labels: Tensor) -> Tensor:
    images: Tensor = generator(latents)
    return images.clamp(-1, 1)


_AUTO = {
    "latent_dim": 512,
    "learning_rate_g": 0.0025,
    "learning_rate_d": 0.0025,
    "beta1": 0.0,
    "beta2": 0.99,
    "augment": "adaptive",
    "ema_half_life_kimg": 10.0,  # batch * 10 / 32
}
_LIGHT = {**_AUTO, "size": 64, "augment": "none", "ema_half_life_kimg": 0.5}

METHOD = MethodSpec(
    name="style_gan2_ada",
    title="StyleGAN2-ADA (Karras 2020)",
    summary="Styles steer every layer of the generator, and the discriminator sees images changed as much as it needs.",
    good_for="The best quality from about a thousand images, on a GPU within hours; for a quick look choose DCGAN+.",
    source="Karras et al. 2020 (CVPR, StyleGAN2) and Karras et al. 2020 (NeurIPS, ADA), configuration “auto”.",
    cost="heavy",
    options=Options,
    presets={
        "standard": Preset("Standard", "ADA's configuration “auto” at 128 pixels: for a GPU, 1,000 kimg.", _AUTO),
        "quick_look": Preset(
            "Quick look",
            "64 pixels, an eighth of the width, no augmentation: something to look at within minutes on a CPU.",
            {**_LIGHT, "latent_dim": 128, "batch": 8, "width": 0.125},
        ),
        "best": Preset(
            "Best", "256 pixels with the full networks: for a GPU, 1,000 to 5,000 kimg.", {**_AUTO, "size": 256}
        ),
        "small_set": Preset(
            "Small set",
            "For a few hundred images, best begun from an earlier run: augmentation answers five times as fast.",
            {**_AUTO, "augment_speed_kimg": 100.0},
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {**_LIGHT, "latent_dim": 16, "batch": 8, "width": 0.03125},
        ),
    },
    build=build,
    phases=phases,
    sample=sample,
    limits=Limits(recommended_images=1000),
)
