# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/, on small data. Left out where PyTorch, or transformers, is not
installed."""

from __future__ import annotations

import gzip
import pathlib
import re
import struct
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dcf_codec.torch import load_file, plain_state_dict, prune_, save_model  # noqa: E402

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"


def run(program: str, *arguments: str | pathlib.Path, folder: pathlib.Path) -> str:
    command = [sys.executable, str(EXAMPLES / program), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_digits(folder: pathlib.Path, part: str, count: int, rng: np.random.Generator) -> None:
    """Squares in ten places, in noise."""
    labels = rng.integers(0, 10, count, np.uint8)
    images = rng.integers(0, 60, (count, 28, 28), np.uint8)
    for image, label in zip(images, labels):
        row, column = 14 * (label // 5), 5 * (label % 5)
        image[row + 4 : row + 9, column + 1 : column + 5] += 190
    header = struct.pack(">4i", 2051, count, 28, 28)
    (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
    packed = gzip.compress(struct.pack(">2i", 2049, count) + labels.tobytes())
    (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(packed)


def test_compress_mnist(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    program = EXAMPLES / "compress_mnist.py"
    assert len(program.read_text().splitlines()) < 60
    for part, count in (("train", 1500), ("t10k", 400)):
        write_digits(tmp_path, part, count, rng)
    output = run(program.name, tmp_path, "2", folder=tmp_path)
    errors = [float(value) for value in re.findall(r"test error ([0-9.]+) %", output)]
    assert len(errors) == 5 and errors[-1] == errors[-2] <= errors[0] + 1
    ratio = re.search(r"([0-9.]+) times fewer", output)
    assert ratio is not None and float(ratio[1]) > 30
    weight = load_file(tmp_path / "lenet.dcf")["0.weight"]
    assert int((weight == 0).sum()) > 0.89 * weight.numel() and len(torch.unique(weight)) <= 33


@pytest.fixture
def encoder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder of a BERT of random weights."""
    transformers = pytest.importorskip("transformers")
    words = "[PAD] [UNK] [CLS] [SEP] [MASK] a cat the on in sun roof . rates rose again".split()
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    transformers.BertModel(config).save_pretrained(tmp_path, safe_serialization=True)
    return tmp_path


def test_sentence_encoder(encoder: pathlib.Path) -> None:
    output = run("sentence_encoder.py", encoder, folder=encoder)
    assert re.search(r"lossless: \d+ bytes, the same outputs, least cosine 1\.0000", output)
    assert re.search(r"8 bits: \d+ bytes, other outputs, least cosine 0\.99", output)


def test_calibrate_encoder(encoder: pathlib.Path) -> None:
    words = "a cat the on in sun roof . rates rose again".split()
    rng = np.random.default_rng(3)
    sentences = [" ".join(rng.choice(words, 12)) + ".\n" for _ in range(400)]
    (encoder / "text.md").write_text("".join(sentences))
    output = run("calibrate_encoder.py", encoder, encoder / "text.md", folder=encoder)
    lost = {
        (quality, kind): float(value)
        for quality, kind, value in re.findall(r"(\w+), ([^:]+): \d+ bytes, (\S+)", output)
    }
    kinds = ("no data", "noise", "256 sentences")
    assert lost.keys() == {(q, kind) for q in ("balanced", "small") for kind in kinds}
    # Of random weights, whose inputs are much alike, little is to be gained.
    assert lost["small", "256 sentences"] < 1.02 * lost["small", "no data"] < 0.1


def test_from_pretrained(encoder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = prune_(transformers.BertModel.from_pretrained(encoder).eval(), 0.5)
    save_model(model, tmp_path / "m.dcf")
    tokens = torch.tensor([[2, 5, 6, 3]])
    with torch.no_grad():
        expected = model(tokens).last_hidden_state
        for state in (load_file(tmp_path / "m.dcf"), plain_state_dict(model)):
            again = transformers.BertModel.from_pretrained(
                None, config=model.config, state_dict=state
            )
            assert torch.equal(again.eval()(tokens).last_hidden_state, expected)
