"""The modem's own error numbers: newlib's, which differ from the host's for many names."""

from __future__ import annotations

import errno
from typing import Final

NEWLIB: Final = {
    "EPERM": 1, "ENOENT": 2, "EIO": 5, "ENXIO": 6, "E2BIG": 7, "EBADF": 9, "EAGAIN": 11, "ENOMEM": 12, "EACCES": 13,
    "EFAULT": 14, "EBUSY": 16, "EINVAL": 22, "ENFILE": 23, "EMFILE": 24, "ENOSPC": 28, "EPIPE": 32, "EDOM": 33,
    "ERANGE": 34, "ENOMSG": 35, "ENODATA": 61, "EPROTO": 71, "EBADMSG": 77, "EOPNOTSUPP": 95, "EPFNOSUPPORT": 96,
    "ECONNRESET": 104, "ENOBUFS": 105, "EAFNOSUPPORT": 106, "EPROTOTYPE": 107, "ENOTSOCK": 108,
    "ENOPROTOOPT": 109, "ESHUTDOWN": 110, "ECONNREFUSED": 111, "EADDRINUSE": 112, "ECONNABORTED": 113,
    "ENETUNREACH": 114, "ENETDOWN": 115, "ETIMEDOUT": 116, "EHOSTDOWN": 117, "EHOSTUNREACH": 118,
    "EINPROGRESS": 119, "EALREADY": 120, "EDESTADDRREQ": 121, "EMSGSIZE": 122, "EPROTONOSUPPORT": 123,
    "EADDRNOTAVAIL": 125, "ENETRESET": 126, "EISCONN": 127, "ENOTCONN": 128, "ENOTSUP": 134,
    "EILSEQ": 138, "EOVERFLOW": 139, "ECANCELED": 140,
}  # fmt: skip


def newlib_errno(name: str) -> int:
    """Return newlib's number of the error called ``name``, such as ``ECONNREFUSED``."""
    return NEWLIB[name]


def from_host(code: int) -> int:
    """Return newlib's number of the host's errno ``code``; EIO for one that newlib does not have."""
    return NEWLIB.get(errno.errorcode.get(code, ""), NEWLIB["EIO"])
