// The messages of the client protocol (docs/protocol.md) as structs, and their text. What a message
// means, and whether it may come now, is for the session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/nullable.hpp"
#include "base/result.hpp"

namespace liaison::signaling {

namespace message {

// ── Client to server ──
struct Join {
  std::uint32_t version = 1;
  std::string room;
  std::string name;  // trimmed
  std::optional<std::string> token;
  std::optional<std::string> resume;
  std::optional<std::uint64_t> attempt;
  bool operator==(const Join&) const = default;
};
struct Offer {
  std::uint64_t id = 0;
  std::string sdp;
  bool operator==(const Offer&) const = default;
};
struct Publish {
  bool microphone = false;
  bool camera = false;
  bool screen = false;
  bool screen_audio = false;
  bool operator==(const Publish&) const = default;
};
// Device pixels.
struct Size {
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  bool operator==(const Size&) const = default;
};
struct Shown {
  std::string person;
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  bool operator==(const Shown&) const = default;
};
struct View {
  std::vector<Shown> people;
  Nullable<Size> screen;
  bool operator==(const View&) const = default;
};
struct Leave {
  bool operator==(const Leave&) const = default;
};

// ── Both ways ──
struct Ping {
  std::uint64_t id = 0;
  bool operator==(const Ping&) const = default;
};
struct Pong {
  std::uint64_t id = 0;
  bool operator==(const Pong&) const = default;
};

// ── Server to client ──
enum class Media : std::uint8_t { new_, kept };
enum class Quality : std::uint8_t { unknown, poor, fair, good };

struct Person {
  std::string id;
  std::string name;
  bool microphone = false;
  bool camera = false;
  bool screen = false;
  bool screen_audio = false;
  bool connected = false;
  Quality quality = Quality::unknown;
  bool operator==(const Person&) const = default;
};
struct Joined {
  std::string you;
  std::string room;
  std::string call;
  std::string resume;
  bool resumed = false;
  Media media = Media::new_;
  std::uint16_t person_slots = 0;
  std::optional<bool> simulcast;  // whether offers may have it
  std::vector<Person> people;
  bool operator==(const Joined&) const = default;
};
struct Answer {
  std::uint64_t id = 0;
  std::string sdp;
  bool operator==(const Answer&) const = default;
};
struct People {
  std::vector<Person> changed;
  std::vector<std::string> left;
  bool operator==(const People&) const = default;
};
struct Slot {
  std::uint16_t slot = 0;
  Nullable<std::string> person;
  bool operator==(const Slot&) const = default;
};
struct Slots {
  std::vector<Slot> slots;
  Nullable<std::string> screen;
  bool operator==(const Slots&) const = default;
};
struct Speaker {
  Nullable<std::string> person;
  bool operator==(const Speaker&) const = default;
};
struct Connection {
  Nullable<double> rtt_ms;
  double loss_up = 0;
  double loss_down = 0;
  std::uint64_t bitrate_up = 0;
  std::uint64_t bitrate_down = 0;
  bool over_tcp = false;
  std::optional<std::uint64_t> bandwidth_down;  // bit/s; absent while it is not known
  std::optional<std::uint64_t> wanted_down;     // bit/s, for all that is shown
  std::optional<bool> bandwidth_limited;
  bool operator==(const Connection&) const = default;
};
enum class VideoSource : std::uint8_t { camera, screen };
struct Encoding {
  std::string rid;  // empty where there is only one
  bool active = false;
  std::uint8_t spatial_layers = 1;
  bool operator==(const Encoding&) const = default;
};
struct Layers {
  VideoSource source = VideoSource::camera;
  std::vector<Encoding> encodings;
  bool operator==(const Layers&) const = default;
};
enum class AudioSource : std::uint8_t { microphone, screen_audio };
struct Redundancy {
  AudioSource source = AudioSource::microphone;
  bool wanted = false;
  bool operator==(const Redundancy&) const = default;
};
enum class PauseReason : std::uint8_t { bandwidth };
struct PausedPerson {
  std::string person;
  PauseReason reason = PauseReason::bandwidth;
  bool operator==(const PausedPerson&) const = default;
};
struct Paused {
  std::vector<PausedPerson> people;
  Nullable<PauseReason> screen;
  bool operator==(const Paused&) const = default;
};
struct Error {
  std::string code;
  std::string message;
  bool fatal = false;
  std::optional<std::uint64_t> retry_after_ms;
  bool operator==(const Error&) const = default;
};

}  // namespace message

using ClientMessage = std::variant<message::Join, message::Offer, message::Publish, message::View,
                                   message::Ping, message::Pong, message::Leave>;
using ServerMessage =
    std::variant<message::Joined, message::Answer, message::People, message::Slots,
                 message::Speaker, message::Connection, message::Layers, message::Redundancy,
                 message::Paused, message::Error, message::Ping, message::Pong>;

// Errors: "bad_message", "unknown_type", and of a join "version_unsupported", "bad_room",
// "bad_name".
Result<ClientMessage> read_client_message(std::string_view text);
Result<ServerMessage> read_server_message(std::string_view text);
std::string write_message(const ClientMessage& message);
std::string write_message(const ServerMessage& message);

// 1 to 64 characters of a–z 0–9 -.
bool is_room_name(std::string_view text);
// The name without blanks around it; nothing unless it then has 1 to 64 characters, none of which
// is a control character or overrides the direction of text (a name must not be able to rearrange
// what stands beside it). `text` is UTF-8.
std::optional<std::string> person_name(std::string_view text);

}  // namespace liaison::signaling
