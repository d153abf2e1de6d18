# SPDX-License-Identifier: Apache-2.0
"""Names of pages in backticks, such as `docs/formats.md` or `spec/dcf-format.md`, become links to the page.

The pages are read in the tree, too, where a name in backticks is all that is needed.
"""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

# Files of the tree that a page of the site shows.
SHOWN = {"spec/dcf-format.md": "reference/format", "spec/manifest.capnp": "reference/format"}


class TreeLinks(SphinxTransform):
    default_priority = 400

    def apply(self):
        for literal in list(self.document.findall(nodes.literal)):
            page = self.page(literal.astext())
            if page and page != self.env.docname and not isinstance(literal.parent, (nodes.reference, pending_xref)):
                self.link(literal, page)

    def page(self, name):
        if name in SHOWN:
            return SHOWN[name]
        if name.startswith("docs/") and name.endswith(".md") and name[5:-3] in self.env.found_docs:
            return name[5:-3]
        return None

    def link(self, literal, page):
        reference = pending_xref(
            "", refdomain="std", reftype="doc", reftarget="/" + page, refdoc=self.env.docname,
            refexplicit=True, refwarn=True,
        )
        literal.replace_self(reference)
        reference += literal


def setup(app):
    app.add_transform(TreeLinks)
    return {"parallel_read_safe": True}
