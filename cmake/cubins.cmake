# SPDX-License-Identifier: MIT
#
# MICA_CUBINS: kernels that most programs need are compiled by NVRTC now and put beside the library, libmica.cubins.  Which
# ones is asked of programs, run on the simulated device, where a kernel is not even compiled; NVRTC needs no GPU.  Where it is
# missing, the archive is empty and says so.
if(NOT TARGET mica_sim OR NOT TARGET mica_python)
  message(FATAL_ERROR "MICA_CUBINS=ON needs MICA_BUILD_SIM and MICA_BUILD_PYTHON: programs are run on the simulated device")
endif()
add_executable(mica_cubins tools/cubins.c ${objects})
target_link_libraries(mica_cubins PRIVATE mica_options Threads::Threads ZLIB::ZLIB PkgConfig::JANSSON m ${CMAKE_DL_LIBS})

set(archive ${CMAKE_BINARY_DIR}/libmica.cubins)
set(recorded ${CMAKE_BINARY_DIR}/recorded_kernels)
set(record)
foreach(mode 80:0 80:always 90:0 90:always 100:0 100:always) # a new group runs node by node until its kernel is there
  string(REPLACE ":" ";" mode ${mode})
  list(POP_FRONT mode capability fuse)
  list(APPEND record COMMAND ${CMAKE_COMMAND} -E env MICA_FUSE=${fuse} MICA_CUDA=sim MICA_DEVICE=gpu SIM_ENGINE=none SIM_CC=${capability}
       MICA_CUBINS=off MICA_CACHE_DIR=${recorded}/cache MICA_RECORD_KERNELS=${recorded} MICA_SIM_DIR=$<TARGET_FILE_DIR:mica_sim>
       PYTHONPATH=${CMAKE_BINARY_DIR}/python ${Python_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tools/first_programs.py)
endforeach()
add_custom_command(OUTPUT ${archive} DEPENDS mica mica_python mica_sim mica_cubins tools/first_programs.py
    examples/python/transformer_lm.py
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${recorded}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${recorded}
    ${record}
    COMMAND mica_cubins ${archive} ${recorded}
    COMMENT "Compiling kernels ahead" VERBATIM)
add_custom_target(cubins ALL DEPENDS ${archive})
install(FILES ${archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${archive} DESTINATION mlx/lib COMPONENT python EXCLUDE_FROM_ALL)
