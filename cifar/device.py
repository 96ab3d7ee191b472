"""What the numbers were measured on."""

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
    return f"{processor} CPU, {torch.get_num_threads()} threads"
