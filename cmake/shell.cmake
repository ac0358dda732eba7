# Floor 5 and the program: what they link beyond core.
find_package(SQLite3 REQUIRED)
target_link_libraries(shell PUBLIC SQLite::SQLite3)
target_precompile_headers(shell PRIVATE <algorithm> <array> <chrono> <cstdint> <expected> <filesystem>
  <functional> <memory> <optional> <span> <string> <string_view> <unordered_map> <variant> <vector>)

add_executable(liaison src/apps/liaison.cpp)
target_link_libraries(liaison PRIVATE shell)
target_compile_definitions(liaison PRIVATE LIAISON_VERSION="${PROJECT_VERSION}")
set_target_properties(liaison PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
