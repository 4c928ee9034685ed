# SPDX-License-Identifier: MIT
#
# What `cmake --install` puts where.  By default the C library with its headers, pkg-config and CMake package files; the
# component `python` (which scikit-build-core asks for) is the inside of a wheel instead: mlx/core.abi3.so beside
# mlx/lib/libmica.so, found by $ORIGIN.  python/mlx/*.py are added by pyproject.toml.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS mica EXPORT MicaTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Mica)
install(EXPORT MicaTargets NAMESPACE Mica:: DESTINATION ${package_dir})
configure_package_config_file(cmake/MicaConfig.cmake.in MicaConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(MicaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/MicaConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/MicaConfigVersion.cmake
        DESTINATION ${package_dir})

configure_file(cmake/mica.pc.in mica.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mica.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(MICA_BUILD_PYTHON)
    set_target_properties(mica_python PROPERTIES INSTALL_RPATH "$ORIGIN/lib")
    install(TARGETS mica_python LIBRARY DESTINATION mlx COMPONENT python EXCLUDE_FROM_ALL)
    install(TARGETS mica LIBRARY DESTINATION mlx/lib COMPONENT python NAMELINK_SKIP EXCLUDE_FROM_ALL)
endif()
