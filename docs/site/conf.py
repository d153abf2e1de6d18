# SPDX-License-Identifier: Apache-2.0
"""Configuration of Sphinx for the pages in docs/. docs/site/build.sh runs it."""

import logging
import os
import pathlib
import re
import sys

SITE = pathlib.Path(__file__).resolve().parent
TREE = SITE.parents[1]
sys.path.insert(0, str(SITE))

header = (TREE / "libdcf/include/dcf/version.h").read_text(encoding="utf-8")

project = "DCF"
copyright = "the authors of DCF. Licence: Apache-2.0"
version = release = ".".join(re.findall(r"DCF_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header))
html_title = f"DCF {release}"

extensions = ["myst_parser", "breathe", "tree_links", "header_comment", "python_api"]
root_doc = "index"
exclude_patterns = ["site"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

breathe_projects = {"dcf": os.environ["DCF_DOXYGEN_XML"]}
breathe_default_project = "dcf"
breathe_show_include = False
breathe_domain_by_extension = {"h": "c", "hpp": "cpp"}

smartquotes = False
highlight_language = "none"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False


class SameName(logging.Filter):
    """C allows a function to have the name of an enum; Sphinx's domain of C does not."""

    def filter(self, record):
        return not (
            "Duplicate C declaration" in str(record.msg) and "enum dcf_status_class dcf_status_class" in record.getMessage()
        )


logging.getLogger("sphinx.sphinx.domains.c").addFilter(SameName())
