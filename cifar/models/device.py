"""Name and fast data types of the device that computes."""

import logging
import platform
from functools import cache
from pathlib import Path

import torch


@cache
def fastest_device() -> str:
    """Return "cuda" if there is an NVIDIA GPU, else "cpu".

    The log says once that an Apple GPU is not used.
    """
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        logging.getLogger(__name__).warning(
            "The CPU computes: whether Apple's GPU (MPS) gives the same answers was never measured."
        )
    return "cpu"


def describe(device: torch.device) -> str:
    """Return the GPU's name, or the processor's name and the number of threads in use."""
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
    """Return whether the device multiplies bfloat16 matrices much faster than float32 ones.

    GPUs do, and processors with AMX. Other processors convert back and forth, which is slower.
    """
    # PyTorch versions without this function have no fast bfloat16 on processors either.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cuda" or capabilities.get("amx_bf16", False)
