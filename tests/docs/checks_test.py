#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What check_links.py and run_blocks.py refuse: each fault once, in a page made for it. And of docs/site what needs no
Sphinx: the comments that Doxygen gets, and names that the reference lacks."""

import os
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SITE = HERE.parents[1] / "docs/site"
sys.path[:0] = [str(HERE), str(SITE), str(SITE / "doxygen")]

import check_links  # noqa: E402
import comments  # noqa: E402
import complete  # noqa: E402
import run_blocks  # noqa: E402

FENCE = "```"


class Links(unittest.TestCase):
    def fault(self, target):
        return check_links.fault(check_links.TREE / "docs/index.md", target)

    def test_sound_links(self):
        for target in ("formats.md", "formats.md#what-verify-can-promise", "guide/start.md", "../README.md"):
            self.assertIsNone(self.fault(target), target)

    def test_dead_links(self):
        for target in ("gone.md", "formats.md#gone", "../../outside.md", "guide/gone.md#what"):
            self.assertIsNotNone(self.fault(target), target)

    def test_anchors_of_an_included_page(self):
        page = check_links.TREE / "docs/reference/format.md"
        self.assertIsNone(check_links.fault(page, "#10-ancillary-sections"))

    def test_code_holds_no_links(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(f"[a](b.md) `[c](d.md)`\n{FENCE}c\nx[1](e.md)\n{FENCE}\n", encoding="utf-8")
            self.assertEqual(check_links.links_of(page), ["b.md"])


class Blocks(unittest.TestCase):
    def run_page(self, *blocks):
        """Runs a page of (language, code) blocks, or of text."""
        text = "".join(b if isinstance(b, str) else f"{FENCE}{b[0]}\n{b[1]}\n{FENCE}\n" for b in blocks)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "page.md"
            path.write_text(text, encoding="utf-8")
            page = run_blocks.Page(path, pathlib.Path(folder), dict(os.environ), sys.executable)
            page.run()
            return page

    def refuses(self, *blocks):
        with self.assertRaises(run_blocks.Failure):
            self.run_page(*blocks)

    def test_blocks_share_a_folder(self):
        self.run_page(("sh", "echo one >a"), ("sh", "cat a"), ("text", "one"))

    def test_a_command_that_fails(self):
        self.refuses(("sh", "false"))
        self.refuses(("sh", "false | true"))
        self.refuses(("sh", "echo $there_is_no_such_variable"))

    def test_another_output(self):
        self.refuses(("sh", "echo one; echo two"), ("text", "one"))
        self.run_page(("sh", "echo one; echo 17; echo three"), ("text", "one\n...\nthree"))
        self.refuses(("sh", "echo one; echo 17; echo four"), ("text", "one\n...\nthree"))

    def test_a_file_of_a_page(self):
        self.run_page(("c", "/* a.c: a file. */"), ("sh", "cat a.c"), ("text", "/* a.c: a file. */"))
        self.refuses(("c", "int main(void) { return 0; }"))
        self.refuses(("cpp", "int main() {}"))

    def test_python(self):
        self.run_page(("python", "print(1)"), ("text", "1"))
        self.refuses(("python", "raise SystemExit(1)"))

    def test_python_without_a_module(self):
        page = self.run_page(("python", "import os\nimport no_such_module\n"), ("text", "1"))
        self.assertEqual(page.left_out, {"no_such_module": 1})

    def test_not_run(self):
        self.run_page("<!-- not run: it fails -->\n", ("sh", "false"))
        self.refuses("<!-- not run: it has no syntax -->\n", ("sh", "if"))
        self.refuses("<!-- not run: of the block before -->\n", ("sh", "true"), ("sh", "false"))

    def test_a_language_that_nothing_runs(self):
        self.refuses(("bash", "true"))
        self.refuses(("js", "1"))
        self.run_page(("", "a -> b"), ("none", "a -> b"))


class Site(unittest.TestCase):
    def filtered(self, text, name="a.h"):
        lines = text.splitlines()
        converter = comments.Filter(pathlib.Path(name))
        return [converter.line(line, lines[number + 1 :]) for number, line in enumerate(lines)]

    def test_comments_of_declarations(self):
        self.assertEqual(self.filtered("// What it does.\nDCF_API void f(void);")[0], "/// What it does.")
        self.assertEqual(self.filtered("  int a;  // first\n          // and more")[1].strip(), "///< and more")
        self.assertEqual(self.filtered("#define A 1  // one"), ["#define A 1  ///< one"])

    def test_later_declarations_refer_to_the_first(self):
        lines = self.filtered("// Both.\nDCF_API void f(void);\nDCF_API void g(void);\n\nDCF_API void h(void);")
        self.assertEqual(lines[2], "/** See `f`. */ DCF_API void g(void);")
        self.assertEqual(lines[4], "DCF_API void h(void);")

    def test_what_describes_nothing_stays(self):
        self.assertEqual(self.filtered("// A remark.\n\nint a;")[0], "// A remark.")
        self.assertEqual(self.filtered("    f();  // in a body")[0], "    f();  // in a body")

    def test_banners_become_groups(self):
        lines = self.filtered("// ---- One ----\n\nint a;\n\n// ---- Two ----\n")
        self.assertEqual(lines[:2], ["/** @defgroup a_h_0 One", "@{ */"])
        self.assertEqual(lines[4], "/** @} */ /** @defgroup a_h_1 Two")
        with self.assertRaises(SystemExit):
            self.filtered("// ---- One ----\nint a;")

    def test_names_that_the_reference_lacks(self):
        missing = complete.missing_c("")
        for name in ("dcf_file_open_path", "dcf_tensor_info", "dcf_error.rule", "dcf_reader.read_at", "DCF_ERROR_INIT"):
            self.assertIn(name, missing)
            self.assertNotIn(name, complete.missing_c(f'<dt id="c.{name}">'))
        self.assertTrue({"File", "Result", "Layer", "prune", "open_options"} <= set(complete.missing_cpp("")))
        self.assertNotIn("call", complete.missing_cpp(""))


if __name__ == "__main__":
    unittest.main()
