cmake_minimum_required(VERSION 3.25)
# Writes OUT, a C++ file that holds the files under DIST, for src/io/assets.hpp.
# cmake -DDIST=<folder> -DOUT=<file> -P embed_assets.cmake
file(GLOB_RECURSE files LIST_DIRECTORIES false RELATIVE ${DIST} ${DIST}/*)
list(SORT files)
if(NOT "index.html" IN_LIST files)
  set(files "")
endif()
find_program(GZIP gzip)

set(assembly "")
set(names "")
set(table "")
set(index 0)
# Adds `file` under the label asset_<index>_<part>, and sets <part> to the span of it.
macro(include_file part file)
  file(SIZE ${file} size)
  set(label "liaison_asset_${index}_${part}")
  string(APPEND assembly "    \"${label}: .incbin \\\"${file}\\\"\\n\"\n")
  string(APPEND names "extern \"C\" const std::uint8_t ${label}[];\n")
  set(${part} "{${label}, ${size}}")
endmacro()

foreach(name IN LISTS files)
  set(file ${DIST}/${name})
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 32 hash)
  include_file(content ${file})
  set(content_size ${size})
  set(gzip "{}")
  if(GZIP AND name MATCHES "\\.(html|js|mjs|css|json|map|svg|txt|webmanifest|wasm)$")
    set(compressed ${OUT}.${index}.gz)
    execute_process(COMMAND ${GZIP} -9 -n -c ${file} OUTPUT_FILE ${compressed} COMMAND_ERROR_IS_FATAL ANY)
    file(SIZE ${compressed} size)
    math(EXPR worth "${size} * 10 / 9")
    if(worth LESS content_size)
      include_file(gzip ${compressed})
    endif()
  endif()
  string(APPEND table "      {\"/${name}\", \"\\\"${hash}\\\"\", ${content}, ${gzip}},\n")
  math(EXPR index "${index} + 1")
endforeach()

if(assembly)
  set(assembly "asm(\".section .rodata\\n\"\n${assembly}    \".previous\\n\");\n\n${names}")
endif()
file(WRITE ${OUT}.new "// Made by cmake/embed_assets.cmake.
#include \"io/assets.hpp\"

#include <array>

${assembly}
std::span<const liaison::io::Asset> liaison::io::embedded_assets() {
  static const std::array<Asset, ${index}> assets = {{
${table}  }};
  return assets;
}
")
file(RENAME ${OUT}.new ${OUT})
