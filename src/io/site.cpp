#include "io/site.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/address.hpp"
#include "signaling/whip.hpp"

namespace liaison::io {
namespace {

constexpr std::string_view no_client =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Liaison</title>"
    "<h1>The web client is missing</h1>"
    "<p>This program was built without it. In the source folder, <code>./run build</code> builds "
    "both; "
    "by hand: <code>cd client &amp;&amp; npm ci &amp;&amp; npm run build</code>, then build the "
    "server "
    "again.</p>";

std::string_view path_of(std::string_view target) {
  return target.substr(0, std::min(target.find('?'), target.find('#')));
}

// One segment after /r/: the page itself says whether the name is a good one.
bool is_page(std::string_view path) {
  if (path == "/") return true;
  return path.starts_with("/r/") && path.size() > 3 && path.find('/', 3) == std::string_view::npos;
}

std::string policy(const SiteRequest& request) {
  // 'self' includes the WebSocket of the same host only in newer browsers, so it is named.
  const std::string socket = is_host(request.host)
                                 ? fmt::format(" {}://{}", request.tls ? "wss" : "ws", request.host)
                                 : "";
  return fmt::format(
      "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' "
      "data: "
      "blob:; media-src 'self' blob: mediastream:; connect-src 'self'{}; worker-src 'self'; "
      "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      socket);
}

SiteResponse with_common_headers(const SiteRequest& request, unsigned status) {
  SiteResponse response;
  response.status = status;
  response.is_head = request.method == "HEAD";
  response.headers = {
      {"Content-Security-Policy", policy(request)},
      {"Permissions-Policy",
       "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), "
       "usb=()"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
  };
  if (request.tls) response.headers.emplace_back("Strict-Transport-Security", "max-age=15768000");
  return response;
}

// RFC 9110 section 12.5.3, as far as browsers use it: gzip is named and not refused.
bool accepts_gzip(std::string_view header) {
  const std::size_t at = header.find("gzip");
  if (at == std::string_view::npos) return false;
  const std::string_view rest = header.substr(at + 4);
  return !rest.starts_with(";q=0") || rest.starts_with(";q=0.");
}

// RFC 9110 section 13.1.2: a list of tags, weak or not, or a star.
bool matches(std::string_view if_none_match, std::string_view etag) {
  return if_none_match == "*" || if_none_match.contains(etag);
}

}  // namespace

Site::Wanted Site::wanted(std::string_view target) {
  const std::string_view path = path_of(target);
  if (path == "/ws") return Wanted::web_socket;
  if (path == "/metrics") return Wanted::metrics;
  if (path == "/healthz") return Wanted::health;
  if (signaling::whip::is_ours(path)) return Wanted::whip;
  return Wanted::file;
}

SiteResponse Site::plain(const SiteRequest& request, unsigned status, std::string text,
                         std::string_view type) {
  SiteResponse response = with_common_headers(request, status);
  response.headers.emplace_back("Content-Type", type);
  response.headers.emplace_back("Cache-Control", "no-store");
  response.text = std::move(text);
  return response;
}

SiteResponse Site::redirect(const SiteRequest& request) {
  if (!is_host(request.host) || !request.target.starts_with('/'))
    return plain(request, 400, "This port speaks TLS: use https.\n");
  SiteResponse response = plain(request, 308, "This port speaks TLS: use https.\n");
  response.headers.emplace_back("Location",
                                fmt::format("https://{}{}", request.host, request.target));
  return response;
}

SiteResponse Site::file(const SiteRequest& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    SiteResponse response = plain(request, 405, "Only GET and HEAD.\n");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  const std::string_view path = path_of(request.target);
  if (is_page(path) && assets_.empty())
    return plain(request, 200, std::string(no_client), "text/html; charset=utf-8");
  const Asset* asset = find_asset(assets_, is_page(path) ? "/index.html" : path);
  if (asset == nullptr) return plain(request, 404, "Not found.\n");

  SiteResponse response = with_common_headers(request, 200);
  response.headers.emplace_back("ETag", asset->etag);
  // What lies under /assets/ has its hash in its name.
  response.headers.emplace_back("Cache-Control", asset->path.starts_with("/assets/")
                                                     ? "public, max-age=31536000, immutable"
                                                     : "no-cache");
  if (!asset->gzip.empty()) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (matches(request.if_none_match, asset->etag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", content_type(asset->path));
  const bool gzip = !asset->gzip.empty() && accepts_gzip(request.accept_encoding);
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = gzip ? asset->gzip : asset->content;
  return response;
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-.:[]").contains(c);
  });
}

bool is_same_origin(std::string_view origin, std::string_view host, bool tls) {
  if (origin.empty()) return true;
  // A proxy on this machine may speak TLS for us, so an https page may come to a plain port.
  for (const std::string_view scheme :
       {std::string_view("https://"), std::string_view("http://")}) {
    if (tls && scheme == "http://") continue;
    if (origin.starts_with(scheme))
      return std::ranges::equal(origin.substr(scheme.size()), host, [](char a, char b) {
        const auto lower = [](char c) {
          return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        };
        return lower(a) == lower(b);
      });
  }
  return false;
}

std::string_view forwarded_client(std::string_view header) {
  if (const std::size_t comma = header.rfind(','); comma != std::string_view::npos)
    header.remove_prefix(comma + 1);
  while (header.starts_with(' ')) header.remove_prefix(1);
  while (header.ends_with(' ')) header.remove_suffix(1);
  return IpAddress::parse(header) ? header : std::string_view{};
}

}  // namespace liaison::io
