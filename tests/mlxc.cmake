# SPDX-License-Identifier: MIT
#
# mlx-c: what the library exports, and that it works; both C interfaces in little memory.
add_test(NAME mlxc_exports COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DLIBRARY=$<TARGET_FILE:mlxc_shared>
         -DHEADERS=${PROJECT_SOURCE_DIR}/include/mlx/c -DMISSING=${PROJECT_SOURCE_DIR}/docs/missing_mlxc.txt
         -P ${CMAKE_CURRENT_SOURCE_DIR}/mlxc/exports.cmake)

# A program that uses the shared library, and the same calls while allocations fail: linked statically, for the switch
# that makes them fail is not exported.
add_executable(test_mlxc mlxc/main.c mlxc/handles.c mlxc/ops.c mlxc/composed.c mlxc/calls.c mlxc/compile.c mlxc/export.c mlxc/custom.c mlxc/pictures.c mlxc/errors.c
               mlxc/hostile.c)
target_compile_definitions(test_mlxc PRIVATE _GNU_SOURCE)
target_link_libraries(test_mlxc PRIVATE mlxc_shared Threads::Threads m)
add_test(NAME mlxc COMMAND test_mlxc)

add_executable(test_mlxc_torture mlxc/torture.c ${mlxc_sources})
target_compile_definitions(test_mlxc_torture PRIVATE MICA_VERSION="${PROJECT_VERSION}")
target_link_libraries(test_mlxc_torture PRIVATE mica_static)
add_test(NAME mlxc_torture COMMAND test_mlxc_torture)

# Hostile calls where the system gives less memory than they ask for; sanitizers need an address space without a limit.
if(NOT CMAKE_C_FLAGS MATCHES "fsanitize")
  set(little "ulimit -v 600000 && exec")
  add_test(NAME hostile_in_little_memory COMMAND sh -c "${little} $<TARGET_FILE:mica_tests> hostile_")
  add_test(NAME mlxc_in_little_memory COMMAND sh -c "${little} $<TARGET_FILE:test_mlxc>")
endif()
