"""The device that computes: its name, and what it is fast at."""

import platform
from pathlib import Path

import torch


def describe(device: torch.device) -> str:
    """The device in words: the GPU's name, or the processor and how many threads are used."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    threads = torch.get_num_threads()
    return f"{processor} CPU, {threads} thread{'s' if threads != 1 else ''}"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices much faster than float32 ones.

    GPUs do, and processors with AMX. Other processors convert back and forth, and lose by it.
    """
    # A PyTorch that is too old to tell is too old to be quick with them.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cuda" or capabilities.get("amx_bf16", False)
