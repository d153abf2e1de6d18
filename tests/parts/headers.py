#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""headers.py FOLDER: the headers of a checkpoint of 70 billion weights, 1,000 tensors of bfloat16 in
30 shards, whose data are holes: for plans, which read headers only."""

import json
import pathlib
import sys

LAYERS, SHARDS, HIDDEN = 83, 30, 8192


def shapes() -> dict[str, list[int]]:
    found = {"model.embed_tokens.weight": [128256, HIDDEN], "lm_head.weight": [128256, HIDDEN]}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name, rows, cols in (
            ("self_attn.q_proj", HIDDEN, HIDDEN),
            ("self_attn.k_proj", 1024, HIDDEN),
            ("self_attn.v_proj", 1024, HIDDEN),
            ("self_attn.o_proj", HIDDEN, HIDDEN),
            ("mlp.gate_proj", 28672, HIDDEN),
            ("mlp.up_proj", 28672, HIDDEN),
            ("mlp.down_proj", HIDDEN, 28672),
        ):
            found[f"{prefix}{name}.weight"] = [rows, cols]
        for name in ("input_layernorm", "post_attention_layernorm", "q_norm", "k_norm", "scale"):
            found[f"{prefix}{name}.weight"] = [HIDDEN]
    found["model.norm.weight"] = [HIDDEN]
    found["model.bias"] = [HIDDEN]
    return found


def main(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True)
    tensors = list(shapes().items())
    weight_map = {}
    for number in range(SHARDS):
        names = tensors[len(tensors) * number // SHARDS : len(tensors) * (number + 1) // SHARDS]
        file_name = f"model-{number + 1:05d}-of-{SHARDS:05d}.safetensors"
        header, at = {}, 0
        for name, shape in names:
            size = 2
            for dim in shape:
                size *= dim
            header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
            weight_map[name] = file_name
            at += size
        text = json.dumps(header).encode()
        with open(folder / file_name, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + at)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
