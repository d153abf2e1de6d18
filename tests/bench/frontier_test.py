#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bench/frontier computes itself: quantisers, operations of networks, the plots and the figures between points."""

import pathlib
import struct
import sys
import unittest
import xml.etree.ElementTree as ElementTree

try:
    import numpy as np
except ImportError:
    print("left out: NumPy is not installed")
    sys.exit(0)

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path[:0] = [str(BENCH / "frontier"), str(BENCH), str(BENCH / "lossless")]

import coders  # noqa: E402
import esrgan  # noqa: E402
import frontier  # noqa: E402
import minilm  # noqa: E402
import plot  # noqa: E402
import silero  # noqa: E402
import speech  # noqa: E402
import tfjs_graph  # noqa: E402
import use_lite  # noqa: E402
import whisper  # noqa: E402


def normal(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


class Quantisers(unittest.TestCase):
    def test_int8_is_half_a_step_off_at_most_and_reaches_127_in_each_channel(self):
        w = normal(6, 50) * np.array([[1], [10], [0], [1e-30], [6e-40], [1e30]], np.float32)
        for axis, weights in ((0, w), (1, w.T)):
            codes, scale = coders.int8_channel(weights, axis)
            self.assertEqual(codes.dtype, np.int8)
            alive = [0, 1, 3, 5]  # not the channel of zeros, nor that of subnormals
            np.testing.assert_array_equal(np.abs(codes).max(axis=1 - axis)[alive], 127)
            self.assertTrue(np.isfinite(codes * scale).all())
            off = np.abs(codes * scale - weights).max(axis=1 - axis) / np.maximum(scale.ravel(), 1e-35)
            self.assertLessEqual(off[alive].max(), 0.5001)

    def test_q8_0_has_34_bytes_a_block_of_the_layout_of_ggml(self):
        w = np.arange(-20, 20, dtype=np.float32)  # a block, and eight values of another
        data, values = coders.q8_0(w)
        self.assertEqual(len(data), 2 * 34)
        scale, *codes = struct.unpack("<e32b", data[:34])
        self.assertAlmostEqual(scale, 20 / 127, delta=1e-4)
        np.testing.assert_allclose(np.array(codes) * scale, values[:32], rtol=1e-6)
        np.testing.assert_allclose(values, w, atol=20 / 127)

    def test_q4_0_has_18_bytes_a_block_low_halves_first(self):
        w = np.array([-8, 7] + [k % 8 for k in range(30)], np.float32)  # the greatest magnitude is negative
        data, values = coders.q4_0(w)
        self.assertEqual(len(data), 18)
        scale, *nibbles = struct.unpack("<e16B", data)
        self.assertEqual(scale, 1)
        np.testing.assert_array_equal([n & 15 for n in nibbles], w[:16] + 8)
        np.testing.assert_array_equal([n >> 4 for n in nibbles], w[16:] + 8)
        np.testing.assert_array_equal(values, w)

    def test_blocks_of_zeros_stay_zeros(self):
        for quantise in (coders.q8_0, coders.q4_0):
            np.testing.assert_array_equal(quantise(np.zeros((2, 32), np.float32))[1], 0)

    def test_small_and_one_dimensional_tensors_are_kept(self):
        tensors = [coders.tensor("bias", normal(600)), coders.tensor("small", normal(4, 4)),
                   coders.tensor("kernel", normal(64, 32))]  # fmt: skip
        coded = coders.coded_blocks(tensors, lambda name, shape: 1, coders.q8_0)
        before = coders.arrays(tensors)
        for name in ("bias", "small"):
            np.testing.assert_array_equal(coded.values[name], before[name])
        np.testing.assert_allclose(coded.values["kernel"], before["kernel"], atol=0.03)
        self.assertGreater(coded.size, 600 * 4 + 16 * 4 + 64 * 34)


class Operations(unittest.TestCase):
    def test_convolutions_are_the_sums_that_define_them(self):
        x, kernel, bias = normal(5, 4, 2), normal(3, 3, 2, 3), normal(3)
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        expected = np.array([[np.einsum("abi,abio->o", padded[i : i + 3, j : j + 3], kernel) for j in range(4)]
                             for i in range(5)])  # fmt: skip
        np.testing.assert_allclose(esrgan.convolved(x, kernel, bias), expected + bias, rtol=1e-4)

        x, kernel = normal(6, 2), normal(3, 2, 3)
        padded = np.pad(x, ((1, 1), (0, 0)))
        expected = np.array([np.einsum("ti,oit->o", padded[i : i + 3], kernel) for i in (0, 2, 4)])
        np.testing.assert_allclose(whisper.convolved(x, kernel, bias, 2), expected + bias, rtol=1e-4)

    def test_depth_becomes_space(self):
        x = np.arange(8, dtype=np.float32).reshape(1, 1, 8)
        np.testing.assert_array_equal(esrgan.depth_to_space(x, 2)[..., 0], [[0, 2], [4, 6]])

    def test_masks_of_slices(self):
        node = tfjs_graph.Node({"name": "s", "op": "StridedSlice",
                                "attr": {"shrink_axis_mask": {"i": "2"}, "begin_mask": {"i": "1"}}})  # fmt: skip
        x = normal(4, 3)
        np.testing.assert_array_equal(tfjs_graph.strided_slice(node, x, [9, 1], [2, 2], [1, 1]), x[:2, 1])

    def test_scattering_adds_and_gathering_takes_back(self):
        indices, updates = np.array([[0, 1], [2, 0], [0, 1]]), np.array([1.0, 2.0, 4.0], np.float32)
        dense = tfjs_graph.scatter_nd(indices, updates, np.array([3, 2]))
        np.testing.assert_array_equal(dense, [[0, 5], [0, 0], [2, 0]])
        taken = tfjs_graph.OPERATIONS["GatherNd"](None, dense, indices)
        np.testing.assert_array_equal(taken, [5, 2, 5])

    def test_a_graph_runs_in_order_and_names_what_it_does_not_know(self):
        nodes = [{"name": "two", "op": "Const"}, {"name": "x", "op": "Placeholder"},
                 {"name": "parts", "op": "SplitV", "input": ["x", "sizes", "zero"]},
                 {"name": "y", "op": "Mul", "input": ["parts:1", "two"]}]  # fmt: skip
        values = {"two": np.float32(2), "x": np.arange(3), "sizes": np.array([1, 2]), "zero": np.array(0)}
        np.testing.assert_array_equal(tfjs_graph.run([tfjs_graph.Node(n) for n in nodes], values), [2, 4])
        unknown = [tfjs_graph.Node({"name": "z", "op": "Fft", "input": ["x"]})]
        with self.assertRaisesRegex(ValueError, "z: an operation Fft"):
            tfjs_graph.run(unknown, values)

    def test_pieces_of_the_greatest_sum(self):
        specials = [[f"<{i}>", 0] for i in range(6)]
        pieces = use_lite.Pieces([*specials, ["\u2581a", -1.0], ["b", -1.0], ["\u2581ab", -1.5], ["c", None]])
        self.assertEqual(pieces("ab"), [8])
        self.assertEqual(pieces("a?b"), [6, 7])

    def test_sounds_and_pictures_are_of_their_seed(self):
        sound = speech.speech(3, 1.0)
        self.assertEqual((sound.size, sound.dtype), (speech.RATE, np.float32))
        np.testing.assert_array_equal(sound, speech.speech(3, 1.0))
        self.assertFalse(np.array_equal(sound, speech.speech(4, 1.0)))
        self.assertEqual(speech.log_mel(sound).shape, (speech.MELS, 100))
        self.assertTrue(0 <= esrgan.picture(2).min() and esrgan.picture(2).max() <= 1)

    def test_a_tone_is_loudest_in_the_mel_band_around_it(self):
        tone = np.sin(2 * np.pi * 1000 * np.arange(speech.RATE) / speech.RATE)
        self.assertEqual(speech.log_mel(tone).mean(1).argmax(), 26)  # 1 kHz is mel 15; band k is at (k + 1) 45.25 / 81


class Plots(unittest.TestCase):
    SERIES = [plot.Series("a & b", [(6.0, 1e-3, "one"), (5.0, 1e-2, "two <")]), plot.Series("c", [(8.0, 1e-4, "c")])]

    def test_plots_are_well_formed_and_inside_their_box(self):
        for logarithmic in (True, False):
            tree = ElementTree.fromstring(plot.svg(self.SERIES, "x", "y < z", logarithmic))
            circles = [e for e in tree.iter() if e.tag == "circle"]
            self.assertEqual(len(circles), 3)
            for circle in circles:
                self.assertTrue(plot.LEFT <= float(circle.get("cx")) <= plot.WIDTH - plot.RIGHT)
                self.assertTrue(plot.TOP <= float(circle.get("cy")) <= plot.HEIGHT - plot.BOTTOM)

    def test_a_single_point_has_a_plot_and_none_has_not(self):
        self.assertIn("<circle", plot.svg([plot.Series("a", [(1.0, 1.0, "p")])], "x", "y", True))
        with self.assertRaises(ValueError):
            plot.svg([plot.Series("a", [])], "x", "y", True)

    def test_names_are_escaped_and_nothing_runs(self):
        text = plot.page("a < b", [plot.table(["<h>"], [["<script>"]]), plot.legend(self.SERIES)])
        self.assertIn("&lt;script&gt;", text)
        self.assertIn("a &amp; b", text)
        self.assertNotIn("<script", text)

    def test_steps(self):
        np.testing.assert_allclose(plot.rounded_steps(0.9, 2.1, 6), [1.0, 1.2, 1.4, 1.6, 1.8, 2.0])
        np.testing.assert_allclose(plot.powers_of_ten(5e-4, 2e-1), [1e-3, 1e-2, 1e-1])


class Coders(unittest.TestCase):
    def test_each_has_settings_and_all_models_say_what_they_measure(self):
        found = [name for name, _, _ in frontier.settings("dcf", whisper, [])]
        self.assertEqual(list(dict.fromkeys(found)), list(frontier.CODERS))
        for module in (whisper, esrgan, use_lite, minilm, silero):
            self.assertTrue(module.TITLE and module.FETCHED and module.ERROR and module.TARGETS)
            self.assertIn(module.channel_axis("kernel", (3, 3, 4, 5)), (0, 3))


class Between(unittest.TestCase):
    def test_the_logarithm_of_the_error_is_straight(self):
        points = [frontier.Point("a", "", 0, 8.0, 1e-4), frontier.Point("a", "", 0, 4.0, 1e-2)]
        self.assertEqual(frontier.bits_at(points, 1e-3), "6.00")

    def test_beyond_the_points(self):
        points = [frontier.Point("a", "", 0, 8.0, 1e-4), frontier.Point("a", "", 0, 4.0, 1e-2)]
        self.assertEqual(frontier.bits_at(points, 1e-5), "> 8.00")
        self.assertEqual(frontier.bits_at(points, 1e-1), "< 4.00")

    def test_decibels_are_straight(self):
        points = [frontier.Point("a", "", 0, 4.0, 40), frontier.Point("a", "", 0, 8.0, 60)]
        self.assertEqual(frontier.bits_at(points, 45, decibels=True), "5.00")
        self.assertEqual(frontier.bits_at(points, 30, decibels=True), "< 4.00")


if __name__ == "__main__":
    unittest.main()
