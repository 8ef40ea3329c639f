"""The command `s6gen`, and `python -m s6gen`."""

import gc

# Hardly anything is garbage before the end of the process. The collector would take a
# twentieth of the shortest run, and more than all the rest of one with many files.
gc.disable()

from s6gen.cli import main  # noqa: E402 (what is imported is not to be collected)

if __name__ == "__main__":
    main()
