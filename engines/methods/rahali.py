"""The discriminator that all experiments of Rahali (2025) share."""

from __future__ import annotations

from torch import Tensor, nn


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> {conv of stride 2, LeakyReLU, dropout} blocks -> flatten -> dense -> logit [B].

    The published sigmoid is part of the loss (see blocks.logistic_d_loss). Coarse to fine, smaller images enter at a
    later block, through a first convolution of their own.
    """

    def __init__(
        self, size: int, widths: tuple[int, ...], kernel: int, dropout: float, channels: int, stages: int = 1
    ) -> None:
        super().__init__()
        self.stages, self.current = stages, stages - 1

        def block(inputs: int, outputs: int) -> nn.Sequential:
            convolution = nn.Conv2d(inputs, outputs, kernel, stride=2, padding=1)
            rest = [nn.Dropout(dropout)] if dropout else []
            return nn.Sequential(convolution, nn.LeakyReLU(0.2, inplace=True), *rest)

        pairs = zip((channels, *widths), widths, strict=False)
        self.blocks = nn.Sequential(*(block(before, after) for before, after in pairs))
        # In the order of the stages: the coarsest images enter furthest in.
        self.entries = nn.ModuleList(block(channels, widths[skipped]) for skipped in range(stages - 1, 0, -1))
        self.dense = nn.Linear(widths[-1] * (size // 2 ** len(widths)) ** 2, 1)

    def enter(self, stage: int) -> None:
        """Judge images of this stage from now on."""
        self.current = stage

    def forward(self, images: Tensor) -> Tensor:
        if skipped := self.stages - 1 - self.current:
            features = self.blocks[skipped + 1 :](self.entries[self.current](images))
        else:
            features = self.blocks(images)
        return self.dense(features.flatten(1)).squeeze(1)
