"""A color profile with given primaries, as small as the format allows (ICC.1:2010)."""

import struct

# Columns of red, green and blue in XYZ, adapted to D50.
DISPLAY_P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))
D50 = (0.9642, 1.0, 0.8249)


def profile(primaries=DISPLAY_P3, gamma=2.2):
    """The content of a profile of a display."""
    tags = {}
    for letter, column in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags |= {letter + b"XYZ": xyz(column), letter + b"TRC": curve(gamma)}
    return written(b"mntr", b"RGB ", tags)


def gray_profile(gamma):
    """The content of a profile of shades of gray."""
    return written(b"mntr", b"GRAY", {b"kTRC": curve(gamma)})


def xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in values))


def curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * gamma)) + b"\0\0"


def written(device, colors, tags):
    text = b"text\0\0\0\0none\0\0\0\0"
    named = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"none\0" + bytes(78) + b"\0"
    tags = {b"desc": named, b"cprt": text, b"wtpt": xyz(D50)} | tags
    table, content = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(content), len(data))
        content += padded
    size = start + len(content)
    header = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x02100000, device, colors, b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">3i", *(round(65536 * value) for value in D50))
    return header + bytes(128 - len(header)) + table + content
