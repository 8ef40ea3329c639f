"""The command `s6gen`, and `python -m s6gen`.

Python 2.7 can read this file: an interpreter that is too old is told so.
"""

import gc
import sys

if sys.version_info < (3, 11):  # noqa: UP036 (who has 3.11 does not come by here)
    needed = "Python 3.11 or newer is needed, this is " + sys.version.split()[0]
    sys.stderr.write("s6gen: fatal: " + needed + "\n")
    sys.exit(100)

import os

# `python -m` looks for modules in the current directory first, which may be a
# repository that a stranger wrote. (The command s6gen does not; nor does python -P.)
if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    try:
        if sys.path[0] == os.getcwd():  # noqa: PTH109 (for Python 2)
            del sys.path[0]
    except OSError:  # it was removed: then Python has not taken it either
        pass

# Hardly anything is garbage before the end of the process. The collector would take a
# twentieth of the shortest run, and more than all the rest of one with many files.
gc.disable()

from s6gen.cli import main  # noqa: E402 (what is imported is not to be collected)

if __name__ == "__main__":
    main()
