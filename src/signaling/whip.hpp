// HTTP as WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03) speak it, as values: what a request
// names and asks for. What becomes of it is for the node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace liaison::signaling::whip {

struct Request {
  std::string method;
  std::string target;
  std::string content_type;
  std::string authorization;
  std::string if_match;
  std::string body;
};
struct Response {
  unsigned status = 200;
  std::vector<std::pair<std::string_view, std::string>> headers;
  std::string body;
};

enum class Protocol : std::uint8_t { whip, whep };

// Where sessions begin: /whip/ROOM, /whep/ROOM, /whep/ROOM/PARTICIPANT, /whep/ROOM/speaker and
// /whep/ROOM/program, which are both whoever speaks. For encoders that can set no header, the token
// may follow as the last segment of the path, or as ?token=.
struct Endpoint {
  Protocol protocol = Protocol::whip;
  std::string room;
  std::string watched;  // a participant's public id; empty for whoever speaks
  std::optional<std::string> token;
  std::optional<std::string> name;  // ?name=
  bool operator==(const Endpoint&) const = default;
};
// One that has begun: /whip/s/ID, /whep/s/ID.
struct Session {
  Protocol protocol = Protocol::whip;
  std::string id;
  bool operator==(const Session&) const = default;
};
using Target = std::variant<Endpoint, Session>;

inline constexpr std::size_t session_id_bytes = 32;

// Whether a request with this target is ours.
bool is_ours(std::string_view target);
// Errors: "bad_request", "not_found".
Result<Target> parse_target(std::string_view target);
std::string session_path(Protocol protocol, std::string_view id);

// The token of "Authorization: Bearer TOKEN" (RFC 6750 section 2.1); nothing if there is none.
std::optional<std::string> bearer(std::string_view authorization);
// Whether a Content-Type names this type, whatever its parameters.
bool is_type(std::string_view content_type, std::string_view type);

// What If-Match (RFC 9110 section 13.1.1) says of a session whose entity tag is `etag`. The star in
// quotation marks is how RFC 9725 section 4.3.3 shows it.
enum class Match : std::uint8_t { missing, yes, no };
Match match(std::string_view if_match, std::string_view etag);

// "room_full" is 503, and so on; 500 for what is not one of ours.
unsigned status_of(std::string_view error_code);
// With all headers that go with its status, and those that let pages of other origins read it
// (Fetch, "CORS protocol").
Response refusal(const Error& error, std::optional<std::uint64_t> retry_after_s = {});
Response response(unsigned status);

}  // namespace liaison::signaling::whip
