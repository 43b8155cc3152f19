"""The account that PostgreSQL runs under when this process is root, because PostgreSQL refuses to be root.

That account (`nobody`, or whoever owns the data already) must reach the binaries and the data. Where a parent folder is
closed to it, such as /root with its mode 0700, no permission is changed: the server gets the one capability to look
past permissions, and keeps everything else that is not root.
"""

import ctypes
import os
import pwd
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from resources.errors import OperatorRequired

# linux/capability.h and linux/prctl.h
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP = 28, 1 << 2
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2

# Reading past permissions is enough and comes first; containers often leave root with the other one only.
_ATTEMPTS = (None, _DAC_READ_SEARCH, _DAC_OVERRIDE) if sys.platform == "linux" else (None,)


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    capability: int | None = None

    def assume(self) -> None:
        """Become this account for good; for the moment between fork and exec.

        Raises:
            OSError: the system does not let this process do so.
        """
        if self.capability is not None:
            # Capabilities then outlive the change of user; without it access(2), which initdb asks, ignores them too.
            _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
        os.setgroups([])
        os.setregid(self.gid, self.gid)
        os.setreuid(self.uid, self.uid)
        if self.capability is not None:
            mask = 1 << self.capability
            header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
            # effective, permitted, inheritable; then the same for the capabilities above 31
            _checked(ctypes.CDLL(None, use_errno=True).capset(header, struct.pack("6I", mask, mask, mask, 0, 0, 0)))
            _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, self.capability)  # ambient: survives exec


def choose(binary: Path, data: Path) -> Account | None:
    """The account that can run `binary` on `data`, whose parent folder exists; None where this process's own serves.

    Raises:
        OperatorRequired: root cannot lend any account the way to these folders.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat() if data.exists() else None
    nobody = pwd.getpwnam("nobody")
    uid, gid = (owner.st_uid, owner.st_gid) if owner and owner.st_uid else (nobody.pw_uid, nobody.pw_gid)
    for capability in _ATTEMPTS:
        account = Account(uid, gid, capability)
        if _reaches(account, binary, data.parent):
            return account
    raise OperatorRequired(
        f"PostgreSQL must not run as root, and user {uid} reaches {binary} or {data.parent} by no "
        "way that this system allows.",
        remedy="Move the checkout to a folder that everybody may enter, set SEEDTEST_HOME to one, or set DATABASE_URL.",
    )


def _reaches(account: Account, binary: Path, folder: Path) -> bool:
    """Tried, not computed: access control lists and mount options count as well."""
    command = ["/bin/sh", "-c", 'cd "$1" && "$0" --version', str(binary), str(folder)]
    try:
        return subprocess.run(command, capture_output=True, preexec_fn=account.assume, timeout=10).returncode == 0
    except subprocess.SubprocessError:
        return False


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    _checked(ctypes.CDLL(None, use_errno=True).prctl(option, *padded))


def _checked(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
