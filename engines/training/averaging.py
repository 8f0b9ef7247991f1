"""Batch normalisation of an averaged generator, whose weights no batch of the training has ever met."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from engines.methods.base import MethodSpec
from engines.training import samples

IMAGES = 256  # statistics are over images and places, so few images tell much
SEED = 0x5E77


def settle_norms(generator: nn.Module, method: MethodSpec, latent_dim: int, classes: int) -> None:
    """Measure the means and variances of the batch norms of an averaged generator with its own images, in place.

    Those of the training belong to other weights, and would cost quality (Izmailov et al. 2018, section 3.2; Wu &
    Johnson 2021, "precise batch norm"). Draws no number from the training; the result depends on the weights alone.
    """
    norms = [module for module in generator.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
    if not norms or method.translates:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    device = next(generator.parameters()).device
    latents = samples.fixed_latents(IMAGES, latent_dim, SEED)
    labels = torch.arange(IMAGES) % classes
    with torch.no_grad():
        for part, wanted in zip(latents.split(samples.BATCH), labels.split(samples.BATCH), strict=True):
            method.sample(generator, part.to(device), wanted.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
