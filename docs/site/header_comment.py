# SPDX-License-Identifier: Apache-2.0
"""The directive header-comment: text of a public header that belongs to no declaration.

    ```{header-comment} dcf.h              the comment that the header begins with, from its second paragraph on
    ```{header-comment} dcf.h Decoding     the comment below the banner of that title
"""

import pathlib
import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

HEADERS = pathlib.Path(__file__).resolve().parents[2] / "libdcf/include/dcf"


def comment_at(lines):
    """The // lines that `lines` begins with, without the slashes."""
    text = []
    for line in lines:
        if not line.startswith("//"):
            return text
        text.append(line[3:])
    return text


def escape(line):
    """A line of plain text for Markdown."""
    return re.sub(r"([\\`*_<>\[\]#])", r"\\\1", line)


class HeaderComment(SphinxDirective):
    required_arguments = 1
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        path = HEADERS / self.arguments[0]
        self.env.note_dependency(str(path))
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(self.arguments) > 1:
            banner = re.compile(rf"// -+ {re.escape(self.arguments[1])} -+$")
            start = next((i for i, line in enumerate(lines) if banner.match(line)), None)
            text = comment_at(lines[start + 2 :]) if start is not None else []
        else:
            text = comment_at(lines[2:])
        if not text:
            raise self.error(f"{path.name} has no such comment: {' '.join(self.arguments)}")
        container = nodes.container()
        self.state.nested_parse(StringList([escape(line) for line in text], source=path.name), 0, container)
        return container.children


def setup(app):
    app.add_directive("header-comment", HeaderComment)
    return {"parallel_read_safe": True}
