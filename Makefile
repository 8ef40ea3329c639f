# For those who work on s6gen. PYTHON may name an interpreter that has the test extra installed.
PYTHON = .venv/bin/python

check:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest

golden:
	PYTHONPATH=. $(PYTHON) tests/test_golden.py

bench:
	$(PYTHON) benchmarks/render.py
	$(PYTHON) benchmarks/check.py
	$(PYTHON) benchmarks/look.py

.PHONY: check golden bench
