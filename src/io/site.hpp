// What the web server answers, as values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "io/assets.hpp"

namespace liaison::io {

struct SiteRequest {
  std::string_view method;
  std::string_view target;
  std::string_view host;  // the header; empty if there is none
  std::string_view if_none_match;
  std::string_view accept_encoding;
  bool tls = false;
  bool from_this_machine = false;  // and not passed on by a proxy
};

struct SiteResponse {
  unsigned status = 200;
  std::vector<std::pair<std::string_view, std::string>> headers;
  Bytes body;        // a file; or else
  std::string text;  // this
  bool is_head = false;

  Bytes content() const { return body.empty() ? as_bytes(text) : body; }
};

// Knows which path gives which file with which headers: `/` and `/r/ROOM` the page, the files of
// the client, and nothing else. What needs the state of the server (/metrics, /healthz, /ws, /whip/
// and /whep/) is asked for by `wanted`. It knows nothing of sockets or of the library that speaks
// HTTP.
class Site {
 public:
  explicit Site(std::span<const Asset> assets) : assets_(assets) {}

  enum class Wanted : std::uint8_t { file, web_socket, metrics, health, whip };
  static Wanted wanted(std::string_view target);

  SiteResponse file(const SiteRequest& request) const;
  // A short text with all headers that every answer has.
  static SiteResponse plain(const SiteRequest& request, unsigned status, std::string text,
                            std::string_view type = "text/plain; charset=utf-8");
  // To the same place over TLS, for who spoke plain HTTP to a TLS port.
  static SiteResponse redirect(const SiteRequest& request);

 private:
  std::span<const Asset> assets_;
};

// RFC 6454: the Origin header of a page that this server gave. An absent one (not a browser) is
// accepted.
bool is_same_origin(std::string_view origin, std::string_view host, bool tls);
// A host and perhaps a port, of characters that cannot end a header or a policy.
bool is_host(std::string_view host);
// The client that a proxy on this machine speaks for: the last address in X-Forwarded-For, or
// empty.
std::string_view forwarded_client(std::string_view header);

}  // namespace liaison::io
