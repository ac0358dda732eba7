#include "io/site.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace liaison::io {
namespace {

const std::array<Asset, 4> assets = {{
    {"/assets/main-1a2b.js", "\"js\"", as_bytes("console.log(1)"), as_bytes("GZ")},
    {"/favicon.svg", "\"svg\"", as_bytes("<svg/>"), {}},
    {"/index.html", "\"page\"", as_bytes("<!doctype html>"), {}},
    {"/sounds/join.ogg", "\"ogg\"", as_bytes("OggS"), {}},
}};

SiteRequest get(std::string_view target) {
  SiteRequest request;
  request.method = "GET";
  request.target = target;
  request.host = "call.example.org:8443";
  return request;
}

std::string header(const SiteResponse& response, std::string_view name) {
  const auto found =
      std::ranges::find(response.headers, name, [](const auto& h) { return h.first; });
  return found == response.headers.end() ? "" : found->second;
}

std::string_view body(const SiteResponse& response) { return as_text(response.content()); }

TEST(Site, ThePageIsAtTheRootAndInEveryRoom) {
  const Site site(assets);
  for (const std::string_view target : {"/", "/?lang=fr", "/r/budget-7", "/r/budget-7?x=1"}) {
    const auto response = site.file(get(target));
    EXPECT_EQ(response.status, 200U) << target;
    EXPECT_EQ(body(response), "<!doctype html>");
    EXPECT_EQ(header(response, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(header(response, "Cache-Control"), "no-cache");
  }
}

TEST(Site, NothingElseIsThere) {
  const Site site(assets);
  for (const std::string_view target :
       {"/r/", "/r", "/r/a/b", "/assets/", "/assets", "/../etc/passwd", "/%2e%2e/", "//", "", "*",
        "/index.htm", "http://other/", "/sounds"}) {
    EXPECT_EQ(site.file(get(target)).status, 404U) << target;
  }
}

TEST(Site, WhatHasItsHashInItsNameIsKeptForEver) {
  const Site site(assets);
  const auto response = site.file(get("/assets/main-1a2b.js"));
  EXPECT_EQ(header(response, "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(header(response, "Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(body(response), "console.log(1)");
}

TEST(Site, CompressesForThoseWhoCan) {
  const Site site(assets);
  auto request = get("/assets/main-1a2b.js");
  for (const std::string_view accept : {"gzip", "deflate, gzip, br", "gzip;q=0.5, *;q=0"}) {
    request.accept_encoding = accept;
    const auto response = site.file(request);
    EXPECT_EQ(body(response), "GZ") << accept;
    EXPECT_EQ(header(response, "Content-Encoding"), "gzip");
    EXPECT_EQ(header(response, "Vary"), "Accept-Encoding");
  }
  for (const std::string_view accept : {"", "br", "gzip;q=0"}) {
    request.accept_encoding = accept;
    EXPECT_EQ(body(site.file(request)), "console.log(1)") << accept;
  }
  request = get("/favicon.svg");
  request.accept_encoding = "gzip";
  EXPECT_EQ(body(site.file(request)), "<svg/>");
}

TEST(Site, SaysWhenNothingHasChanged) {
  const Site site(assets);
  auto request = get("/");
  for (const std::string_view tag : {"\"page\"", "W/\"page\"", "\"a\", \"page\"", "*"}) {
    request.if_none_match = tag;
    const auto response = site.file(request);
    EXPECT_EQ(response.status, 304U);
    EXPECT_EQ(body(response), "");
    EXPECT_EQ(header(response, "ETag"), "\"page\"");
  }
  request.if_none_match = "\"other\"";
  EXPECT_EQ(site.file(request).status, 200U);
}

TEST(Site, OnlyReads) {
  const Site site(assets);
  auto request = get("/");
  request.method = "POST";
  const auto response = site.file(request);
  EXPECT_EQ(response.status, 405U);
  EXPECT_EQ(header(response, "Allow"), "GET, HEAD");
  request.method = "HEAD";
  EXPECT_TRUE(site.file(request).is_head);
  EXPECT_EQ(site.file(request).status, 200U);
}

TEST(Site, EveryAnswerForbidsWhatThePageDoesNotNeed) {
  const Site site(assets);
  for (const auto& response :
       {site.file(get("/")), site.file(get("/none")), Site::plain(get("/healthz"), 200, "ok")}) {
    EXPECT_EQ(
        header(response, "Content-Security-Policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src "
        "'self' data: blob:; media-src 'self' blob: mediastream:; connect-src 'self' "
        "ws://call.example.org:8443; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'");
    EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
    EXPECT_TRUE(header(response, "Permissions-Policy").contains("camera=(self)"));
    EXPECT_EQ(header(response, "Strict-Transport-Security"), "");
  }
  auto request = get("/");
  request.tls = true;
  EXPECT_TRUE(header(site.file(request), "Content-Security-Policy")
                  .contains("wss://call.example.org:8443;"));
  EXPECT_EQ(header(site.file(request), "Strict-Transport-Security"), "max-age=15768000");
}

TEST(Site, AHostileHostDoesNotReachThePolicy) {
  const Site site(assets);
  for (const std::string_view host : {"x; script-src *", "a b", "a'", "a\r\nb", "", "ü"}) {
    auto request = get("/");
    request.host = host;
    EXPECT_TRUE(header(site.file(request), "Content-Security-Policy")
                    .contains("connect-src 'self'; worker-src"))
        << host;
    EXPECT_EQ(Site::redirect(request).status, 400U);
  }
}

TEST(Site, SendsPlainHttpOnATlsPortToTls) {
  const auto response = Site::redirect(get("/r/a?b"));
  EXPECT_EQ(response.status, 308U);
  EXPECT_EQ(header(response, "Location"), "https://call.example.org:8443/r/a?b");
  EXPECT_EQ(Site::redirect(get("http://evil/")).status, 400U);
}

TEST(Site, SaysHowToBuildTheClientWhereItIsMissing) {
  const Site site({});
  EXPECT_TRUE(body(site.file(get("/"))).contains("./run build"));
  EXPECT_TRUE(body(site.file(get("/r/a"))).contains("./run build"));
  EXPECT_EQ(site.file(get("/index.html")).status, 404U);
}

TEST(Site, KnowsWhichPathsNeedTheServer) {
  EXPECT_EQ(Site::wanted("/ws"), Site::Wanted::web_socket);
  EXPECT_EQ(Site::wanted("/ws?x"), Site::Wanted::web_socket);
  EXPECT_EQ(Site::wanted("/metrics"), Site::Wanted::metrics);
  EXPECT_EQ(Site::wanted("/healthz"), Site::Wanted::health);
  EXPECT_EQ(Site::wanted("/wsx"), Site::Wanted::file);
  EXPECT_EQ(Site::wanted("/whip/room?token=x"), Site::Wanted::whip);
  EXPECT_EQ(Site::wanted("/whep/room/speaker"), Site::Wanted::whip);
  EXPECT_EQ(Site::wanted("/whip"), Site::Wanted::file);
}

TEST(Site, ComparesOriginAndHost) {
  EXPECT_TRUE(is_same_origin("", "a:1", false));
  EXPECT_TRUE(is_same_origin("http://a:1", "a:1", false));
  EXPECT_TRUE(is_same_origin("http://A:1", "a:1", false));
  EXPECT_TRUE(is_same_origin("https://a", "a", true));
  EXPECT_TRUE(is_same_origin("https://a", "a", false));  // through a proxy
  EXPECT_FALSE(is_same_origin("http://a", "a", true));
  EXPECT_FALSE(is_same_origin("http://b:1", "a:1", false));
  EXPECT_FALSE(is_same_origin("http://a:2", "a:1", false));
  EXPECT_FALSE(is_same_origin("http://a:1/", "a:1", false));
  EXPECT_FALSE(is_same_origin("null", "a:1", false));
  EXPECT_FALSE(is_same_origin("http://a:1", "", false));
  EXPECT_FALSE(is_same_origin("chrome-extension://a:1", "a:1", false));
}

TEST(Site, TrustsTheLastAddressOfAProxy) {
  EXPECT_EQ(forwarded_client("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(forwarded_client("10.0.0.1, 192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(forwarded_client("x,  2001:db8::1 "), "2001:db8::1");
  EXPECT_EQ(forwarded_client("192.0.2.1, unknown"), "");
  EXPECT_EQ(forwarded_client(""), "");
}

TEST(Assets, AreFoundByTheirPath) {
  EXPECT_EQ(find_asset(assets, "/favicon.svg"), &assets[1]);
  EXPECT_EQ(find_asset(assets, "/favicon.sv"), nullptr);
  EXPECT_EQ(find_asset({}, "/"), nullptr);
  EXPECT_EQ(content_type("/a.webmanifest"), "application/manifest+json");
  EXPECT_EQ(content_type("/a"), "application/octet-stream");
}

TEST(Assets, ThoseInsideAreSortedAndWhole) {
  const auto inside = embedded_assets();
  EXPECT_TRUE(std::ranges::is_sorted(inside, {}, &Asset::path));
  for (const Asset& asset : inside) {
    EXPECT_TRUE(asset.path.starts_with('/'));
    EXPECT_EQ(asset.etag.size(), 34U);
    EXPECT_EQ(find_asset(inside, asset.path), &asset);
  }
  if (!inside.empty()) {
    EXPECT_NE(find_asset(inside, "/index.html"), nullptr);
  }
}

}  // namespace
}  // namespace liaison::io
