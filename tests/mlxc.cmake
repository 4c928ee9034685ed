# SPDX-License-Identifier: MIT
#
# mlx-c: what the library exports.
add_test(NAME mlxc_exports COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DLIBRARY=$<TARGET_FILE:mlxc_shared>
         -DHEADERS=${PROJECT_SOURCE_DIR}/include/mlx/c -DMISSING=${PROJECT_SOURCE_DIR}/docs/missing_mlxc.txt
         -P ${CMAKE_CURRENT_SOURCE_DIR}/mlxc/exports.cmake)
