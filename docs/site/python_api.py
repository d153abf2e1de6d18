# SPDX-License-Identifier: Apache-2.0
"""The directive python-module: the public names of a module of bindings/python, from its source.

    ```{python-module} dcf_codec.numpy
    ```

The source is parsed, never imported: the site needs neither NumPy nor the library. Names are those of __all__, in that
order; one that the module imports from another of the package is shown as this module's. A docstring is plain text: a
line that begins with a name and a colon describes a parameter, what is indented is code.
"""

import ast
import pathlib
import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "bindings/python/src"
PARAMETER = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*): (.*)$")


def path_of(module):
    """The source of a module or package; None where there is none."""
    base = SOURCES / module.replace(".", "/")
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.exists():
            return path
    return None


def escape(line):
    """A line of plain text for Markdown. Backticks keep their meaning."""
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_<>\[\]#|])", r"\\\1", part) for part in parts)


def markdown(docstring):
    """Lines of a docstring for Markdown. Its first paragraph is a sentence and no parameter."""
    lines, in_list, first = [], False, True
    for line in docstring.splitlines():
        first = first and bool(line)
        parameter = None if first else PARAMETER.match(line)
        if parameter:
            if not in_list and lines and lines[-1]:
                lines.append("")
            lines.append(f"- `{parameter.group(1)}`: {escape(parameter.group(2))}")
            in_list = True
        elif in_list and line.startswith("    "):
            lines.append("  " + escape(line.strip()))
        elif line.startswith("    "):
            lines.append(line)
        elif in_list and line and not lines[-1].endswith("."):
            lines.append("  " + escape(line))
        else:
            if in_list and line:
                lines.append("")
            in_list = False
            lines.append(escape(line))
    return lines


class Module:
    """The parsed source of a module."""

    def __init__(self, name):
        path = path_of(name)
        if path is None:
            raise LookupError(f"there is no module {name}")
        self.name, self.path = name, path
        self.tree = ast.parse(path.read_text(encoding="utf-8"))

    def public(self):
        """The names of __all__."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and any(getattr(t, "id", None) == "__all__" for t in node.targets):
                return ast.literal_eval(node.value)
        raise LookupError(f"{self.name} has no __all__")

    def find(self, name):
        """The definition of a name, here or where it is imported from; None for what is neither class nor function."""
        for node in self.tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
                return node
            if isinstance(node, ast.ImportFrom) and node.level:
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return self.imported(node).find(alias.name)
        return None

    def imported(self, node):
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        for _ in range(node.level - 1):
            package = package.rpartition(".")[0]
        return Module(f"{package}.{node.module}" if node.module else package)


def signature(function, skip_self):
    arguments = function.args
    if skip_self and arguments.args and arguments.args[0].arg in ("self", "cls"):
        arguments.args = arguments.args[1:]
    for argument in [*arguments.args, *arguments.kwonlyargs, *arguments.posonlyargs]:
        argument.annotation = None
    for argument in (arguments.vararg, arguments.kwarg):
        if argument:
            argument.annotation = None
    return f"({ast.unparse(arguments)})"


def is_property(function):
    return any(ast.unparse(decorator) == "property" for decorator in function.decorator_list)


def directive(kind, head, body, colons):
    fence = ":" * colons
    return [f"{fence}{{py:{kind}}} {head}", "", *body, "", fence, ""]


def methods(cls):
    lines = []
    for node in cls.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or not ast.get_docstring(node):
            continue
        body = markdown(ast.get_docstring(node))
        if is_property(node):
            lines += directive("property", node.name, body, 4)
        else:
            lines += directive("method", node.name + signature(node, True), body, 4)
    return lines


def describe(name, node):
    docstring = ast.get_docstring(node) or ""
    if isinstance(node, ast.FunctionDef):
        return directive("function", name + signature(node, False), markdown(docstring), 5)
    makers = [m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"]
    bases = {ast.unparse(base) for base in node.bases}
    head = name + (signature(makers[0], True) if makers else "")
    kind = "exception" if any(b.endswith(("Error", "Exception", "Warning")) for b in bases) else "class"
    body = markdown(docstring)
    if kind == "exception" and bases:
        body += ["", "Also " + ", ".join(f"`{ast.unparse(base)}`" for base in node.bases) + "."]
    return directive(kind, head, body + [""] + methods(node), 5)


class PythonModule(SphinxDirective):
    required_arguments = 1

    def run(self):
        try:
            module = Module(self.arguments[0])
            names = module.public()
        except LookupError as error:
            raise self.error(str(error)) from None
        lines = [f":::{{py:module}} {module.name}", ":::", "", *markdown(ast.get_docstring(module.tree, clean=False) or ""), ""]
        for name in names:
            node = module.find(name)
            if node is not None:
                lines += describe(name, node)
        self.env.note_dependency(str(module.path))
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source=str(module.path)), 0, container)
        return container.children


def setup(app):
    app.add_directive("python-module", PythonModule)
    return {"parallel_read_safe": True}
