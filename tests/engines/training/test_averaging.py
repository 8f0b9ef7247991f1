"""Norms of an averaged generator: measured on its own images, without touching the training's random numbers."""

from __future__ import annotations

import torch
from torch import nn

from engines.methods.dcgan_plus import METHOD
from engines.training import samples
from engines.training.averaging import IMAGES, SEED, settle_norms


class Normed(nn.Module):
    """Latents through a fixed matrix and one batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.drop(self.norm(self.dense(latents)))


def test_norms_have_the_statistics_of_the_networks_own_images() -> None:
    generator = Normed().eval()
    generator.norm.running_mean.fill_(7.0)  # as of other weights
    state = torch.get_rng_state()
    settle_norms(generator, METHOD, 4, 1)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in generator.modules()) and generator.norm.momentum == 0.1
    with torch.no_grad():
        given = generator.dense(samples.fixed_latents(IMAGES, 4, SEED))
    assert torch.allclose(generator.norm.running_mean, given.mean(0), atol=1e-5)
    # The mean of the variances within batches, which lacks what lies between them.
    assert torch.allclose(generator.norm.running_var, given.var(0), rtol=0.2)


def test_the_result_depends_on_the_weights_alone() -> None:
    generator = Normed().eval()
    settle_norms(generator, METHOD, 4, 1)
    first = generator.norm.running_var.clone()
    generator(torch.randn(5, 4))
    settle_norms(generator, METHOD, 4, 1)
    assert torch.equal(generator.norm.running_var, first)
