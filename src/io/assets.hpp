// The files of the web client, inside the program.
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.hpp"

namespace liaison::io {

struct Asset {
  std::string_view path;  // from the root of the site: "/index.html"
  std::string_view etag;  // with its quotes
  Bytes content;
  Bytes gzip;  // the same, compressed; empty where that saves little
};

// By path. Empty if the client was not built when this program was. (cmake/embed_assets.cmake)
std::span<const Asset> embedded_assets();
const Asset* find_asset(std::span<const Asset> assets, std::string_view path);
// By the ending of the name.
std::string_view content_type(std::string_view path);

}  // namespace liaison::io
