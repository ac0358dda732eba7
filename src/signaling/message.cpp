#include "signaling/message.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"

namespace liaison::signaling {

namespace message {

BOOST_DESCRIBE_STRUCT(Join, (), (version, room, name, token, resume, attempt))
BOOST_DESCRIBE_STRUCT(Offer, (), (id, sdp))
BOOST_DESCRIBE_STRUCT(Publish, (), (microphone, camera, screen, screen_audio))
BOOST_DESCRIBE_STRUCT(Size, (), (width, height))
BOOST_DESCRIBE_STRUCT(Shown, (), (person, width, height))
BOOST_DESCRIBE_STRUCT(View, (), (people, screen))
BOOST_DESCRIBE_STRUCT(Leave, (), ())
BOOST_DESCRIBE_STRUCT(Ping, (), (id))
BOOST_DESCRIBE_STRUCT(Pong, (), (id))
BOOST_DESCRIBE_ENUM(Media, new_, kept)
BOOST_DESCRIBE_ENUM(Quality, unknown, poor, fair, good)
BOOST_DESCRIBE_STRUCT(Person, (),
                      (id, name, microphone, camera, screen, screen_audio, connected, quality))
BOOST_DESCRIBE_STRUCT(Joined, (),
                      (you, room, call, resume, resumed, media, person_slots, simulcast, people))
BOOST_DESCRIBE_STRUCT(Answer, (), (id, sdp))
BOOST_DESCRIBE_STRUCT(People, (), (changed, left))
BOOST_DESCRIBE_STRUCT(Slot, (), (slot, person))
BOOST_DESCRIBE_STRUCT(Slots, (), (slots, screen))
BOOST_DESCRIBE_STRUCT(Speaker, (), (person))
BOOST_DESCRIBE_STRUCT(Connection, (),
                      (rtt_ms, loss_up, loss_down, bitrate_up, bitrate_down, over_tcp,
                       bandwidth_down, wanted_down, bandwidth_limited))
BOOST_DESCRIBE_ENUM(VideoSource, camera, screen)
BOOST_DESCRIBE_STRUCT(Encoding, (), (rid, active, spatial_layers))
BOOST_DESCRIBE_STRUCT(Layers, (), (source, encodings))
BOOST_DESCRIBE_ENUM(PauseReason, bandwidth)
BOOST_DESCRIBE_ENUM(AudioSource, microphone, screen_audio)
BOOST_DESCRIBE_STRUCT(Redundancy, (), (source, wanted))
BOOST_DESCRIBE_STRUCT(PausedPerson, (), (person, reason))
BOOST_DESCRIBE_STRUCT(Paused, (), (people, screen))
BOOST_DESCRIBE_STRUCT(Error, (), (code, message, fatal, retry_after_ms))

}  // namespace message

namespace {

constexpr std::size_t max_message = 512 * 1024;
constexpr std::size_t max_characters = 64;
// More than this is no name of 64 characters, even with blanks around it.
constexpr std::size_t max_name_bytes = 4096;
constexpr std::size_t max_token = 4096;
constexpr std::size_t max_resume = 128;
constexpr std::size_t max_shown = 64;
constexpr std::uint16_t max_side = 16'384;

// The `t` of each message.
template <typename T>
inline constexpr std::string_view type;
template <>
inline constexpr std::string_view type<message::Join> = "join";
template <>
inline constexpr std::string_view type<message::Offer> = "offer";
template <>
inline constexpr std::string_view type<message::Publish> = "publish";
template <>
inline constexpr std::string_view type<message::View> = "view";
template <>
inline constexpr std::string_view type<message::Leave> = "leave";
template <>
inline constexpr std::string_view type<message::Ping> = "ping";
template <>
inline constexpr std::string_view type<message::Pong> = "pong";
template <>
inline constexpr std::string_view type<message::Joined> = "joined";
template <>
inline constexpr std::string_view type<message::Answer> = "answer";
template <>
inline constexpr std::string_view type<message::People> = "people";
template <>
inline constexpr std::string_view type<message::Slots> = "slots";
template <>
inline constexpr std::string_view type<message::Speaker> = "speaker";
template <>
inline constexpr std::string_view type<message::Connection> = "connection";
template <>
inline constexpr std::string_view type<message::Layers> = "layers";
template <>
inline constexpr std::string_view type<message::Redundancy> = "redundancy";
template <>
inline constexpr std::string_view type<message::Paused> = "paused";
template <>
inline constexpr std::string_view type<message::Error> = "error";

struct Version {
  std::uint64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(Version, (), (version))

// The next code point of valid UTF-8, taken off `text`; whatever is not valid gives U+FFFD.
char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first >= 0x80 && (first < 0xc2 || first > 0xf4 || text.size() < length)) {
    text.remove_prefix(1);
    return 0xfffd;
  }
  char32_t character = length == 1 ? first : first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) character = character << 6 | (byte(i) & 0x3f);
  text.remove_prefix(length);
  return character;
}

// Nothing to see: White_Space, and characters without width or ink.
bool is_blank(char32_t c) {
  return c == 0x20 || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0xad ||
         c == 0x115f || c == 0x1160 || c == 0x1680 || (c >= 0x2000 && c <= 0x200f) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || (c >= 0x205f && c <= 0x2064) || c == 0x2800 || c == 0x3000 ||
         c == 0x3164 || c == 0xfeff || c == 0xffa0;
}

// Controls, line and paragraph separators, and embeddings, overrides and isolates (UAX #9).
bool is_forbidden(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
         (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

template <typename Message>
Result<Message> decode(const json::Value& value) {
  auto decoded = json::decode<Message>(value);
  if (!decoded)
    return fail("bad_message", fmt::format("{}: {}.", type<Message>, decoded.error().message));
  return std::move(*decoded);
}

template <>
Result<message::Join> decode(const json::Value& value) {
  // First of all: another version may have other members.
  const auto version = json::decode<Version>(value);
  if (!version) return fail("bad_message", fmt::format("join: {}.", version.error().message));
  if (version->version != 1)
    return fail(
        "version_unsupported",
        fmt::format("This server speaks version 1 of the protocol, not {}. Reload the page.",
                    version->version));
  auto decoded = json::decode<message::Join>(value);
  if (!decoded) return fail("bad_message", fmt::format("join: {}.", decoded.error().message));
  message::Join join = std::move(*decoded);
  if (!is_room_name(join.room))
    return fail("bad_room", "The room's name must be 1 to 64 characters of a-z, 0-9 and -.");
  auto name = person_name(join.name);
  if (!name)
    return fail("bad_name", "Your name must be 1 to 64 characters, without control characters.");
  join.name = std::move(*name);
  if (join.token && join.token->size() > max_token)
    return fail("bad_message", fmt::format("join: token: at most {} characters.", max_token));
  if (join.resume && join.resume->size() > max_resume)
    return fail("bad_message", fmt::format("join: resume: at most {} characters.", max_resume));
  return join;
}

// What is shown has an area.
template <typename Picture>
bool has_size(const Picture& picture) {
  const auto side = [](std::uint16_t pixels) { return pixels >= 1 && pixels <= max_side; };
  return side(picture.width) && side(picture.height);
}

template <>
Result<message::View> decode(const json::Value& value) {
  auto decoded = json::decode<message::View>(value);
  if (!decoded) return fail("bad_message", fmt::format("view: {}.", decoded.error().message));
  if (decoded->people.size() > max_shown)
    return fail("bad_message", fmt::format("view: people: at most {}.", max_shown));
  if (!std::ranges::all_of(decoded->people, has_size<message::Shown>) ||
      (decoded->screen && !has_size(*decoded->screen)))
    return fail(
        "bad_message",
        fmt::format("view: width and height: from 1 to {}. Leave out who is not shown.", max_side));
  return std::move(*decoded);
}

template <typename Variant>
Result<Variant> read(std::string_view text) {
  const auto value = json::parse(text, max_message);
  if (!value)
    return fail("bad_message", fmt::format("Not a JSON text: {}.", value.error().message));
  const boost::json::object* object = value->if_object();
  const json::Value* t = object == nullptr ? nullptr : object->if_contains("t");
  if (t == nullptr || !t->is_string())
    return fail("bad_message", "A message is an object whose member t names its type.");
  const std::string_view wanted(t->get_string().data(), t->get_string().size());
  std::optional<Result<Variant>> result;
  boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, Variant>>(
      [&](auto identity) {
        using Message = typename decltype(identity)::type;
        if (result || type<Message> != wanted) return;
        auto message = decode<Message>(*value);
        if (message)
          result = Variant(std::move(*message));
        else
          result = std::unexpected(std::move(message.error()));
      });
  if (!result)
    return fail("unknown_type",
                fmt::format("No message of a client has t = {}.",
                            json::to_text(t->get_string().size() > 32 ? json::Value("…") : *t)));
  return std::move(*result);
}

template <typename Variant>
std::string write(const Variant& variant) {
  return std::visit(
      [](const auto& message) {
        boost::json::object object;
        object["t"] = boost::json::string_view(type<std::remove_cvref_t<decltype(message)>>);
        json::Value members = json::encode(message);
        for (auto& member : members.get_object()) object[member.key()] = std::move(member.value());
        return json::to_text(object);
      },
      variant);
}

}  // namespace

Result<ClientMessage> read_client_message(std::string_view text) {
  return read<ClientMessage>(text);
}
Result<ServerMessage> read_server_message(std::string_view text) {
  return read<ServerMessage>(text);
}
std::string write_message(const ClientMessage& message) { return write(message); }
std::string write_message(const ServerMessage& message) { return write(message); }

bool is_room_name(std::string_view text) {
  return !text.empty() && text.size() <= max_characters && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<std::string> person_name(std::string_view text) {
  struct Character {
    char32_t value;
    std::size_t begin, end;
  };
  if (text.size() > max_name_bytes) return std::nullopt;
  std::vector<Character> characters;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t begin = text.size() - rest.size();
    const char32_t value = take_character(rest);
    characters.push_back({value, begin, text.size() - rest.size()});
  }
  const auto inked = [](const Character& character) { return !is_blank(character.value); };
  const auto first = std::ranges::find_if(characters, inked);
  if (first == characters.end()) return std::nullopt;
  const auto end = std::find_if(characters.rbegin(), characters.rend(), inked).base();
  if (static_cast<std::size_t>(end - first) > max_characters) return std::nullopt;
  const auto forbidden = [](const Character& character) { return is_forbidden(character.value); };
  if (std::any_of(first, end, forbidden)) return std::nullopt;
  return std::string(text.substr(first->begin, (end - 1)->end - first->begin));
}

}  // namespace liaison::signaling
