# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with a .dcf file, and where.

Every failure that the library or the dcf program reports is a DcfError. The subclasses are the
classes of dcf/errors.h. Where Python has an exception of its own for a failure (FileNotFoundError,
FileExistsError, KeyError, MemoryError, ...), the DcfError is one of those, too.
"""

from __future__ import annotations

import errno

__all__ = [
    "CallError",
    "Cancelled",
    "CodedDataError",
    "DcfError",
    "DcfWarning",
    "ExistingFileError",
    "FileStructureError",
    "FolderError",
    "ForbiddenFileError",
    "IntegrityError",
    "InternalError",
    "LimitError",
    "MachineError",
    "MissingFileError",
    "ModelError",
    "NoFolderError",
    "OutOfMemoryError",
    "TensorNotFound",
    "UnsupportedError",
    "UsageError",
]


class DcfWarning(UserWarning):
    """What the dcf program warns of, such as accuracy lost by pruning without retraining."""


class DcfError(Exception):
    """A failure of the library or of the dcf program.

    code: the pinned number of dcf/errors.h (40 is ChecksumMismatch); None where only the program
        knows the failure, as for files of other formats.
    name: the name of the code, "ChecksumMismatch"; or of the kind of failure, "InvalidInput".
    rule: id of the broken rule of spec/dcf-format.md, "K-02", or None.
    offset: byte offset in the file of the broken structure, or None.
    tensor: name of the tensor concerned (its index where the name could not be read), or None.
    message: one sentence.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        name: str = "",
        rule: str | None = None,
        offset: int | None = None,
        tensor: str | int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.name = name
        self.rule = rule
        self.offset = offset
        self.tensor = tensor

    def __str__(self) -> str:
        details = [self.name] if self.name else []
        if self.rule:
            details.append(f"rule {self.rule}")
        if self.offset is not None:
            details.append(f"offset {self.offset}")
        if self.tensor is not None:
            details.append(f"tensor {self.tensor!r}")
        message = self.message
        # The library says what failed, and not of which file.
        path = self.filename if isinstance(self, OSError) else None
        if path is not None and not message.startswith(f"{path}: "):
            message = f"{path}: {message}"
        return f"{message} ({', '.join(details)})" if details else message

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions of worker processes travel by pickle, which knows positional arguments only.
        state = self.__dict__.copy()
        if isinstance(self, OSError):  # which keeps these elsewhere
            state.update(errno=self.errno, filename=self.filename)
        return (_restore, (type(self), state))


def _restore(cls: type[DcfError], state: dict[str, object]) -> DcfError:
    error = cls.__new__(cls, state["message"])
    for name, value in state.items():
        setattr(error, name, value)
    error.args = (state["message"],)
    return error


class CallError(DcfError, ValueError):
    """An argument or an order of calls is wrong."""


class UsageError(CallError):
    """The dcf program does not take this option or value."""


class TensorNotFound(CallError, KeyError):
    """No tensor or metadata key has this name."""

    # KeyError would show the repr of the message.
    __str__ = DcfError.__str__


class Cancelled(CallError):
    """A progress callback asked to stop."""


class ModelError(DcfError, ValueError):
    """An input is no sound model: malformed or damaged."""


class FileStructureError(ModelError):
    """Not a .dcf file, or its structure breaks a rule of the format."""


class CodedDataError(ModelError):
    """The coded data of a tensor break a rule of the format."""


class IntegrityError(ModelError):
    """A checksum differs: the file is damaged."""


class UnsupportedError(DcfError):
    """A sound file or operation that this version cannot serve."""


class LimitError(DcfError):
    """A limit of the caller was exceeded."""


class MachineError(DcfError, OSError):
    """Memory, or input and output, of the machine failed. errno is that of the system, and filename
    the path, where they are known; else None."""

    __str__ = DcfError.__str__


class MissingFileError(MachineError, FileNotFoundError):
    """The file does not exist."""

    __str__ = DcfError.__str__


class ExistingFileError(MachineError, FileExistsError):
    """The output exists already."""

    __str__ = DcfError.__str__


class ForbiddenFileError(MachineError, PermissionError):
    """The system does not permit this use of the file."""

    __str__ = DcfError.__str__


class FolderError(MachineError, IsADirectoryError):
    """A folder is where a file is to be."""

    __str__ = DcfError.__str__


class NoFolderError(MachineError, NotADirectoryError):
    """A part of the path is no folder."""

    __str__ = DcfError.__str__


class OutOfMemoryError(DcfError, MemoryError):
    """The machine is out of memory."""

    __str__ = DcfError.__str__


class InternalError(DcfError):
    """A defect of the library: please report it."""


# enum dcf_status_class
_BY_CLASS: dict[int, type[DcfError]] = {
    1: CallError,
    2: FileStructureError,
    3: CodedDataError,
    4: IntegrityError,
    5: UnsupportedError,
    6: LimitError,
    7: MachineError,
    8: InternalError,
}
_BY_NAME: dict[str, type[DcfError]] = {
    "NotFound": TensorNotFound,
    "Cancelled": Cancelled,
    "OutOfMemory": OutOfMemoryError,
    "FileExists": ExistingFileError,
    # Only the program has these.
    "Usage": UsageError,
    "InvalidInput": ModelError,
    "ScoreDropped": ModelError,
    "TooLarge": ModelError,
    "Failed": DcfError,
}


# Those of Python's own exceptions for an errno that a failure here may have.
_BY_ERRNO: dict[int, type[DcfError]] = {
    errno.ENOENT: MissingFileError,
    errno.EEXIST: ExistingFileError,
    errno.EACCES: ForbiddenFileError,
    errno.EPERM: ForbiddenFileError,
    errno.EISDIR: FolderError,
    errno.ENOTDIR: NoFolderError,
}


def error_from_status(
    *,
    code: int | None,
    name: str,
    kind: int,
    rule: str | None,
    offset: int | None,
    tensor: str | int | None,
    message: str,
    system_error: int | None,
) -> DcfError:
    """The exception for a status of dcf/errors.h; `kind` is its dcf_status_class, `system_error` the
    errno of a failed call of the system."""
    cls = _BY_NAME.get(name) or _BY_CLASS.get(kind, DcfError)
    if system_error and cls in (MachineError, DcfError):
        cls = _BY_ERRNO.get(system_error, MachineError)
    error = cls(message, code=code, name=name, rule=rule, offset=offset, tensor=tensor)
    if isinstance(error, OSError):
        error.errno = system_error or None
    return error


def missing_file(path: str) -> DcfError:
    """The exception for a file that is not there."""
    error = MissingFileError(f"{path}: there is no such file", code=80, name="IoOpen")
    error.errno, error.filename = errno.ENOENT, path
    return error
