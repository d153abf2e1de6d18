#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""checkpoint.py FOLDER BYTES: a synthetic checkpoint of about so many bytes. bfloat16 weights of a
normal distribution in four shards with an index and a config; fused projections, an embedding that
the head shares, norms that are all ones, and one tensor of a quarter of the whole, to be cut."""

import json
import pathlib
import sys

import numpy as np

SHARDS = 4
PIECE = 1 << 22  # elements that are made at a time


def shapes(total: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape, in an order that fills the shards evenly."""
    width = 1 << max(6, ((total // 512).bit_length() - 1) // 2)
    words = total // 2
    found = {
        "model.embed_tokens.weight": (max(1, words // 16 // width), width),
        "adapter.table.weight": (max(1, words // 4 // width), width),
        "lm_head.weight": (max(1, words // 16 // width), width),
        "model.norm.weight": (width,),
    }
    used = sum(int(np.prod(shape)) for shape in found.values())
    layer = 0
    while used < words:
        prefix = f"model.layers.{layer}."
        for name, shape in (
            ("self_attn.qkv_proj.weight", (3 * width, width)),  # fused
            ("mlp.gate_up_proj.weight", (4 * width, width)),
            ("input_layernorm.weight", (width,)),
        ):
            found[prefix + name] = shape
            used += int(np.prod(shape))
        layer += 1
    return found


def pieces(name: str, shape: tuple[int, ...]):
    """The bytes of a tensor, a piece at a time."""
    elements = int(np.prod(shape))
    if "norm" in name:
        yield np.full(elements, 0x3F80, "<u2").tobytes()
        return
    tied = "model.embed_tokens.weight" if name == "lm_head.weight" else name
    random = np.random.Generator(np.random.SFC64([len(tied), *tied.encode()]))
    # Normal variates are dear: signs and mantissas are drawn for each weight, exponents for few.
    values = random.standard_normal(min(PIECE, elements), dtype=np.float32) * np.float32(0.02)
    exponents = (values.view("<u4") >> 16).astype("<u2") & np.uint16(0x7F80)
    for at in range(0, elements, PIECE):
        count = min(PIECE, elements - at)
        words = np.frombuffer(random.bytes(2 * count), "<u2") & np.uint16(0x807F)
        words |= np.roll(exponents, int(random.integers(len(exponents))))[:count]
        yield words.tobytes()


def main(folder: pathlib.Path, total: int) -> None:
    folder.mkdir(parents=True)
    tensors = shapes(total)
    order = sorted(tensors, key=lambda name: -int(np.prod(tensors[name])))
    shards: list[list[str]] = [[] for _ in range(SHARDS)]
    sizes = [0] * SHARDS
    for name in order:
        shard = sizes.index(min(sizes))
        shards[shard].append(name)
        sizes[shard] += int(np.prod(tensors[name]))
    weight_map = {}
    for number, names in enumerate(shards, 1):
        file_name = f"model-{number:05d}-of-{SHARDS:05d}.safetensors"
        header, at = {"__metadata__": {"format": "pt"}}, 0
        for name in names:
            size = 2 * int(np.prod(tensors[name]))
            header[name] = {
                "dtype": "BF16",
                "shape": tensors[name],
                "data_offsets": [at, at + size],
            }
            weight_map[name] = file_name
            at += size
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(folder / file_name, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in names:
                for piece in pieces(name, tensors[name]):
                    file.write(piece)
    index = {"metadata": {"total_size": 2 * sum(sizes)}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    (folder / "config.json").write_text(
        '{"model_type": "synthetic", "tie_word_embeddings": true}\n'
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(float(sys.argv[2])))
