#include "signaling/whip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sdp/session.hpp"
#include "signaling/message.hpp"

namespace liaison::signaling::whip {
namespace {

// A token of up to 4,096 characters, each of which may be written as three.
constexpr std::size_t max_target = 13'000;
constexpr std::size_t max_query = 16;  // parameters

std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// RFC 3986 section 2.1, and in a query the plus of HTML forms. Nothing if it is malformed.
std::optional<std::string> decode(std::string_view text, bool query) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && query) {
      plain += ' ';
    } else if (text[i] == '%') {
      const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
      if (!high || !low) return std::nullopt;
      plain += static_cast<char>(*high << 4 | *low);
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// RFC 3629 section 4: no longer form than needed, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  std::size_t more = 0;  // bytes of this character that are to come
  std::uint32_t character = 0;
  std::uint32_t least = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (more == 0) {
      more = byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      if (more != 0 && (byte < 0xc0 || byte > 0xf7)) return false;
      character = more == 0 ? byte : byte & (0x3fU >> more);
      least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
      continue;
    }
    if ((byte & 0xc0) != 0x80) return false;
    character = character << 6 | (byte & 0x3fU);
    if (--more > 0) continue;
    if (character < least || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
      return false;
  }
  return more == 0;
}

bool is_session_id(std::string_view text) {
  return text.size() == 2 * session_id_bytes && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// PASETO; nothing else that stands in a path begins like it.
bool is_token(std::string_view text) { return text.starts_with("v4."); }

Result<void> take_query(Endpoint& endpoint, std::string_view query) {
  for (std::size_t count = 0; !query.empty(); ++count) {
    if (count == max_query) return fail("bad_request", "The address has too many parameters.");
    std::string_view item = cut(query, '&');
    const std::string_view key = cut(item, '=');
    if (key != "token" && key != "name") continue;
    auto value = decode(item, true);
    if (!value)
      return fail("bad_request", fmt::format("?{}= is not percent-encoded as it must be.", key));
    (key == "token" ? endpoint.token : endpoint.name) = std::move(*value);
  }
  if (endpoint.name && (!is_utf8(*endpoint.name) || !person_name(*endpoint.name)))
    return fail("bad_request",
                "?name= must have 1 to 64 characters, in UTF-8 and percent-encoded, and none that "
                "controls how text is shown.");
  return {};
}

Result<void> take_watched(Endpoint& endpoint, std::string_view what) {
  if (what == "speaker" || what == "program") return {};
  if (what.starts_with("lang:"))
    return fail("not_found", "This room has no languages: leave lang: out to watch who speaks.");
  constexpr std::size_t longest = 64;
  if (what.size() > longest)
    return fail("not_found",
                "Nobody of this name is here: expected a participant's id, speaker "
                "or program.");
  endpoint.watched = what;
  return {};
}

}  // namespace

bool is_ours(std::string_view target) {
  return target.starts_with("/whip/") || target.starts_with("/whep/");
}

Result<Target> parse_target(std::string_view target) {
  if (target.size() > max_target)
    return fail("bad_request", fmt::format("The address has more than {} characters.", max_target));
  if (!is_ours(target)) return fail("not_found", "Expected /whip/ROOM or /whep/ROOM.");
  const Protocol protocol = target.starts_with("/whip/") ? Protocol::whip : Protocol::whep;
  std::string_view query = target.substr(0, target.find('#'));
  std::string_view path = cut(query, '?').substr(6);
  std::vector<std::string> segments;
  while (!path.empty()) {
    auto segment = decode(cut(path, '/'), false);
    if (!segment) return fail("bad_request", "The path is not percent-encoded as it must be.");
    segments.push_back(std::move(*segment));
    if (segments.size() > 3) break;
  }
  if (segments.size() == 2 && segments[0] == "s" && is_session_id(segments[1]))
    return Session{protocol, std::move(segments[1])};

  Endpoint endpoint;
  endpoint.protocol = protocol;
  if (segments.size() > 1 && is_token(segments.back())) {
    endpoint.token = std::move(segments.back());
    segments.pop_back();
  }
  const std::size_t most = protocol == Protocol::whip ? 1 : 2;
  if (segments.empty() || segments.size() > most)
    return fail("not_found", protocol == Protocol::whip
                                 ? "Expected /whip/ROOM."
                                 : "Expected /whep/ROOM, or behind it a participant's id, speaker "
                                   "or program.");
  if (!is_room_name(segments[0]))
    return fail("not_found", "There is no such room: a room's name has 1 to 64 of a–z, 0–9 and -.");
  endpoint.room = std::move(segments[0]);
  if (segments.size() > 1) {
    if (auto taken = take_watched(endpoint, segments[1]); !taken)
      return std::unexpected(taken.error());
  }
  if (auto taken = take_query(endpoint, query); !taken) return std::unexpected(taken.error());
  return endpoint;
}

std::string session_path(Protocol protocol, std::string_view id) {
  return fmt::format("/{}/s/{}", protocol == Protocol::whip ? "whip" : "whep", id);
}

std::optional<std::string> bearer(std::string_view authorization) {
  const std::string_view scheme = cut(authorization, ' ');
  if (!sdp::same_name(scheme, "Bearer")) return std::nullopt;
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  while (authorization.ends_with(' ')) authorization.remove_suffix(1);
  return authorization.empty() ? std::nullopt : std::optional(std::string(authorization));
}

bool is_type(std::string_view content_type, std::string_view type) {
  std::string_view own = content_type.substr(0, content_type.find(';'));
  while (own.ends_with(' ')) own.remove_suffix(1);
  return sdp::same_name(own, type);
}

Match match(std::string_view if_match, std::string_view etag) {
  if (if_match.empty()) return Match::missing;
  while (!if_match.empty()) {
    std::string_view tag = cut(if_match, ',');
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    while (tag.ends_with(' ')) tag.remove_suffix(1);
    // Weak tags never match here: that is the strong comparison of section 8.8.3.2.
    if (tag == "*" || tag == "\"*\"" || tag == etag) return Match::yes;
  }
  return Match::no;
}

unsigned status_of(std::string_view code) {
  struct Row {
    std::string_view code;
    unsigned status;
  };
  constexpr std::array<Row, 21> rows = {
      {{"bad_request", 400},           {"bad_sdp", 400},          {"token_required", 401},
       {"token_invalid", 401},         {"token_expired", 401},    {"token_used", 403},
       {"token_wrong_room", 403},      {"not_found", 404},        {"method_not_allowed", 405},
       {"not_acceptable", 406},        {"no_publisher", 409},     {"precondition_failed", 412},
       {"message_too_large", 413},     {"unsupported_type", 415}, {"bad_offer", 422},
       {"precondition_required", 428}, {"rate_limited", 429},     {"room_full", 503},
       {"server_full", 503},           {"shutting_down", 503},    {"no_answer", 503}}};
  const auto row = std::ranges::find(rows, code, &Row::code);
  return row == rows.end() ? 500 : row->status;
}

Response response(unsigned status) {
  Response response;
  response.status = status;
  // Nothing here depends on who asks but the token, which no browser adds by itself: pages of any
  // origin may ask, as those of encoders and players do.
  response.headers = {{"Access-Control-Allow-Origin", "*"},
                      {"Access-Control-Expose-Headers",
                       "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch"},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"}};
  return response;
}

Response refusal(const Error& error, std::optional<std::uint64_t> retry_after_s) {
  Response refused = response(status_of(error.code));
  refused.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  // RFC 6750 section 3.
  if (error.code == "token_required")
    refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"liaison\"");
  else if (refused.status == 401)
    refused.headers.emplace_back("WWW-Authenticate",
                                 "Bearer realm=\"liaison\", error=\"invalid_token\"");
  if (retry_after_s) refused.headers.emplace_back("Retry-After", std::to_string(*retry_after_s));
  refused.body = error.message + "\n";
  return refused;
}

}  // namespace liaison::signaling::whip
