#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""complete.py HTML: fails, naming them, where public names of the headers have no entry in the built reference."""

import pathlib
import re
import sys

HEADERS = pathlib.Path(__file__).resolve().parents[2] / "libdcf/include/dcf"


def text_of(pattern):
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(HEADERS.glob(pattern)))


def missing_c(page):
    text = text_of("*.h")
    names = re.findall(r"DCF_API [^;(]*?\b(dcf_\w+)\(", text)
    names += re.findall(r"^typedef (?:struct|enum) (dcf_\w+)", text, re.M)
    names += re.findall(r"^#define (DCF_\w+_INIT|DCF_NO_\w+|DCF_MAX_\w+|DCF_OK)\b", text, re.M)
    for struct, body in re.findall(r"^typedef struct (dcf_\w+) \{\n(.*?)^\}", text, re.M | re.S):
        for line in re.sub(r"//.*|\(\*(\w+)\).*", r"\1;", body).splitlines():
            names += [f"{struct}.{field}" for field in re.findall(r"\b(\w+)(?:\[\w+\])?(?=[,;])", line)]
    return [name for name in sorted(set(names)) if f'id="c.{name}"' not in page]


def missing_cpp(page):
    """Classes and the functions beside them; members come with their class."""
    text = re.sub(r"^namespace detail \{$.*?^\}  // namespace detail$", "", text_of("hpp/*.hpp"), flags=re.M | re.S)
    names = re.findall(r"^(?:class|struct) (?:\[\[nodiscard\]\] )?(\w+)[^;]*$", text, re.M)
    names += re.findall(r"^inline [^=;({]*?\b(\w+)\(", text, re.M)
    return [name for name in sorted(set(names)) if f'<span class="pre">{name}</span></span></span>' not in page]


def main():
    reference = pathlib.Path(sys.argv[1]) / "reference"
    missing = missing_c((reference / "c.html").read_text(encoding="utf-8"))
    missing += missing_cpp((reference / "cpp.html").read_text(encoding="utf-8"))
    if missing:
        sys.exit(f"no entry in the reference: {', '.join(missing)}")


if __name__ == "__main__":
    main()
