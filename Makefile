# For those who work on s6gen. PYTHON may name an interpreter that has the extra "dev" installed.
PYTHON = .venv/bin/python

check:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	sh tests/run quick

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

golden:
	PYTHONPATH=.:tests $(PYTHON) tests/rendering/test_golden.py

schema:
	PYTHONPATH=. $(PYTHON) -m s6gen config --schema > schema/s6gen.schema.json.new
	mv schema/s6gen.schema.json.new schema/s6gen.schema.json

bench:
	$(PYTHON) benchmarks/render.py
	$(PYTHON) benchmarks/scale.py
	$(PYTHON) benchmarks/check.py
	$(PYTHON) benchmarks/hourly_run.py

.PHONY: check format golden schema bench
