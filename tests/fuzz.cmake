# SPDX-License-Identifier: MIT
#
# Fuzz targets of the file parsers, with AddressSanitizer (clang only): `make fuzz`, or a build of its own with -DMICA_BUILD_FUZZ=ON and
#   build-fuzz/tests/fuzz_npz -max_total_time=60 corpus tests/fuzz/corpus/npz     (new finds go to the first folder)
# Kernels parse nothing, and take minutes to compile with coverage: they are left plain.
if(NOT MICA_BUILD_FUZZ)
  return()
endif()
if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "MICA_BUILD_FUZZ needs clang: -DCMAKE_C_COMPILER=clang")
endif()
set(sanitizers -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
foreach(room ${rooms})
  if(NOT room MATCHES "kernels")
    target_compile_options(${room} PRIVATE ${sanitizers})
  endif()
endforeach()
foreach(format safetensors npy npz mlxfn)
  add_executable(fuzz_${format} fuzz/${format}.c)
  target_link_libraries(fuzz_${format} PRIVATE mica_static)
  target_compile_options(fuzz_${format} PRIVATE ${sanitizers})
  target_link_options(fuzz_${format} PRIVATE -fsanitize=fuzzer,address,undefined)
endforeach()
