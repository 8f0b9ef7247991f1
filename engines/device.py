"""The device that computes: which one, how much memory, and what it is good at."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import psutil
import torch


@dataclass(frozen=True)
class Device:
    """What a training needs to know about its machine; `bf16` says that the hardware has such units."""

    kind: Literal["cpu", "cuda"]
    name: str
    memory_total_bytes: int
    bf16: bool
    cores: int

    @property
    def torch(self) -> torch.device:
        return torch.device(self.kind)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware (AVX512-BF16 or AMX); emulated, it would only be slower."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return psutil.cpu_count(logical=False) or os.cpu_count() or 1


def find(wish: Literal["auto", "cpu", "cuda"] = "auto") -> Device:
    """The device to compute on: a CUDA GPU where there is one, unless the processor is wished for."""
    if wish != "cpu" and torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return Device("cuda", properties.name, properties.total_memory, native, cores())
    name = str(torch.cpu.get_capabilities().get("cpu_name") or platform.processor() or platform.machine())
    return Device("cpu", name, psutil.virtual_memory().total, cpu_has_bf16(), cores())


def free_memory_bytes(device: Device) -> int:
    """Memory that a training could still take."""
    if device.kind == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def used_memory_bytes(device: Device) -> int:
    """Most memory that this process has held on the GPU; on a processor, what the process holds now."""
    if device.kind == "cuda":
        return int(torch.cuda.max_memory_reserved())
    return int(psutil.Process().memory_info().rss)


@contextmanager
def numerics(device: Device, exact: bool, threads: int) -> Iterator[None]:
    """Set the process's arithmetic for a training, and put it back afterwards.

    Exact: deterministic algorithms, no choice of kernels by timing, no TF32. Otherwise whatever is fastest. (The switch
    is set at its source: torch.use_deterministic_algorithms also imports the compiler, which takes seconds.)
    """
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.benchmark,
        torch.get_float32_matmul_precision(),
        torch.backends.cudnn.allow_tf32,
    )
    if exact and device.kind == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch._C._set_deterministic_algorithms(exact)
    torch.backends.cudnn.benchmark = not exact
    torch.set_float32_matmul_precision("highest" if exact else "high")
    torch.backends.cudnn.allow_tf32 = not exact
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch._C._set_deterministic_algorithms(before[1])
        torch.backends.cudnn.benchmark = before[2]
        torch.set_float32_matmul_precision(before[3])
        torch.backends.cudnn.allow_tf32 = before[4]
