# Two commands: `make run` (watches the camera, or plays the bundled clip without one) and `make test`. Both set up .venv
# first. PYTHON=python3.13 chooses another interpreter; ARGS adds options of `maskwatch run` or of pytest.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ARGS ?=

.PHONY: run test chaos test-systemd test-arm64 test-picamera test-homeassistant test-browser test-security test-store check lock audit install clip model clean

run: $(VENV)/run.stamp
	@$(BIN)/maskwatch run --or-demo $(ARGS)

# most tests wait for brokers, cameras and processes, so several at a time keep two cores busy
test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n 4 --dist loadfile $(ARGS)

chaos: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m "chaos and not alone" -n 4 --dist worksteal $(ARGS) || [ $$? = 5 ]
	$(BIN)/python -m pytest -m "chaos and alone" $(ARGS) || [ $$? = 5 ]

# attacks on it: by another user of this machine, from the network, with hostile files; some need root
test-security: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m security -n 3 --dist worksteal tests/security $(ARGS)

# all doors in PostgreSQL and SQLite, and Prometheus, each for real (sudo apt install postgresql prometheus influxdb mosquitto)
test-store: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m store -n 3 --dist loadfile tests/store $(ARGS) || [ $$? = 5 ]

# needs root, systemd-container and debootstrap
test-systemd: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m systemd tests/systemd $(ARGS)

# aarch64 under qemu, as on a Pi, for both OS releases: takes about 10 minutes and 0.9 GB in .venv-arm64
test-arm64: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m arm64 tests/arm64 $(ARGS)

# the real picamera2 over a virtual camera; needs root and debootstrap; the first run takes about 4 minutes
test-picamera:
	tests/picamera/run $(ARGS)

# a real Home Assistant; needs root and debootstrap; the first run takes about 3 minutes
test-homeassistant: $(VENV)/test.stamp
	tests/homeassistant/run $(ARGS)

TOOLS = $(VENV)/browser-tools

# the page in Debian's Chromium, with axe-core and Lighthouse (sudo apt install chromium nodejs npm)
test-browser: $(VENV)/test.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check 'playwright>=1.50,<2'
	@[ -e $(TOOLS)/node_modules/lighthouse ] || PUPPETEER_SKIP_DOWNLOAD=1 npm install --no-save --no-package-lock \
		--no-audit --no-fund --silent --prefix $(TOOLS) axe-core@4.10.3 lighthouse@12.8.2
	MASKWATCH_BROWSER_TOOLS=$(TOOLS) $(BIN)/python -m pytest -m browser -n 3 --dist loadfile tests/browser $(ARGS)

# installs maskwatch as a service: sudo make install ARGS="--broker ADDRESS"
install:
	@systemd/install.sh $(ARGS)

check: $(VENV)/check.stamp
	$(BIN)/ruff check edge convert tests
	$(BIN)/ruff format --check edge convert tests
	$(BIN)/mypy

# pins the newest versions that setup.cfg allows for the device, and lists them (CycloneDX) with their licences
lock: $(VENV)/lock.stamp
	PYTHONPATH=.:tests $(BIN)/python -m support.lock

# asks the package index for known vulnerabilities of the pinned versions
audit: $(VENV)/lock.stamp
	for lock in systemd/lock/*.txt; do $(BIN)/python -m pip_audit --strict --disable-pip --require-hashes -r $$lock || exit 1; done

clip: $(VENV)/test.stamp
	$(BIN)/pip install --quiet 'scikit-image<1' 'matplotlib<4' 'imageio-ffmpeg<1'
	$(BIN)/python tests/support/make_clip.py

# trains the shipped model from a list of pictures: make model LIST=train.tsv EXCLUDE="maskon mfs" TEST=k12-test
WORK ?= out/model
CONVERT = $(BIN)/maskwatch-convert

model: $(WORK)/mask.tflite

$(WORK)/data: | $(VENV)/convert.stamp
	@[ -n "$(LIST)" ] || { echo "name a list of pictures: make model LIST=faces.tsv (convert/README.md)"; exit 2; }
	$(CONVERT) prepare $(LIST) $(if $(EXCLUDE),--exclude $(EXCLUDE)) --out $@

# trains at a small size first, then at full size: half the time of full size throughout
$(WORK)/first.keras: $(WORK)/data
	$(CONVERT) train $< --size 64 --epochs 48 --patience 40 --out $@

$(WORK)/mask.keras: $(WORK)/first.keras
	$(CONVERT) train $(WORK)/data --init $< --rate 0.001 --epochs 12 --clean 0.6 --out $@

$(WORK)/mask.tflite: $(WORK)/mask.keras
	$(CONVERT) quantize $< --data $(WORK)/data --out $@ $(if $(TEST),--test $(TEST)) $(if $(NOTE),--note "$(NOTE)")

clean:
	rm -rf $(VENV) .venv-arm64 .venv-systemd .venv-picamera .venv-homeassistant .pytest_cache .mypy_cache .ruff_cache

$(VENV)/constraints.txt:
	@systemd/make-venv.sh $(VENV) $(PYTHON)

$(VENV)/run.stamp: setup.cfg $(VENV)/constraints.txt
	@echo "Setting up (about a minute, once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[broker,web]'
	@touch $@

$(VENV)/test.stamp: setup.cfg $(VENV)/constraints.txt
	@echo "Setting up the tests (about a minute, once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[broker,test]'
	@touch $@

$(VENV)/convert.stamp: $(VENV)/run.stamp
	@echo "Setting up TensorFlow (some minutes, once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[convert]'
	@touch $@

$(VENV)/lock.stamp: $(VENV)/test.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[lock]'
	@touch $@

$(VENV)/check.stamp: $(VENV)/test.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check 'ruff>=0.15,<0.18' 'mypy>=2,<3'
	@touch $@
