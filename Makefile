# The commands that people and CI share; each target is one line of README or of .ci/run.
.PHONY: app test check figures

app:
	python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python app.py

test:
	python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt && .venv/bin/python -m pytest

check:
	.ci/run

figures:
	.venv/bin/python -m cifar figures
