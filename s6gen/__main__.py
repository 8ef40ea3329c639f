"""`python -m s6gen`."""

from s6gen.cli import main

if __name__ == "__main__":
    main()
