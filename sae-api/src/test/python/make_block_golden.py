#!/usr/bin/env python3
"""Writes the reference values of BlocksTest: random blocks of every type, and what the gguf package makes of them.

    python make_block_golden.py ../resources/org/sae4j/api/blocks      needs numpy and gguf (0.19 was used)

Every byte is random, scales too (NaN and infinite scales are replaced), so each bit of a block matters. For each type NAME.blocks has the
blocks and NAME.values their values as little-endian float32."""
import sys
from pathlib import Path
import numpy as np
import gguf
from gguf import GGMLQuantizationType as T

# Where halves lie in a block.
SCALES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2],
          T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0], T.F16: [0], T.BF16: []}

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(1)
for kind, scales in SCALES.items():
    values, size = gguf.GGML_QUANT_SIZES[kind]
    count = max(1, 1024 // values)
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for at in scales:
        half = blocks[:, at:at + 2].copy().view("<u2")
        half[half & 0x7C00 == 0x7C00] ^= 0x4000
        blocks[:, at:at + 2] = half.view(np.uint8)
    if kind == T.BF16:
        bits = blocks.view("<u2")
        bits[bits & 0x7F80 == 0x7F80] ^= 0x4000
    blocks[0, :] = np.where(np.isin(np.arange(size), [i for at in scales for i in (at, at + 1)]), blocks[0], 0)
    found = gguf.quants.dequantize(blocks.reshape(-1), kind).astype("<f4")
    (folder / f"{kind.name}.blocks").write_bytes(blocks.tobytes())
    (folder / f"{kind.name}.values").write_bytes(found.tobytes())
    print(kind.name, found.size, np.isfinite(found).all())
