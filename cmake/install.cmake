# SPDX-License-Identifier: MIT
#
# What `cmake --install` puts where.  By default the C libraries with their headers, pkg-config and CMake package files;
# the component `python` (which scikit-build-core asks for) is the inside of a wheel instead: mlx/core.abi3.so, which
# finds mlx/lib/libmica.so by $ORIGIN.  The files of python/mlx are added by pyproject.toml.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(libraries mica)
if(TARGET mlxc_shared)
  list(APPEND libraries mlxc_shared mlxc_static)
  set_target_properties(mlxc_shared PROPERTIES EXPORT_NAME mlxc INSTALL_RPATH "$ORIGIN")
endif()
install(TARGETS ${libraries} EXPORT MicaTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Mica)
install(EXPORT MicaTargets NAMESPACE Mica:: DESTINATION ${package_dir})
configure_package_config_file(cmake/MicaConfig.cmake.in MicaConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(MicaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/MicaConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/MicaConfigVersion.cmake
        DESTINATION ${package_dir})

configure_file(cmake/mica.pc.in mica.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mica.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET mica_python)
  set_target_properties(mica_python PROPERTIES INSTALL_RPATH "$ORIGIN/lib")
  install(TARGETS mica_python LIBRARY DESTINATION mlx COMPONENT python EXCLUDE_FROM_ALL)
  # Under its soname only: a wheel would hold a link as a second copy.
  install(PROGRAMS $<TARGET_FILE:mica> DESTINATION mlx/lib RENAME $<TARGET_SONAME_FILE_NAME:mica>
          COMPONENT python EXCLUDE_FROM_ALL)
  # The type stubs, from the docstrings of the module that was built.
  install(CODE "execute_process(COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${CMAKE_BINARY_DIR}/python
                ${Python_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tools/stubs \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/mlx
                COMMAND_ERROR_IS_FATAL ANY)" COMPONENT python EXCLUDE_FROM_ALL)
endif()
