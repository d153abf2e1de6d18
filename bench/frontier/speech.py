# SPDX-License-Identifier: Apache-2.0
"""Sound like speech from a seed, and its log-mel spectrum as Whisper takes it.

A syllable is a consonant of noise, then a vowel: pulses of a falling pitch through three formants.
Syllables make words, and there are pauses between phrases.
"""

from __future__ import annotations

import numpy as np

RATE = 16000
VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240),
          (660, 1720, 2410), (440, 1020, 2240), (490, 1350, 1690))  # fmt: skip
# Formants in Hz: Peterson and Barney, Control methods used in a study of the vowels, 1952, table II.
WINDOW, HOP, MELS = 400, 160, 80


def _shaped(source: np.ndarray, peaks: list[tuple[float, float]]) -> np.ndarray:
    """Through resonances (Hz, width in Hz) side by side, of rms 1."""
    frequency = np.fft.rfftfreq(source.size, 1 / RATE)
    response = sum(width**2 / ((frequency - peak) ** 2 + width**2) for peak, width in peaks)
    shaped = np.fft.irfft(np.fft.rfft(source) * response, source.size)
    return shaped / np.sqrt(np.mean(shaped**2) + 1e-12)


def _vowel(rng: np.random.Generator, seconds: float, pitch: float) -> np.ndarray:
    n = int(seconds * RATE)
    falling = pitch * np.linspace(1.05, 0.9, n) * (1 + 0.01 * rng.standard_normal())
    phase = np.cumsum(falling) / RATE
    pulses = np.diff(np.floor(phase), prepend=0) + 0.02 * rng.standard_normal(n)
    first, second, third = VOWELS[rng.integers(len(VOWELS))] * rng.uniform(0.9, 1.15, 3)
    sound = _shaped(pulses, [(pitch, 150), (first, 80), (second, 100), (third, 160)])
    return sound * np.sin(np.linspace(0, np.pi, n)) ** 0.5


def _consonant(rng: np.random.Generator, seconds: float) -> np.ndarray:
    n = int(seconds * RATE)
    noise = _shaped(rng.standard_normal(n), [(rng.uniform(1500, 6000), rng.uniform(500, 1500))])
    return 0.3 * noise * np.hanning(n)


def speech(seed: int, seconds: float) -> np.ndarray:
    """f32 samples within -1 and 1 at RATE."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    parts: list[np.ndarray] = []
    pitch, length = rng.uniform(90, 220), 0
    while length < n:
        for _ in range(rng.integers(2, 9)):
            parts += [_consonant(rng, rng.uniform(0.03, 0.12))]
            parts += [_vowel(rng, rng.uniform(0.08, 0.25), pitch * rng.uniform(0.85, 1.2))]
        parts += [np.zeros(int(rng.uniform(0.1, 0.9) * RATE))]
        length = sum(part.size for part in parts)
    sound = np.concatenate(parts)[:n] + 0.003 * rng.standard_normal(n)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def _mel_filters() -> np.ndarray:
    """Triangles of area 1, evenly spaced on Slaney's scale (Auditory Toolbox, 1998): linear up to 1 kHz."""
    step = np.log(6.4) / 27

    def hertz(mel: np.ndarray) -> np.ndarray:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(step * (mel - 15)))

    highest = 15 + np.log(RATE / 2 / 1000) / step
    edges = hertz(np.linspace(0, highest, MELS + 2))
    frequency = np.fft.rfftfreq(WINDOW, 1 / RATE)
    low, middle, high = (edges[i : MELS + i, None] for i in range(3))
    rising, falling = (frequency - low) / (middle - low), (high - frequency) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """[MELS, frames], as Radford et al. (Robust speech recognition via large-scale weak supervision, 2022)
    compute it: a frame each HOP samples, log10 of the power, 8 below the greatest at least, then scaled."""
    padded = np.pad(samples, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: samples.size : HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    logs = np.log10(np.maximum(_mel_filters() @ power.T, 1e-10))
    return ((np.maximum(logs, logs.max() - 8) + 4) / 4).astype(np.float32)
