"""Says in the researcher's words that a training did not fit into memory."""

from __future__ import annotations

import torch

from engines.device import Device, free_memory_bytes
from engines.errors import LabError


def is_out_of_memory(error: BaseException) -> bool:
    """Whether that was a lack of memory; PyTorch's CPU allocator says so only in its message."""
    words = ("can't allocate memory", "not enough memory", "out of memory")
    named = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return named or any(word in str(error).lower() for word in words)


def out_of_memory(error: BaseException, device: Device, batch: int, size: int) -> LabError:
    """What did not fit, what there is, and which batch to try."""
    where = "GPU" if device.kind == "cuda" else "computer"
    free, total = free_memory_bytes(device) / 2**30, device.memory_total_bytes / 2**30
    smaller = f"a batch of {max(batch // 2, 2)}" if batch > 2 else "a smaller image size"
    reason = (str(error).splitlines() or [""])[0][:200]
    return LabError(
        f"The {where} ran out of memory.",
        f"A batch of {batch} images of {size}x{size} did not fit. {reason} "
        f"({free:.1f} of {total:.1f} GB are free now.)",
        f"Start again with {smaller}, or close other programs that use the {where}'s memory. "
        "The checkpoints so far are kept.",
    )
