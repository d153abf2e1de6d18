# SPDX-License-Identifier: Apache-2.0
"""A sentence encoder from a .dcf file in transformers: the same outputs as from its own file.

usage: sentence_encoder.py FOLDER      with config.json, model.safetensors and the tokenizer's files
"""

import pathlib
import sys
import tempfile

import torch
import transformers

import dcf_codec
from dcf_codec.torch import load_file

SENTENCES = [
    "A cat sleeps on the warm roof.",
    "The kitten naps in the sun.",
    "Interest rates rose again in autumn.",
]


def encode(model, tokens):
    """Mean of the tokens' vectors, as all-MiniLM-L6-v2 and its kin have it, of length 1."""
    with torch.no_grad():
        vectors = model.eval()(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    return torch.nn.functional.normalize((vectors * mask).sum(1) / mask.sum(1))


def load(folder, path):
    """The model with the weights of a .dcf file; of the folder only the configuration is read."""
    config = transformers.AutoConfig.from_pretrained(folder)
    model = getattr(transformers, config.architectures[0])
    return model.from_pretrained(None, config=config, state_dict=load_file(path))


def main(folder):
    transformers.logging.set_verbosity_error()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokens = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    original = encode(transformers.AutoModel.from_pretrained(folder), tokens)
    with tempfile.TemporaryDirectory() as work:
        for name, options in {"lossless": {}, "8 bits": {"bits": 8}}.items():
            path = pathlib.Path(work) / "encoder.dcf"
            dcf_codec.compress(
                folder / "model.safetensors", path, force=True, quiet=True, **options
            )
            outputs = encode(load(folder, path), tokens)
            same = "the same outputs" if torch.equal(outputs, original) else "other outputs"
            alike = (outputs * original).sum(1).min()
            print(f"{name}: {path.stat().st_size} bytes, {same}, least cosine {alike:.5f}")
    dense = (folder / "model.safetensors").stat().st_size
    cat, kitten, rates = outputs
    print(
        f"safetensors: {dense} bytes; cat and kitten {cat @ kitten:.2f}, cat and rates {cat @ rates:.2f}"
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
