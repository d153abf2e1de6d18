# SPDX-License-Identifier: Apache-2.0
"""compress, decompress, inspect, verify, compare: the dcf program as functions."""

from __future__ import annotations

import errno
import os
import pathlib
import stat
import subprocess

import numpy as np
import pytest
import safetensors.numpy

import dcf_codec
from dcf_codec import DcfWarning
from dcf_codec._library import program_path
from dcf_codec.errors import DcfError, LimitError, ModelError, UsageError


@pytest.fixture
def model(tmp_path: pathlib.Path, weights: dict) -> pathlib.Path:
    path = tmp_path / "model.safetensors"
    safetensors.numpy.save_file(weights, path)
    return path


def test_there_and_back(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    small, back = tmp_path / "m.dcf", tmp_path / "back.safetensors"
    report = dcf_codec.compress(model, small)
    assert report["output"] == str(small)
    assert dcf_codec.verify(small)["ok"]
    assert dcf_codec.verify(model)["ok"]
    assert dcf_codec.decompress(small, back)["same_sha256"]
    assert back.read_bytes() == model.read_bytes()
    assert dcf_codec.compare(model, small)["ok"]
    assert len(dcf_codec.inspect(small)["tensors"]) == 5


def test_every_option_is_a_keyword(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "m.dcf"
    with pytest.warns(DcfWarning, match="retraining"):
        dcf_codec.compress(
            model,
            out,
            bits=3,
            sparsity=0.5,
            init="density",
            threads=1,
            max_memory="512M",
            exact_file=False,
            lossless=None,
        )
    with pytest.raises(DcfError, match="does not keep"):
        dcf_codec.decompress(out, tmp_path / "back.onnx")
    assert not dcf_codec.compare(model, out)["ok"]
    assert dcf_codec.compare(model, out, bounds=True)["ok"]
    with pytest.raises(FileExistsError):
        dcf_codec.compress(model, out)
    dcf_codec.compress(model, out, force=True, lossless=True)
    recipe = {"rules": [{"match": "fc3.weight", "bits": 2}]}
    with pytest.warns(DcfWarning):
        dcf_codec.compress(model, out, force=True, recipe=recipe)
    assert dcf_codec.safe_open(out).info("fc3.weight").codebook_size <= 4


def test_quality(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "m.dcf"
    report = dcf_codec.compress(model, out, quality="balanced")
    assert report["loss"]["worst"]["sqnr_db"] > 30
    assert dcf_codec.compare(model, out, bounds=True)["ok"]
    larger = out.stat().st_size
    dcf_codec.compress(model, out, force=True, max_size=larger - 100)
    assert out.stat().st_size <= larger - 100


def test_calibration(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    """Inputs that go together: what their layer makes of them changes less; by a dict as by a file."""
    weight = rng.standard_normal((64, 96)).astype(np.float32)
    inputs = rng.standard_normal((500, 6)) @ rng.standard_normal((6, 96))
    inputs += 0.1 * rng.standard_normal(inputs.shape)
    statistics = {"w.moments": (inputs.T @ inputs / 500).astype(np.float32)}
    model, path = tmp_path / "m.safetensors", tmp_path / "stats.safetensors"
    safetensors.numpy.save_file({"w": weight}, model)
    statistics_file = {"__metadata__": {"dcf.calibration": "1"}, **statistics}
    safetensors.numpy.save_file(statistics, path, statistics_file["__metadata__"])
    lost, files = [], []
    for calibration in (None, statistics_file, path):
        out = tmp_path / "m.dcf"
        dcf_codec.compress(model, out, quality="small", calibration=calibration, force=True)
        assert dcf_codec.compare(model, out, bounds=True)["ok"]
        change = inputs @ (dcf_codec.safe_open(out).get_tensor("w") - weight).T
        lost.append(float(np.square(change).mean()))
        files.append(out.read_bytes())
    assert files[1] == files[2] and lost[1] < 0.5 * lost[0]
    with pytest.raises(DcfError, match="5x5"):
        wrong = {**statistics_file, "w.moments": np.eye(5, dtype=np.float32)}
        dcf_codec.compress(model, out, quality="small", calibration=wrong, force=True)


def test_false_is_an_option_left_out(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    dcf_codec.compress(model, tmp_path / "m.dcf", force=False, lossless=False, exact_file=True)
    assert 5 in dcf_codec.safe_open(tmp_path / "m.dcf").file.sections()


def test_a_list_repeats_an_option(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a program of tomorrow: its new options are keywords, and a value may begin with '-'."""
    program = tmp_path / "dcf"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = help ]; then echo "  --tag TEXT ... A new option"; echo "  -o,--output OUT"; exit; fi\n'
        'printf \'{"words": "\'; printf "<%s>" "$@"; printf \'"}\'\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("DCF_CODEC_PROGRAM", str(program))
    report = dcf_codec.compress("-in", "out", tag=["a", "-b"])
    assert report["words"] == "<compress><--json><--output=out><--tag=a><--tag=-b><--><-in>"


def test_a_dict_of_arrays_is_a_file(
    model: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of safetensors, while the program runs."""
    program, seen = tmp_path / "dcf", tmp_path / "seen.safetensors"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = help ]; then echo "  --calibration FILE"; echo "  -o,--output OUT"; exit; fi\n'
        f'for word; do case $word in --calibration=*) cp "${{word#*=}}" {seen} ;; esac; done\n'
        "printf '{}'\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("DCF_CODEC_PROGRAM", str(program))
    arrays = {
        "a.moments": np.eye(3, dtype=np.float32),
        "a.sensitivity": np.float64(0.5),
        "b.mean": np.arange(6).reshape(2, 3)[:, ::2],
    }
    statistics = {**arrays, "__metadata__": {"dcf.calibration": "1"}}
    dcf_codec.compress(model, tmp_path / "m.dcf", calibration=statistics)
    with safetensors.safe_open(seen, "np") as file:
        assert file.metadata() == {"dcf.calibration": "1"}
        assert all(np.array_equal(file.get_tensor(name), arrays[name]) for name in arrays)
        assert file.get_tensor("b.mean").dtype == np.float32
    with pytest.raises(TypeError, match="'a'"):
        dcf_codec.compress(model, tmp_path / "m.dcf", calibration={"a": "text"})


def test_what_a_recipe_is(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "m.dcf"
    rules = [{"match": "fc3.weight", "bits": np.int64(2), "sparsity": np.float32(0.5)}]
    with pytest.warns(DcfWarning):
        dcf_codec.compress(model, out, recipe={"rules": rules})
    assert dcf_codec.safe_open(out).info("fc3.weight").codebook_size <= 4
    for wrong in (rules, 3, np.zeros(2)):
        kind = type(wrong).__name__
        with pytest.raises(TypeError, match=f"^recipe is a dict or a path, not a {kind}$"):
            dcf_codec.compress(model, out, recipe=wrong, force=True)
    with pytest.raises(TypeError, match="^calibration is a dict or a path"):
        dcf_codec.compress(model, out, calibration=[np.zeros(2)], force=True)
    with pytest.raises(TypeError, match="^recipe holds a ndarray"):
        dcf_codec.compress(model, out, recipe={"rules": np.zeros(2)}, force=True)
    dcf_codec.compress(model, out, recipe=None, calibration=False, force=True)


def test_what_is_wrong_is_an_exception(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "m.dcf"
    with pytest.raises(TypeError, match="no option 'colour'"):
        dcf_codec.compress(model, out, colour=3)
    with pytest.raises(TypeError, match="'output' is no keyword"):
        dcf_codec.compress(model, out, output=out)
    with pytest.raises(UsageError, match="bits") as caught:
        dcf_codec.compress(model, out, bits=11)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(ValueError):
        dcf_codec.compress("-", out)
    for verb in (dcf_codec.verify, dcf_codec.inspect):
        with pytest.raises(FileNotFoundError):
            verb(tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError) as missing:
        dcf_codec.compress(tmp_path / "none.safetensors", out)
    assert missing.value.filename == str(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      rest")
    with pytest.raises(ModelError):
        dcf_codec.compress(tmp_path / "bad.safetensors", out)
    dcf_codec.compress(model, out)
    data = bytearray(out.read_bytes())
    data[200] ^= 1
    out.write_bytes(data)
    with pytest.raises(ModelError) as damaged:
        dcf_codec.verify(out)
    assert damaged.value.name == "ChecksumMismatch" and damaged.value.offset is not None


def test_messages_are_in_words_of_python(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A dict is no file, and an option is a keyword."""
    out = tmp_path / "m.dcf"
    with pytest.raises(ModelError) as wrong:
        dcf_codec.compress(model, out, recipe={"rules": [{"match": "fc1", "bits": 11}]})
    assert wrong.value.message == "the recipe: rule 1: 'bits' is not from 0 to 8"
    statistics = {
        "__metadata__": {"dcf.calibration": "1"},
        "fc3.weight.moments": np.eye(80, dtype=np.float32),
        "none.moments": np.eye(3, dtype=np.float32),
    }
    with pytest.warns(
        DcfWarning, match="'none.moments' of the calibration is of no tensor"
    ) as told:
        report = dcf_codec.compress(model, out, quality="small", calibration=statistics)
    assert str(told[0].message) in report["warnings"]
    with pytest.raises(FileExistsError, match=r"exists already \(force=True replaces it\)"):
        dcf_codec.compress(model, out)
    with pytest.raises(FileExistsError, match=r"exists already \(force=True replaces it\)"):
        dcf_codec.decompress(out, tmp_path)  # which holds the original already
    with pytest.raises(LimitError, match="max_memory allows 200000; give .*max_memory='"):
        dcf_codec.compress(model, out, max_memory=200_000, force=True)


def test_an_option_without_its_value_takes_no_other(
    model: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    out = tmp_path / "m.dcf"
    with pytest.raises(ValueError, match="^--bits: 'true' is not in the range 1 to 8"):
        dcf_codec.compress(model, out, bits=True, force=True)
    with pytest.raises(ValueError, match="^--output: the value is empty"):
        dcf_codec.compress(model, "", quality="small")
    with pytest.raises(ValueError, match="^--recipe: the value is empty"):
        dcf_codec.compress(model, out, recipe="", force=True)
    assert not out.exists()


def test_progress(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    steps: list[tuple[int, int]] = []
    dcf_codec.compress(model, tmp_path / "m.dcf", progress=lambda *step: steps.append(step))
    assert steps[0][0] == 0
    assert max(done for done, _ in steps) == max(total for _, total in steps)
    assert dcf_codec.verify(tmp_path / "m.dcf", progress=True)["ok"]  # a bar of tqdm


def test_without_tqdm_there_is_no_bar(
    model: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    assert dcf_codec.compress(model, tmp_path / "m.dcf", progress=True)["output"]


def test_the_program_is_found_and_runs() -> None:
    out = subprocess.run([program_path(), "--version"], capture_output=True, text=True, check=True)
    assert out.stdout == f"dcf {dcf_codec.__version__}\n"
    assert os.access(program_path(), os.X_OK)


def test_a_program_that_dies_is_an_exception(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dcf"
    program.write_text('#!/bin/sh\n[ "$1" = help ] && exit\nkill -9 $$\n')
    program.chmod(0o755)
    monkeypatch.setenv("DCF_CODEC_PROGRAM", str(program))
    with pytest.raises(DcfError, match="-9"):
        dcf_codec.inspect(program)
    monkeypatch.setenv("DCF_CODEC_PROGRAM", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError):
        dcf_codec.inspect(tmp_path / "m.dcf")


def test_arrays_survive(model: pathlib.Path, tmp_path: pathlib.Path, weights: dict) -> None:
    dcf_codec.compress(model, tmp_path / "m.dcf")
    dcf_codec.decompress(tmp_path / "m.dcf", tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as back:
        assert all(np.array_equal(back[name], weights[name]) for name in weights)


def test_failures_of_the_system(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    small = tmp_path / "m.dcf"
    dcf_codec.compress(model, small)
    with pytest.raises(FileExistsError) as exists:
        dcf_codec.compress(model, small)
    assert exists.value.errno == errno.EEXIST
    with pytest.raises(NotADirectoryError) as below:
        dcf_codec.compress(model, small / "x.dcf")
    assert below.value.errno == errno.ENOTDIR
    with pytest.raises(FileNotFoundError) as missing:
        dcf_codec.compress(model, tmp_path / "none" / "x.dcf")
    assert missing.value.errno == errno.ENOENT
    with pytest.raises(ModelError):
        dcf_codec.verify(pathlib.Path(__file__))
