"""Become another program: in a session of its own, as another user, and bound to the life of the starter.

Run by path with `python -I -S`, so it imports nothing of ours and starts in a few milliseconds. The order matters:
Linux forgets the parent-death signal when a process changes its user, so the user is changed first. It also may not
be asked for by the starter on the child's behalf, which is why this small program stands in between.
"""

import argparse
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--folder", default="/")
    parser.add_argument("--parent", type=int, help="end when this process, our parent, ends")
    parser.add_argument("--signal", type=int, default=int(signal.SIGTERM), help="sent to us when the parent ends")
    parser.add_argument("--umask", type=lambda text: int(text, 8))
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args()
    if options.umask is not None:
        os.umask(options.umask)
    if options.uid is not None:
        become(options.uid, options.gid)
    # The folder is entered as the new user, or a server would start in a folder that it may not read.
    os.chdir(options.folder)
    if os.getpgrp() != os.getpid():
        os.setsid()
    if options.parent is not None:
        follow(options.parent, options.signal)
    os.execvp(options.argv[0], options.argv)  # noqa: S606 - Replacing this process is its purpose.


def become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def follow(parent: int, number: int) -> None:
    """Ask Linux to send `number` to this process when its parent ends. Other systems go without."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    # The parent may have ended before the call above; nobody would tell us then.
    if os.getppid() != parent:
        sys.exit(f"tether: the starter {parent} has ended")


if __name__ == "__main__":
    main()
