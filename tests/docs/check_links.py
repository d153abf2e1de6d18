#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_links.py: fails where a Markdown page of the tree links to a file or a heading that is not there.

  --external   instead prints every link that leaves the tree, with its page
  --fetch      with --external, asks for each of them and fails where one is not there; needs a network
  PAGE...      these pages instead of all pages of the tree
"""

import argparse
import pathlib
import re
import subprocess
import sys
import unicodedata
import urllib.error
import urllib.request

TREE = pathlib.Path(__file__).resolve().parents[2]
CODE = re.compile(r"^(```+).*?^\1$|``.+?``|`[^`\n]+`", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)?)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.M)
FENCED = re.compile(r"^(```+)[^\n]*\n.*?^\1$", re.M | re.S)


def pages_of_tree():
    listed = subprocess.run(
        ["git", "-C", str(TREE), "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        capture_output=True, text=True, check=False,
    )
    if listed.returncode == 0:
        return [TREE / name for name in listed.stdout.splitlines() if (TREE / name).exists()]
    return [page for page in TREE.rglob("*.md") if "build" not in page.relative_to(TREE).parts]


def links_of(page):
    """Targets of the links of a page, outside of code."""
    return LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))


def slug(heading):
    """The anchor of a heading, as GitHub and MyST make it."""
    text = re.sub(r"[`*]", "", unicodedata.normalize("NFC", heading)).lower()
    return re.sub(r" ", "-", re.sub(r"[^\w\- ]", "", text))


def anchors_of(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = HEADING.findall(text)
    # A page that includes another shows its headings.
    for name in re.findall(r"^```\{include\} (\S+)", page.read_text(encoding="utf-8"), re.M):
        headings += HEADING.findall(FENCED.sub("", (page.parent / name).read_text(encoding="utf-8")))
    return {slug(heading) for heading in headings}


def is_external(target):
    return re.match(r"[a-z][a-z0-9+.-]*:", target) is not None


def fault(page, target):
    """Why a link inside the tree leads nowhere, or None."""
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    if not file.is_relative_to(TREE):
        return "leaves the tree"
    if not file.exists():
        return "is not there"
    if anchor and (file.suffix != ".md" or anchor not in anchors_of(file)):
        return f"has no heading {anchor}"
    return None


def answers(url):
    request = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status < 400
    except urllib.error.URLError:
        return False


def external(pages, fetch):
    failed = False
    for page in pages:
        for target in filter(is_external, links_of(page)):
            found = answers(target) if fetch else True
            failed = failed or not found
            print(f"{page.relative_to(TREE)}: {target}{'' if found else ' does not answer'}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--external", action="store_true")
    parser.add_argument("--fetch", action="store_true")
    parser.add_argument("pages", nargs="*", type=lambda name: pathlib.Path(name).resolve())
    options = parser.parse_args()
    pages = options.pages or pages_of_tree()
    if options.external:
        return external(pages, options.fetch)
    failed = False
    for page in pages:
        for target in links_of(page):
            reason = None if is_external(target) else fault(page, target)
            if reason:
                print(f"{page.relative_to(TREE)}: {target} {reason}", file=sys.stderr)
                failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
