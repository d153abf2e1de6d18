# SPDX-License-Identifier: Apache-2.0
"""Objects that own a handle of the library, which no second object may own."""

from __future__ import annotations

from typing import Any, NoReturn


class Uncopied:
    """copy, deepcopy and pickle of it are TypeErrors that say what to do instead."""

    _instead = "open the path again"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        # copy and pickle all come here; two objects with one handle would both free it.
        name = type(self).__name__
        raise TypeError(f"a {name} cannot be copied or pickled: {self._instead}")
