"""Layers that a style steers: how StyleGAN2 puts a style into every layer of its generator.

Written from Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN" (here: SG2).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.blocks import EqualLinear, PixelNorm, blur

MAPPING_RATE = 0.01  # how fast the mapping learns, beside the other layers
GAIN = 2**0.5  # behind a LeakyReLU it keeps the scale of what comes in


class Mapping(nn.Module):
    """Latents [B, L] -> styles [B, L] float32; keeps the moving mean of the styles for truncation."""

    mean: Tensor  # [L]

    def __init__(self, dim: int, layers: int) -> None:
        super().__init__()
        self.norm = PixelNorm()
        self.layers = nn.ModuleList(EqualLinear(dim, dim, rate=MAPPING_RATE) for _ in range(layers))
        self.register_buffer("mean", torch.zeros(dim))

    def forward(self, latents: Tensor) -> Tensor:
        with torch.autocast(latents.device.type, enabled=False):
            styles = self.norm(latents.float())
            for layer in self.layers:
                styles = F.leaky_relu(layer(styles), 0.2) * GAIN
        return styles


class Modulated(nn.Module):
    """A convolution with a kernel of its own for each image: input channels scaled by its style (SG2, eq. 1).

    [B, I, H, W] and styles [B, L] -> [B, O, H, W]. Instead of B kernels the features are scaled, which is the same and
    faster in training. With `up` the convolution is transposed, of stride 2: sides grow from H to 2H + 1.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, style_dim: int, up: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.style = EqualLinear(style_dim, inputs, start=1.0)
        self.up, self.padding = up, kernel // 2
        self.scale = (inputs * kernel**2) ** -0.5  # the weights are equalised; here their scale goes with the style's

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        return self.convolve(features, self.scales(style))

    def scales(self, style: Tensor) -> Tensor:
        """Factors of the input channels, [B, I] float32."""
        with torch.autocast(style.device.type, enabled=False):
            scales: Tensor = self.style(style) * self.scale
        return scales

    def convolve(self, features: Tensor, scales: Tensor) -> Tensor:
        features = features * scales[..., None, None].to(features.dtype)
        if self.up:
            return F.conv_transpose2d(features, self.weight.transpose(0, 1), stride=2)
        return F.conv2d(features, self.weight, padding=self.padding)


class StyledLayer(Modulated):
    """Modulated convolution 3x3, demodulation, noise, bias, LeakyReLU (SG2, figure 2d); sides double with `up`.

    The noise is drawn anew in training; later it is always the same, so that a latent means one image.
    """

    still: Tensor  # [side, side] the noise of sampling

    def __init__(self, inputs: int, outputs: int, side: int, style_dim: int, up: bool) -> None:
        super().__init__(inputs, outputs, 3, style_dim, up)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_share = nn.Parameter(torch.zeros(()))
        self.register_buffer("still", torch.randn(side, side))

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        scales = self.scales(style)
        evening = self.evening(scales)
        features = self.convolve(features, scales)
        if self.up:
            features = blur(features, grow=-1)
            evening = evening * 4  # three quarters of the raised map were empty
        noise = self.still
        if self.training:
            noise = torch.randn(len(features), 1, *self.still.shape, device=features.device)
        # LeakyReLU lets factors pass, so its gain is multiplied into what is small.
        evening, bias, noise = evening * GAIN, self.bias * GAIN, noise * (self.noise_share * GAIN)
        kind = features.dtype
        features = torch.addcmul(bias[:, None, None].to(kind), features, evening[..., None, None].to(kind))
        return F.leaky_relu_(features.add_(noise.to(kind)), 0.2)

    def evening(self, scales: Tensor) -> Tensor:
        """Demodulation: factors [B, O] that give all outputs the same expected size (SG2, eq. 3)."""
        with torch.autocast(scales.device.type, enabled=False):
            return (scales.square() @ self.weight.square().sum(dim=(2, 3)).T + 1e-8).rsqrt()
