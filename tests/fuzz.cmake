# SPDX-License-Identifier: MIT
#
# Fuzz targets of the file parsers (clang only): configure a build of its own with -DMICA_BUILD_FUZZ=ON, then
#   build-fuzz/tests/fuzz_npz -max_total_time=60 corpus tests/fuzz/corpus/npz     (new finds go to the first folder)
# As tests they run over the corpus only.
if(NOT MICA_BUILD_FUZZ)
  return()
endif()
if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "MICA_BUILD_FUZZ needs clang: -DCMAKE_C_COMPILER=clang")
endif()
foreach(format safetensors npy npz)
  add_executable(fuzz_${format} fuzz/${format}.c)
  target_link_libraries(fuzz_${format} PRIVATE mica_static)
  target_compile_options(fuzz_${format} PRIVATE -fsanitize=fuzzer)
  target_link_options(fuzz_${format} PRIVATE -fsanitize=fuzzer)
  add_test(NAME fuzz_${format} COMMAND fuzz_${format} -runs=0 ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${format})
endforeach()
