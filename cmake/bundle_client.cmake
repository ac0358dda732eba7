cmake_minimum_required(VERSION 3.25)
# Writes OUT, a C++ file for sim/client_code.hpp: ENTRY and what it imports as one script, bundled with the
# esbuild that comes with the client's packages.
# cmake -DESBUILD=<program> -DENTRY=<file.ts> -DOUT=<file.cpp> -P bundle_client.cmake
if(NOT EXISTS ${ESBUILD})
  message(FATAL_ERROR "The simulator runs the web client's logic, and ${ESBUILD}, which bundles it, is not there. "
    "Fetch the client's packages: npm ci --prefix client")
endif()
execute_process(
  COMMAND ${ESBUILD} ${ENTRY} --bundle --format=iife --global-name=client --target=es2022 --charset=ascii
    --legal-comments=none --log-level=warning
  OUTPUT_VARIABLE script COMMAND_ERROR_IS_FATAL ANY)
string(FIND "${script}" ")script\"" found)
if(NOT found EQUAL -1)
  message(FATAL_ERROR "${ENTRY} contains )script\" and so cannot stand in a raw string")
endif()
file(WRITE ${OUT}.new "// Made by cmake/bundle_client.cmake.
#include \"sim/client_code.hpp\"

std::string_view liaison::sim::client_code() {
  return R\"script(${script})script\";
}
")
file(RENAME ${OUT}.new ${OUT})
