# SPDX-License-Identifier: MIT
#
# Mica's commands.  CMake builds (CMakeLists.txt), tools/setup finds what is missing, tools/check reads the house rules;
# here they are only called in order.
#
#   make run  [STEPS=2000] [DEVICE=cpu] [DATA=path] [OUT=runs/lm-001] [SEED=0]
#   make help                                      every command
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

BUILD := build
JOBS  := $(shell nproc)
VENV  := $(CURDIR)/.venv/bin

# The venv comes first: where the system's cmake is too old, it holds a newer one.
WITH  := PATH="$(VENV):$$PATH"
CMAKE := $(WITH) cmake
CTEST := $(WITH) ctest --output-on-failure --timeout 600 -j $(JOBS)
MICA  := $(WITH) PYTHONPATH="$(CURDIR)/$(BUILD)/python" $(VENV)/python

# The simulated GPU as default device, also of what the tests start.
SIM   := MICA_CUDA=sim MICA_DEVICE=gpu MICA_SIM_DIR="$(CURDIR)/$(BUILD)" MICA_CACHE_DIR="$(CURDIR)/$(BUILD)/tests/cuda_cache"

CMAKE_ARGS := -G Ninja -DPython_EXECUTABLE=$(VENV)/python
# No null check: ld turns the `add` that computes a thread-local's address into a `lea`, whose flags gcc then tests.  A null
# pointer still ends in ASan's report of the access.
SANITIZERS := -fsanitize=address,undefined -fno-sanitize=null -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# Sanitizers and fuzzers build the library without Python, each in a folder of its own.
SANITIZED := $(CMAKE_ARGS) -DMICA_BUILD_PYTHON=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo
FUZZERS   := safetensors npy npz mlxfn
FUZZ_SECONDS := 60

.PHONY: help setup setup-test setup-check venv build run test check format-check tsan fuzz full kernels gpu-bundle wheel bench golden clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

setup:
	@tools/setup system

setup-test:
	@tools/setup system test

setup-check:
	@tools/setup system check

venv: setup
	@tools/setup venv

build: venv  ## the library, the extension module and the tests, in build/
	@test -f $(BUILD)/build.ninja || $(CMAKE) -S . -B $(BUILD) $(CMAKE_ARGS) -DCMAKE_BUILD_TYPE=Release
	@$(CMAKE) --build $(BUILD)

run: build  ## train a small language model on the CPU and print from it
	@$(MICA) examples/python/transformer_lm.py $(if $(STEPS),--steps $(STEPS)) $(if $(DEVICE),--device $(DEVICE)) \
	    $(if $(DATA),--data "$(DATA)") $(if $(OUT),--out "$(OUT)") $(if $(SEED),--seed $(SEED))

test: setup-test build  ## what every commit must pass: the house rules, ctest, pytest on both devices, a cut of tsan and fuzz
	@failed=; \
	tools/check || failed="$$failed tools/check"; \
	$(CTEST) --test-dir $(BUILD) || failed="$$failed ctest"; \
	$(MICA) -m pytest -q tests/python || failed="$$failed pytest"; \
	$(SIM) $(MICA) -m pytest -q tests/python || failed="$$failed pytest-gpu"; \
	$(MAKE) tsan || failed="$$failed tsan"; \
	$(MAKE) fuzz || failed="$$failed fuzz"; \
	if [ -n "$$failed" ]; then echo "make test: FAILED:$$failed"; exit 1; fi; \
	echo "make test: passed: tools/check, ctest, pytest on CPU and simulated GPU, tsan, fuzz"

tsan: venv  ## threads, evaluation and streams under ThreadSanitizer
	@test -f build-tsan/build.ninja || $(CMAKE) -S . -B build-tsan $(SANITIZED) -DCMAKE_C_FLAGS=-fsanitize=thread
	@$(CMAKE) --build build-tsan --target thread_tests
	build-tsan/mica_tests --tests
	$(CTEST) --test-dir build-tsan -R 'cuda_host_(random_|minimal_)?(right|streams|both_devices|exported|foreign|launch_fails|fork)$$' --no-tests=ignore

fuzz: setup-test venv  ## each parser of files for FUZZ_SECONDS under libFuzzer and ASan
	@test -f build-fuzz/build.ninja || $(CMAKE) -S . -B build-fuzz $(SANITIZED) -DCMAKE_C_COMPILER=clang -DMICA_BUILD_FUZZ=ON
	@$(CMAKE) --build build-fuzz --target $(addprefix fuzz_,$(FUZZERS))
	@echo "fuzz: $(FUZZERS), $(FUZZ_SECONDS) s each"
	@for format in $(FUZZERS); do mkdir -p build-fuzz/found/$$format && echo $$format; done | xargs -P $(JOBS) -I {} sh -c \
	    'build-fuzz/tests/fuzz_{} -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -artifact_prefix=build-fuzz/{}- \
	    build-fuzz/found/{} tests/fuzz/corpus/{} 2>build-fuzz/{}.log || { tail -40 build-fuzz/{}.log; exit 255; }'

check: setup-check venv format-check  ## format, house rules, warnings as errors with gcc and clang, ASan and UBSan
	tools/check
	for cc in gcc clang; do \
	    $(CMAKE) -S . -B build-$$cc $(CMAKE_ARGS) -DCMAKE_C_COMPILER=$$cc -DCMAKE_COMPILE_WARNING_AS_ERROR=ON && \
	    $(CMAKE) --build build-$$cc || exit 1; \
	done
	$(CMAKE) -S . -B build-asan $(SANITIZED) -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS="$(SANITIZERS)"
	$(CMAKE) --build build-asan
	$(CTEST) --test-dir build-asan -E '^cuda_nvrtc$$'

format-check:
	git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror

full: test check  ## the whole matrix: all sizes, torture of everything, tsan on the laws, an hour a fuzz target
	$(BUILD)/tests/cuda_nvrtc --all sm_80 sm_90a sm_100 || test $$? = 77
	$(BUILD)/mica_tests --full
	$(BUILD)/mica_tests --full --torture
	test ! -f $(BUILD)/libmica_sim.so || MICA_CUDA=sim SIM_SAN=check SIM_SCHED=rnd SIM_ORDER=pct \
	    MICA_CACHE_DIR=$(CURDIR)/$(BUILD)/tests/cuda_cache $(BUILD)/mica_tests --device gpu
	test ! -f $(BUILD)/libmica_sim.so || ! $(BUILD)/tests/cuda_nvrtc sm_80 add_float >/dev/null || MICA_CUDA=sim SIM_ENGINE=ptx \
	    MICA_CACHE_DIR=$(CURDIR)/$(BUILD)/tests/cuda_cache $(BUILD)/mica_tests --device gpu
	$(CMAKE) --build build-tsan
	$(CTEST) --test-dir build-tsan --timeout 7200 -E '^sim_|sweep|shared_cache'
	HYPOTHESIS_PROFILE=full $(MICA) -m pytest -q tests/python
	$(MAKE) fuzz FUZZ_SECONDS=3600

kernels: build  ## the GPU kernels that make test asks for and that changed, through NVRTC into the list of what has passed
	$(BUILD)/tests/cuda_nvrtc sm_80 sm_90a sm_100 --record tests/cuda/nvrtc_known.txt

gpu-bundle: build  ## dist/mica-gpu.tar.gz: what a machine with a GPU and no packages needs to test and measure (bench/gpu.sh)
	@$(CMAKE) -S . -B $(BUILD) -DMICA_CUBINS=ON >/dev/null && $(CMAKE) --build $(BUILD)
	@$(WITH) tools/gpu_bundle $(BUILD) dist/mica-gpu.tar.gz
	@$(CMAKE) -S . -B $(BUILD) -DMICA_CUBINS=OFF >/dev/null

wheel: venv  ## the wheel, in dist/, with common GPU kernels where NVRTC is installed
	$(WITH) $(VENV)/python -m pip wheel -q --disable-pip-version-check --no-deps -w dist --config-settings cmake.define.MICA_CUBINS=ON .

bench: build  ## against NumPy, mlx[cpu], PyTorch and JAX; ONLY=pattern, QUICK=1, FORCE=1
	@$(VENV)/python bench/run.py $(if $(ONLY),--only "$(ONLY)") $(if $(QUICK),--quick) $(if $(FORCE),--force)

golden: venv  ## record the golden files again, from mlx[cpu] in an environment of its own
	@python=$$($(VENV)/python bench/peers.py mlx) && \
	for script in $(wildcard tests/*/record_*.py); do echo "$$script"; "$$python" "$$script" || exit 1; done

clean:  ## remove what was built; .venv and .cache stay
	rm -rf $(BUILD) build-gcc build-clang build-asan build-tsan build-fuzz
