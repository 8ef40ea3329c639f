"""The command `s6gen`, and `python -m s6gen`."""

import gc

gc.disable()  # It would take a twentieth of a process that ends in a tenth of a second.

from s6gen.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
