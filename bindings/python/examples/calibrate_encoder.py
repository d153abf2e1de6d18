# SPDX-License-Identifier: Apache-2.0
"""Rounds a sentence encoder with and without 256 sentences, and prints what its outputs lost.

usage: calibrate_encoder.py FOLDER TEXT...    FOLDER as for sentence_encoder.py; TEXT has 320 sentences
"""

import pathlib
import re
import sys
import tempfile

import torch
import transformers
from sentence_encoder import encode, load

import dcf_codec

CALIBRATION, HELD_OUT = 256, 64


def read_sentences(paths):
    text = " ".join(path.read_text() for path in paths)
    found = [s.strip() for s in re.split(r"(?<=[.!?])\s+", text) if 20 < len(s) < 300]
    wanted = CALIBRATION + HELD_OUT
    return found[:: max(1, len(found) // wanted)][:wanted]


def main(folder, texts):
    transformers.logging.set_verbosity_error()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder)
    # One sentence at a time: padding would count like words.
    inputs = [dict(tokenizer(s, return_tensors="pt")) for s in read_sentences(texts)]
    measured = inputs[:: len(inputs) // HELD_OUT]
    others = [one for i, one in enumerate(inputs) if i % (len(inputs) // HELD_OUT)]
    before = torch.cat([encode(model, one) for one in measured])
    stats = dcf_codec.collect_stats(model, others, progress=True)
    noise = dcf_codec.collect_stats(model, count=len(others), progress=True)
    kinds = {"no data": None, "noise": noise, f"{len(others)} sentences": stats}
    path = folder / "model.safetensors"
    print(f"{path.stat().st_size} bytes; 1 - cosine of {len(measured)} other sentences:")
    with tempfile.TemporaryDirectory() as work:
        small = pathlib.Path(work) / "encoder.dcf"
        for quality in ("balanced", "small"):
            for name, calibration in kinds.items():
                dcf_codec.compress(
                    path, small, quality=quality, calibration=calibration, force=True, quiet=True
                )
                restored = load(folder, small)
                after = torch.cat([encode(restored, one) for one in measured])
                lost = (1 - (before * after).sum(1)).mean()
                print(f"{quality}, {name}: {small.stat().st_size} bytes, {lost:.3g}", flush=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), [pathlib.Path(text) for text in sys.argv[2:]])
