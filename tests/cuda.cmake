# SPDX-License-Identifier: MIT
#
# What can be proven of the CUDA backend without a GPU but with the toolkit: our declarations against its headers.  Without
# the toolkit the test says so and counts as skipped.
find_path(cuda_include cuda.h PATHS $ENV{CUDA_HOME} $ENV{CUDA_PATH} /usr/local/cuda PATH_SUFFIXES include)
if(cuda_include AND EXISTS ${cuda_include}/nvrtc.h AND EXISTS ${cuda_include}/cublasLt.h
   AND EXISTS ${cuda_include}/cufft.h AND CMAKE_CXX_COMPILER)
  get_filename_component(cuda_root ${cuda_include} DIRECTORY)
  add_executable(cuda_abi cuda/abi.cpp)
  target_include_directories(cuda_abi PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_include_directories(cuda_abi SYSTEM PRIVATE ${cuda_include})
  target_link_libraries(cuda_abi PRIVATE ${CMAKE_DL_LIBS})
  set_target_properties(cuda_abi PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON)
  add_test(NAME cuda_abi COMMAND cuda_abi ${cuda_root}/lib64/stubs/libcuda.so ${cuda_root}/lib64/libnvrtc.so
           ${cuda_root}/lib64/libcublasLt.so ${cuda_root}/lib64/libcufft.so)
else()
  message(WARNING "No CUDA toolkit: our declarations of its interfaces are not compared with its headers")
  add_test(NAME cuda_abi COMMAND ${CMAKE_COMMAND} -E echo "SKIPPED: there is no CUDA toolkit to compare with")
  set_tests_properties(cuda_abi PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED")
endif()

# Every kernel through NVRTC: one dtype of each kind, those that changed against the list of what has passed
# (`make kernels` writes it; a stale one costs time only); `make full` takes all dtypes and layouts of all.
add_executable(cuda_nvrtc cuda/nvrtc.c)
target_link_libraries(cuda_nvrtc PRIVATE mica_static)
add_test(NAME cuda_nvrtc COMMAND cuda_nvrtc sm_80 sm_90a sm_100 --known ${CMAKE_CURRENT_SOURCE_DIR}/cuda/nvrtc_known.txt
         --record ${CMAKE_CURRENT_BINARY_DIR}/cuda_nvrtc_known.txt)
set_tests_properties(cuda_nvrtc PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)

if(TARGET mica_sim)
  # Leaks are the harness's to find: LeakSanitizer reads stacks of fibers that are gone.
  set(sim_environment "MICA_CUDA=sim;ASAN_OPTIONS=detect_leaks=0;MICA_SIM_DIR=$<TARGET_FILE_DIR:mica_sim>;MICA_CACHE_DIR=${CMAKE_CURRENT_BINARY_DIR}/cuda_cache")
endif()

# ---- No usable GPU
add_executable(cuda_absent cuda/absent.c)
target_link_libraries(cuda_absent PRIVATE mica_static)
function(add_absent_test name reason)
  add_test(NAME cuda_absent_${name} COMMAND cuda_absent ${reason})
  set_tests_properties(cuda_absent_${name} PROPERTIES ENVIRONMENT "${ARGN}")
endfunction()
add_absent_test(off "MICA_CUDA=off" MICA_CUDA=off)
add_absent_test(no_simulator "simulated device cannot be opened" MICA_CUDA=sim MICA_SIM_DIR=${CMAKE_CURRENT_BINARY_DIR}/nowhere)
foreach(kind old:11040 broken:12040)
  string(REGEX MATCH "^([a-z]+):([0-9]+)$" nothing ${kind})
  set(kind ${CMAKE_MATCH_1})
  add_library(cuda_${kind}_driver MODULE cuda/fake_driver.c)
  target_compile_definitions(cuda_${kind}_driver PRIVATE VERSION=${CMAKE_MATCH_2})
  set_target_properties(cuda_${kind}_driver PROPERTIES PREFIX "" OUTPUT_NAME libmica_sim C_VISIBILITY_PRESET default
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/cuda_${kind})
endforeach()
add_absent_test(old_device "has compute capability 7.5, 8.0 or later" MICA_CUDA=sim SIM_CC=75
                MICA_SIM_DIR=$<TARGET_FILE_DIR:mica_sim>)
add_absent_test(old "CUDA 11.4, Mica needs 12.0" MICA_CUDA=sim MICA_SIM_DIR=${CMAKE_CURRENT_BINARY_DIR}/cuda_old)
add_absent_test(broken "has no function cuInit" MICA_CUDA=sim MICA_SIM_DIR=${CMAKE_CURRENT_BINARY_DIR}/cuda_broken)

# ---- Golden vectors of the wrappers of instructions: recorded on the simulated device in one order, the same in another
add_executable(cuda_arch_vectors cuda/arch_vectors.c)
target_link_libraries(cuda_arch_vectors PRIVATE mica_static)
if(TARGET mica_sim)
  set(vectors ${CMAKE_CURRENT_BINARY_DIR}/arch_vectors.txt)
  add_test(NAME cuda_vectors_record COMMAND cuda_arch_vectors ${CMAKE_CURRENT_SOURCE_DIR}/cuda/arch_vectors.cu record ${vectors})
  add_test(NAME cuda_vectors_compare COMMAND cuda_arch_vectors ${CMAKE_CURRENT_SOURCE_DIR}/cuda/arch_vectors.cu compare ${vectors})
  set_tests_properties(cuda_vectors_record PROPERTIES ENVIRONMENT "${sim_environment}" FIXTURES_SETUP vectors)
  set_tests_properties(cuda_vectors_compare PROPERTIES ENVIRONMENT "${sim_environment};SIM_ORDER=pct;SIM_CC=90" FIXTURES_REQUIRED vectors)
  # The wrappers themselves instead of their emulation, from the PTX of NVIDIA's compiler.
  add_test(NAME cuda_vectors_ptx COMMAND cuda_arch_vectors ${CMAKE_CURRENT_SOURCE_DIR}/cuda/arch_vectors.cu compare ${vectors})
  set_tests_properties(cuda_vectors_ptx PROPERTIES ENVIRONMENT "${sim_environment};SIM_ENGINE=ptx" FIXTURES_REQUIRED vectors
      SKIP_REGULAR_EXPRESSION "SIM_ENGINE=ptx needs NVIDIA's NVRTC")
  set(golden ${CMAKE_CURRENT_SOURCE_DIR}/golden/arch_vectors.txt) # $OUT/arch_vectors.txt of bench/gpu.sh on a real GPU
  if(EXISTS ${golden})
    add_test(NAME cuda_vectors_golden COMMAND cuda_arch_vectors ${CMAKE_CURRENT_SOURCE_DIR}/cuda/arch_vectors.cu compare ${golden})
    set_tests_properties(cuda_vectors_golden PROPERTIES ENVIRONMENT "${sim_environment}")
  endif()
endif()

# ---- The host side on the simulated device
if(TARGET mica_sim)
  add_executable(cuda_host cuda/host.c cuda/bad_host.c cuda/cubins_host.c)
  target_link_libraries(cuda_host PRIVATE mica_static ZLIB::ZLIB)
  add_dependencies(cuda_host mica_sim)
  # A launch for each node, so that there are graphs of them.
  function(add_host_test name case)
    add_test(NAME cuda_host_${name} COMMAND cuda_host ${case})
    set_tests_properties(cuda_host_${name} PROPERTIES TIMEOUT 120
        ENVIRONMENT "${sim_environment};MICA_FUSE=0;${ARGN}")
  endfunction()
  foreach(case right both_devices streams exported foreign limits two_memories no_memory launch_fails many_failures
      launch_fails_without_memory device_lost busy sweep sweep_start bad_kernel shared_cache fork fork_first)
    add_host_test(${case} ${case})
  endforeach()
  add_host_test(groups groups MICA_FUSE=1)
  add_host_test(merged_fails merged_fails MICA_FUSE=always)
  add_host_test(cubins cubins)
  add_host_test(ahead ahead)
  add_host_test(memory memory SIM_MEM=52428800)
  add_host_test(bad_group bad_group MICA_FUSE=1 SIM_FAIL=cuModuleLoadData:3:200)
  add_host_test(late_group late_group MICA_FUSE=1 SIM_FAIL=cuModuleLoadData:3)
  foreach(case right both_devices streams exported foreign one_memory sweep)
    add_host_test(integrated_${case} ${case} SIM_INTEGRATED=1)
  endforeach()
  # As a driver that is installed, found by name; and without NVRTC.
  set(driver_only ${CMAKE_CURRENT_BINARY_DIR}/cuda_driver_only)
  file(MAKE_DIRECTORY ${driver_only})
  file(CREATE_LINK ${CMAKE_BINARY_DIR}/libmica_sim.so ${driver_only}/libcuda.so.1 SYMBOLIC)
  add_library(cuda_broken_nvrtc MODULE cuda/fake_driver.c)
  target_compile_definitions(cuda_broken_nvrtc PRIVATE VERSION=13000)
  set_target_properties(cuda_broken_nvrtc PROPERTIES PREFIX "" OUTPUT_NAME libnvrtc SUFFIX .so.13
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/cuda_broken_nvrtc)
  add_host_test(by_name right MICA_CUDA= LD_LIBRARY_PATH=${CMAKE_BINARY_DIR}/sim_names)
  add_host_test(broken_nvrtc no_nvrtc MICA_CUDA= LD_LIBRARY_PATH=${driver_only}
      MICA_CUDA_PATH=$<TARGET_FILE_DIR:cuda_broken_nvrtc>)
  add_host_test(no_nvrtc no_nvrtc MICA_CUDA= LD_LIBRARY_PATH=${driver_only} SIM_DRIVER=12000)
  file(GLOB old_nvrtc $ENV{CUDA_HOME}/lib64/libnvrtc.so.12 /usr/local/cuda*/lib64/libnvrtc.so.12)
  if(old_nvrtc)
    set_tests_properties(cuda_host_no_nvrtc PROPERTIES DISABLED ON)
  endif()
  # Here NVIDIA's own NVRTC, where it is installed, meets the simulated driver.
  add_host_test(foreign_nvrtc no_nvrtc MICA_CUDA= LD_LIBRARY_PATH=${driver_only})
  add_host_test(ends_compiling ends_compiling SIM_ENGINE=ptx)
  set_tests_properties(cuda_host_ends_compiling PROPERTIES SKIP_REGULAR_EXPRESSION "SIM_ENGINE=ptx needs NVIDIA's NVRTC")
  add_host_test(no_host_compiler no_host_compiler SIM_CXX=no-such-compiler)
  # Every order, and what is not ordered at all.
  foreach(case right both_devices streams exported foreign)
    add_host_test(random_${case} ${case} SIM_SCHED=rnd SIM_SEED=7)
    add_host_test(minimal_${case} ${case} SIM_SCHED=min)
    add_host_test(check_${case} ${case} SIM_SAN=check SIM_SCHED=rnd)
  endforeach()

  # The laws with the GPU as default device, in parts that share the compiled kernels; sim_fusion is for groups, whose
  # kernels here would be a thousand more, each used once.
  foreach(part RANGE 1 12)
    add_test(NAME sim_laws_${part} COMMAND mica_tests --device gpu --shard ${part}/12)
    set_tests_properties(sim_laws_${part} PROPERTIES LABELS sim
        ENVIRONMENT "${sim_environment};MICA_FUSE=0")
  endforeach()

  # Some of them on the code of NVIDIA's compiler; `make full` takes all.
  add_test(NAME sim_laws_ptx COMMAND mica_tests --device gpu --shard 1/150)
  set_tests_properties(sim_laws_ptx PROPERTIES LABELS sim TIMEOUT 300
      ENVIRONMENT "${sim_environment};MICA_FUSE=0;SIM_ENGINE=ptx" SKIP_REGULAR_EXPRESSION "SIM_ENGINE=ptx needs NVIDIA's NVRTC")

  # Groups by their kernels from the first time on: the same bits as node by node, and nothing unordered.
  add_test(NAME sim_fusion COMMAND mica_tests --device gpu --tests random_programs random_row_programs group temporary written
      two_bodies merged)
  add_test(NAME sim_fusion_check COMMAND mica_tests --device gpu --tests group temporary written groups_over merged)
  set_tests_properties(sim_fusion PROPERTIES LABELS sim TIMEOUT 600 ENVIRONMENT "${sim_environment};MICA_FUSE=always")
  set_tests_properties(sim_fusion_check PROPERTIES LABELS sim TIMEOUT 600
      ENVIRONMENT "${sim_environment};MICA_FUSE=always;SIM_SAN=check;SIM_SCHED=rnd")

  # The n-th allocation of the host fails while the device computes.
  add_test(NAME sim_torture COMMAND mica_tests --device gpu --torture)
  set_tests_properties(sim_torture PROPERTIES LABELS sim TIMEOUT 600
      ENVIRONMENT "${sim_environment}")

  # Fourier transforms: with cuFFT, and without it (on the CPU).
  foreach(case right:SIM_SAN=check no_library:SIM_FAIL=cufftGetVersion:1 no_memory:SIM_FAIL=cufftMakePlanMany64:2:2)
    string(REGEX MATCH "^([a-z_]+):(.*)$" nothing ${case})
    add_test(NAME cuda_fft_${CMAKE_MATCH_1} COMMAND mica_tests --device gpu fft/)
    set_tests_properties(cuda_fft_${CMAKE_MATCH_1} PROPERTIES TIMEOUT 300 ENVIRONMENT "${sim_environment};${CMAKE_MATCH_2}")
  endforeach()

  # Matrix products without cuBLASLt (too old a version), without an algorithm for them, and with TF32.
  function(add_product_test name filter)
    add_test(NAME cuda_products_${name} COMMAND mica_tests --device gpu ${filter})
    set_tests_properties(cuda_products_${name} PROPERTIES TIMEOUT 300
        ENVIRONMENT "MICA_CUDA=sim;MICA_CACHE_DIR=${CMAKE_CURRENT_BINARY_DIR}/cuda_cache;ASAN_OPTIONS=detect_leaks=0;${ARGN}")
  endfunction()
  add_product_test(right matmul SIM_SAN=check)
  add_product_test(no_library matmul SIM_FAIL=cublasLtGetVersion:1)
  add_product_test(no_algorithm matmul/ SIM_FAIL=cublasLtMatmulAlgoGetHeuristic:2:801)
  add_product_test(no_bias "matmul/a bias" SIM_FAIL=cublasLtMatmulAlgoGetHeuristic:1:801)
  add_product_test(tf32 matmul_rounds MLX_ENABLE_TF32=1)
endif()
