# Writes OUT, which says from which commit of SOURCE it was made; leaves it alone if it says so already.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT COMMIT)
  set(COMMIT "unknown")
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#include \"sim/build.hpp\"

namespace liaison::sim {

const std::string_view commit = \"@COMMIT@\";

}  // namespace liaison::sim
" @ONLY)
