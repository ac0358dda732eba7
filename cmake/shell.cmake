# Floor 5 and the program: what they link beyond core, and the web client inside.
target_precompile_headers(shell PRIVATE <algorithm> <array> <chrono> <cstdint> <expected> <filesystem>
  <functional> <memory> <optional> <span> <string> <string_view> <unordered_map> <variant> <vector>)

set(LIAISON_WEB_DIST ${CMAKE_SOURCE_DIR}/client/app/dist CACHE PATH "The built web client")
# The client is built before the server or not at all, so its files are known when this runs; those of the next
# build have other names, and then it runs again.
file(GLOB_RECURSE WEB_FILES CONFIGURE_DEPENDS ${LIAISON_WEB_DIST}/*)
set(EMBEDDED_ASSETS ${CMAKE_BINARY_DIR}/generated/embedded_assets.cpp)
add_custom_command(OUTPUT ${EMBEDDED_ASSETS}
  COMMAND ${CMAKE_COMMAND} -DDIST=${LIAISON_WEB_DIST} -DOUT=${EMBEDDED_ASSETS}
    -P ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake
  DEPENDS ${WEB_FILES} ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake
  COMMENT "Embedding the web client" VERBATIM)
target_sources(shell PRIVATE ${EMBEDDED_ASSETS})
set_source_files_properties(${EMBEDDED_ASSETS} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)

# The files with Boost.Beast, of which that of the server takes half a minute and more than a gigabyte. They are not on the
# media path, so they do not need more than -O1, and under sanitizers not even that, which takes twice as long; with debug
# symbols an object would have 170 MB; and without the precompiled header, which is another in each clone, ccache can share
# it between them.
set_source_files_properties(src/io/http_server.cpp src/io/http_client.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON
  COMPILE_OPTIONS "$<$<CONFIG:Debug>:-g0;-O0>;$<$<CONFIG:Release>:-O1;-g0>")

add_executable(liaison src/apps/liaison.cpp)
target_link_libraries(liaison PRIVATE shell)
target_compile_definitions(liaison PRIVATE LIAISON_VERSION="${PROJECT_VERSION}")
set_target_properties(liaison PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
