# SPDX-License-Identifier: MIT
#
# test_math: the math of the kernels, its tiles compiled once per SIMD level with the flags of src/cpu/kernels.
set(math_objects)
foreach(level ${levels})
  add_library(math_tiles_${level} OBJECT c/math_tiles.c)
  target_link_libraries(math_tiles_${level} PRIVATE mica_options)
  target_include_directories(math_tiles_${level} PRIVATE c)
  target_compile_options(math_tiles_${level} PRIVATE -O3 -fopenmp-simd ${level_${level}})
  list(APPEND math_objects $<TARGET_OBJECTS:math_tiles_${level}>)
endforeach()
add_executable(test_math c/test_math.c c/math_c64.c ${math_objects})
target_link_libraries(test_math PRIVATE mica_options m)
target_include_directories(test_math PRIVATE c)
add_test(NAME math COMMAND test_math)
