#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""comments.py HEADER: a public header with its comments as Doxygen wants them, on standard output.

The headers keep plain comments. Doxygen runs this filter on each (INPUT_FILTER), which changes

  - a block of // lines that stands before a declaration into /// lines,
  - a // comment behind a declaration, and the // lines that continue it, into ///<,
  - a banner // ---- Title ---- into a group of that title, named HEADER_N, which the pages show one by one,
  - what a C header without banners has, or a C++ header in the namespace dcf, into a group named HEADER; without the
    namespace detail,
  - the list of status codes into the enumerators that the preprocessor makes of it.

A comment stands for all declarations that follow it without an empty line between. The later ones get a
reference to the first, so that none is left without a text. Lines keep their numbers: Doxygen's
messages name those of the header.
"""

import pathlib
import re
import sys

BANNER = re.compile(r"\s*// -{3,} (.+?) -{3,}$")
CONTINUED = re.compile(r"(\s*)// ?(.*)$")
# Declarations stand in the first two columns, or in a class; what is farther in is the body of a function.
COMMENT = re.compile(r"( {0,2})// ?(.*)$")
TRAILING = re.compile(r"( {0,2}\S.*[;,{]|#define \S.*\S)\s+// ?(.*)$")
NAMESPACE = re.compile(r"(namespace (dcf|detail) \{|\}  // namespace (dcf|detail))$")
FUNCTION = re.compile(r"(?:DCF_API|inline) [^=;]*?\b(\w+)\(")
GUARD = re.compile(r"#define \w+_H_$")
STATUS = re.compile(r"  X\((\w+), *(\w+), *(\d+), *(\w+), *\"(.*)\"\)")
SKIPPED = re.compile(r"// (?:clang-format|SPDX)|.*// (?:NOLINT|extern)")


def escape(text):
    """Text of a comment for Doxygen: verbatim, but for words that it would read as commands or tags."""
    text = re.sub(r"([\\@<>#%&])", r"\\\1", text)
    return re.sub(r"\|([^|]+)\|", r"\|\1\|", text)


def statuses(header):
    """Enumerators of dcf_status, on one line, from the list in errors.h."""
    text = (header.parent / "errors.h").read_text(encoding="utf-8")
    return " ".join(
        f"DCF_STATUS_{constant} = {number}, /**< {number}: {escape(sentence)} */"
        for _, constant, number, _, sentence in STATUS.findall(text)
    )


class Filter:
    def __init__(self, header):
        self.header = header
        self.groups = 0
        self.first = None  # the function that the comment above stands for
        self.documented = False  # whether the line before belongs to a comment or what it describes
        self.trailing = False  # whether the line before ends in a comment that may go on
        self.opening = False  # whether the line before begins a group
        self.name = header.name.replace(".", "_")

    def group(self, title):
        """The banner's line, and the end of the group before; the empty line that follows is its second."""
        end = "/** @} */ " if self.groups else ""
        self.opening = True
        self.groups += 1
        return f"{end}/** @defgroup {self.name}_{self.groups - 1} {title}"

    def namespace(self, line):
        """A line that begins or ends a namespace."""
        if line == "namespace dcf {":
            self.opening = True
            return f"{line} /** @defgroup {self.name} {self.header.name}"
        return {
            "}  // namespace dcf": "/** @} */ }",
            "namespace detail {": "/** @cond */ namespace detail {",
            "}  // namespace detail": "} /** @endcond */",
        }[line]

    def whole(self, lines):
        """Lets the first two lines, its licence and what it is, begin a group for all of a header."""
        self.groups = 1
        return [f"/** @defgroup {self.name} {self.header.name}", "@{ */", *lines[2:]]

    def line(self, line, following):
        if self.opening:
            if line:
                sys.exit(f"{self.header}: an empty line must follow a banner, not {line!r}")
            self.opening = False
            return "@{ */"
        if GUARD.match(line):
            return ""
        if NAMESPACE.match(line):
            return self.namespace(line)
        banner = BANNER.match(line)
        if banner:
            self.first, self.documented = None, False
            return self.group(banner.group(1))
        if self.groups and line.startswith("#endif") and line.endswith("_H_"):
            return "/** @} */ \n" + line
        if "DCF_STATUS_LIST(DCF_DEFINE_STATUS)" in line:
            return statuses(self.header)
        if not line.strip():
            self.first, self.documented, self.trailing = None, False, False
            return line
        if SKIPPED.match(line):
            return line
        continued = CONTINUED.match(line)
        if continued and self.trailing:
            return f"{continued.group(1)}///< {escape(continued.group(2))}"
        comment = COMMENT.match(line)
        if comment:
            if not self.documented and not self.describes(following):
                return line
            self.documented = True
            self.first = None
            return f"{comment.group(1)}/// {escape(comment.group(2))}"
        return self.declaration(line)

    def describes(self, following):
        """Whether a comment is followed by code, not by an empty line."""
        for line in following:
            if not COMMENT.match(line):
                return bool(line.strip()) and not line.startswith(("#if", "#endif"))
        return False

    def declaration(self, line):
        prefix = ""
        function = FUNCTION.match(line)
        if function:
            if self.documented and self.first is None:
                self.first = function.group(1)
            elif self.first is not None and "//" not in line:
                prefix = f"/** See `{self.first}`. */ "
        trailing = TRAILING.match(line)
        self.trailing = trailing is not None
        if trailing:
            return f"{prefix}{trailing.group(1)}  ///< {escape(trailing.group(2))}"
        return prefix + line


def main():
    header = pathlib.Path(sys.argv[1])
    lines = header.read_text(encoding="utf-8").splitlines()
    converter = Filter(header)
    if header.suffix == ".h" and not any(BANNER.match(line) for line in lines):
        lines = converter.whole(lines)
    for number, line in enumerate(lines):
        print(converter.line(line, lines[number + 1 :]))


if __name__ == "__main__":
    main()
