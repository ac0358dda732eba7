#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sdp/session.hpp"

namespace liaison::sdp {
namespace {

// More would not fit the seven bits of a payload type; the identifiers below have no reason to be
// longer than this.
constexpr std::size_t max_formats = 128;
constexpr std::size_t max_identifier = 256;  // RFC 8839 section 5.4: ufrag and password
constexpr std::size_t max_sources = 64;
constexpr std::size_t max_groups = 16;
constexpr std::size_t max_rid = 16;

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What comes before `separator`; `text` becomes what comes after it.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> list;
  while (!text.empty()) {
    const std::string_view word = cut(text, ' ');
    if (!word.empty()) list.push_back(word);
  }
  return list;
}

std::optional<Direction> direction_from(std::string_view name) {
  if (name == "sendrecv") return Direction::sendrecv;
  if (name == "sendonly") return Direction::sendonly;
  if (name == "recvonly") return Direction::recvonly;
  if (name == "inactive") return Direction::inactive;
  return std::nullopt;
}

std::optional<Setup> setup_from(std::string_view name) {
  if (name == "actpass") return Setup::actpass;
  if (name == "active") return Setup::active;
  if (name == "passive") return Setup::passive;
  if (name == "holdconn") return Setup::holdconn;
  return std::nullopt;
}

// Walks the lines once. Each function below returns false after it has set `error_`.
class Parser {
 public:
  // Of a fragment (RFC 8840 section 9), which is attributes and m-lines alone.
  explicit Parser(bool fragment = false) : fragment_(fragment) {}

  Result<Session> run(std::string_view text) {
    if (text.size() > max_bytes)
      return fail("bad_sdp", fmt::format("{} bytes, at most {}", text.size(), max_bytes));
    while (!text.empty()) {
      ++line_;
      std::string_view line = cut(text, '\n');
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!take_line(line)) return std::unexpected(std::move(error_));
    }
    if (line_ == 0) return fail("bad_sdp", "it is empty");
    if (!fragment_ && !has_origin_) return fail("bad_sdp", "it has no o= line");
    if (!finish_media()) return std::unexpected(std::move(error_));
    inherit();
    return std::move(session_);
  }

 private:
  bool wrong(std::string_view what) {
    error_ = Error{"bad_sdp", fmt::format("line {}: {}", line_, what)};
    return false;
  }

  Media* media() { return session_.media.empty() ? nullptr : &session_.media.back(); }

  bool take_line(std::string_view line) {
    if (fragment_ && line.empty()) return true;  // what some clients end theirs with
    if (std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < ' '; }))
      return wrong("a control character");
    if (line.size() < 2 || line[0] < 'a' || line[0] > 'z' || line[1] != '=')
      return wrong("expected a letter and '='");
    const std::string_view value = line.substr(2);
    if (fragment_ && line[0] != 'a' && line[0] != 'm') return wrong("expected a= or m=");
    if (!fragment_ && (line_ == 1) != (line[0] == 'v'))
      return wrong("v= must be the first line, and only that");
    switch (line[0]) {
      case 'v':
        return value == "0" || wrong("v= must be 0");
      case 'o':
        return take_origin(value);
      case 'm':
        return finish_media() && take_media(value);
      case 'a':
        return take_attribute(value);
      default:
        return true;
    }
  }

  // RFC 8866 section 5.2.
  bool take_origin(std::string_view value) {
    const auto fields = words(value);
    if (has_origin_ || media() != nullptr || fields.size() != 6)
      return wrong("expected one o= line of six fields");
    const auto id = number<std::uint64_t>(fields[1]);
    const auto version = number<std::uint64_t>(fields[2]);
    if (!id || !version) return wrong("o=: session id and version must be numbers of 64 bits");
    session_.id = *id;
    session_.version = *version;
    has_origin_ = true;
    return true;
  }

  // RFC 8866 section 5.14.
  bool take_media(std::string_view value) {
    if (session_.media.size() == max_media)
      return wrong(fmt::format("more than {} m-lines", max_media));
    const auto fields = words(value);
    if (fields.size() < 4) return wrong("m= needs kind, port, protocol and formats");
    Media section;
    const auto port = number<std::uint16_t>(fields[1]);
    if (!port) return wrong("m=: the port must be a number up to 65535");
    section.kind = fields[0].substr(0, max_identifier);
    section.port = *port;
    section.protocol = fields[2].substr(0, max_identifier);
    if (fields.size() - 3 > max_formats) return wrong("m=: too many formats");
    for (std::size_t i = 3; section.protocol.contains("RTP/") && i < fields.size(); ++i) {
      const auto type = number<std::uint8_t>(fields[i]);
      if (!type || *type > 127) return wrong("m=: a payload type must be a number up to 127");
      const auto same = [&](const Format& format) { return format.payload_type == *type; };
      if (std::ranges::any_of(section.formats, same)) return wrong("m=: a payload type twice");
      section.formats.push_back({.payload_type = *type});
    }
    session_.media.push_back(std::move(section));
    attributes_ = 0;
    has_direction_ = false;
    common_feedback_.clear();
    rids_.clear();
    return true;
  }

  bool take_attribute(std::string_view value) {
    if (++attributes_ > max_attributes)
      return wrong(fmt::format("more than {} attributes in one section", max_attributes));
    const std::string_view name = cut(value, ':');
    Media* const own = media();
    Transport& transport = own == nullptr ? session_.transport : own->transport;
    if (const auto direction = direction_from(name)) return take_direction(*direction);
    if (name == "ice-ufrag") return set_once(transport.ufrag, value, "ice-ufrag");
    if (name == "ice-pwd") return set_once(transport.password, value, "ice-pwd");
    if (name == "ice-options") return take_ice_options(transport, value);
    if (name == "fingerprint") return take_fingerprint(transport, value);
    if (name == "setup") return take_setup(transport, value);
    if (name == "extmap-allow-mixed") {
      (own == nullptr ? session_.extmap_allow_mixed : own->extmap_allow_mixed) = true;
      return true;
    }
    return media() == nullptr ? take_session_attribute(name, value)
                              : take_media_attribute(*media(), name, value);
  }

  bool take_session_attribute(std::string_view name, std::string_view value) {
    if (name == "ice-lite") session_.ice_lite = true;
    if (name != "group") return true;
    const auto fields = words(value);
    if (fields.empty() || fields[0] != "BUNDLE") return true;
    if (session_.bundles.size() == max_groups) return wrong("too many groups");
    if (fields.size() - 1 > max_media) return wrong("a=group: too many m-lines");
    session_.bundles.emplace_back(fields.begin() + 1, fields.end());
    return true;
  }

  bool take_media_attribute(Media& section, std::string_view name, std::string_view value) {
    if (name == "mid") return set_once(section.mid, value, "mid");
    if (name == "rtpmap") return take_rtpmap(section, value);
    if (name == "fmtp") return take_fmtp(section, value);
    if (name == "rtcp-fb") return take_feedback(section, value);
    if (name == "extmap") return take_extension(section, value);
    if (name == "ssrc") return take_source(section, value);
    if (name == "rid") return take_rid(value);
    if (name == "simulcast") return take_simulcast(section, value);
    if (name == "ssrc-group") return take_source_group(section, value);
    if (name == "msid") section.msid = value;
    if (name == "rtcp-mux") section.rtcp_mux = true;
    if (name == "rtcp-rsize") section.rtcp_rsize = true;
    if (name == "bundle-only") section.bundle_only = true;
    return true;
  }

  bool take_direction(Direction direction) {
    if (media() == nullptr) {
      session_direction_ = direction;
    } else {
      if (has_direction_) return wrong("a direction twice");
      has_direction_ = true;
      media()->direction = direction;
    }
    return true;
  }

  bool set_once(std::string& field, std::string_view value, std::string_view name) {
    if (!field.empty()) return wrong(fmt::format("a={} twice", name));
    if (value.empty() || value.size() > max_identifier)
      return wrong(fmt::format("a={}: expected 1 to {} characters", name, max_identifier));
    field = value;
    return true;
  }

  bool take_ice_options(Transport& transport, std::string_view value) {
    const auto options = words(value);
    if (options.size() > max_groups) return wrong("a=ice-options: too many");
    transport.ice_options.assign(options.begin(), options.end());
    return true;
  }

  bool take_fingerprint(Transport& transport, std::string_view value) {
    if (!value.contains(' ') || value.size() > max_identifier)
      return wrong("a=fingerprint: expected a hash's name and bytes as AB:CD:…");
    if (transport.fingerprints.size() == max_groups) return wrong("too many fingerprints");
    transport.fingerprints.emplace_back(value);
    return true;
  }

  bool take_setup(Transport& transport, std::string_view value) {
    if (transport.setup) return wrong("a=setup twice");
    transport.setup = setup_from(value);
    return transport.setup || wrong("a=setup: expected actpass, active, passive or holdconn");
  }

  // The format that a=rtpmap and a=fmtp begin with; what is not in the m-line is of no use.
  // The payload type is taken off `value`. False if it is no payload type.
  bool take_payload_type(Media& section, std::string_view& value, Format*& format) {
    const auto type = number<std::uint8_t>(cut(value, ' '));
    if (!type || *type > 127) return wrong("a payload type must be a number up to 127");
    const auto found = std::ranges::find(section.formats, *type, &Format::payload_type);
    format = found == section.formats.end() ? nullptr : &*found;
    return true;
  }

  // RFC 8866 section 6.6.
  bool take_rtpmap(Media& section, std::string_view value) {
    Format* format = nullptr;
    if (!take_payload_type(section, value, format)) return false;
    if (format == nullptr) return true;
    if (!format->encoding.empty()) return wrong("a=rtpmap twice for one payload type");
    const std::string_view encoding = cut(value, '/');
    const auto clock_rate = number<std::uint32_t>(cut(value, '/'));
    const auto channels = value.empty() ? std::uint8_t{1} : number<std::uint8_t>(value);
    if (encoding.empty() || encoding.size() > max_identifier || !clock_rate || *clock_rate == 0 ||
        !channels || *channels == 0)
      return wrong("a=rtpmap: expected NAME/RATE or NAME/RATE/CHANNELS");
    format->encoding = encoding;
    format->clock_rate = *clock_rate;
    format->channels = *channels;
    return true;
  }

  bool take_fmtp(Media& section, std::string_view value) {
    Format* format = nullptr;
    if (!take_payload_type(section, value, format)) return false;
    if (format == nullptr) return true;
    if (!format->parameters.empty()) return wrong("a=fmtp twice for one payload type");
    format->parameters = value;
    return true;
  }

  // RFC 4585 section 4.2.
  bool take_feedback(Media& section, std::string_view value) {
    if (value.starts_with("* ")) {
      if (value.size() > 2) common_feedback_.emplace_back(value.substr(2));
      return true;
    }
    Format* format = nullptr;
    if (!take_payload_type(section, value, format)) return false;
    if (format != nullptr && !value.empty()) format->feedback.emplace_back(value);
    return true;
  }

  // RFC 8285 section 8: "ID[/direction] URI [attributes]".
  bool take_extension(Media& section, std::string_view value) {
    std::string_view id_text = cut(value, ' ');
    ExtensionMap extension;
    const auto id = number<std::uint16_t>(cut(id_text, '/'));
    // Above 255 are names that an answer would have to replace by a real id (RFC 8285 section 6);
    // nobody offers them.
    if (!id || *id == 0 || *id > 255) return wrong("a=extmap: expected an id from 1 to 255");
    extension.id = static_cast<std::uint8_t>(*id);
    if (!id_text.empty()) {
      extension.direction = direction_from(id_text);
      if (!extension.direction) return wrong("a=extmap: the direction is none");
    }
    extension.uri = cut(value, ' ');
    if (extension.uri.empty()) return wrong("a=extmap: expected a URI");
    for (const ExtensionMap& other : section.extensions) {
      if (other.id == extension.id) return wrong("a=extmap: an id twice");
      if (other.uri == extension.uri) return wrong("a=extmap: a URI twice");
    }
    section.extensions.push_back(std::move(extension));
    return true;
  }

  // RFC 5576 section 4.1: "SSRC attribute:value".
  bool take_source(Media& section, std::string_view value) {
    const auto ssrc = number<std::uint32_t>(cut(value, ' '));
    if (!ssrc) return wrong("a=ssrc: expected a number of 32 bits");
    auto source = std::ranges::find(section.sources, *ssrc, &Source::ssrc);
    if (source == section.sources.end()) {
      if (section.sources.size() == max_sources) return wrong("a=ssrc: too many");
      section.sources.push_back({.ssrc = *ssrc});
      source = section.sources.end() - 1;
    }
    if (cut(value, ':') == "cname") source->cname = value.substr(0, max_identifier);
    return true;
  }

  // RFC 8851 section 10: "ID send|recv [restrictions]".
  bool take_rid(std::string_view value) {
    const std::string_view id = cut(value, ' ');
    const std::string_view direction = cut(value, ' ');
    if (id.empty() || id.size() > max_rid || (direction != "send" && direction != "recv"))
      return wrong("a=rid: expected a name of up to 16 characters, then send or recv");
    if (rids_.size() == max_groups) return wrong("a=rid: too many");
    rids_.emplace_back(direction == "send" ? 's' : 'r', id);
    return true;
  }

  // RFC 8853 section 5.1: "send A;B,C;~D recv E".
  bool take_simulcast(Media& section, std::string_view value) {
    while (!value.empty()) {
      const std::string_view direction = cut(value, ' ');
      std::string_view list = cut(value, ' ');
      if ((direction != "send" && direction != "recv") || list.empty())
        return wrong("a=simulcast: expected send or recv, then names");
      auto& rids = direction == "send" ? section.send_rids : section.recv_rids;
      if (!rids.empty()) return wrong("a=simulcast: a direction twice");
      while (!list.empty()) {
        std::string_view stream = cut(list, ';');
        std::string_view first = cut(stream, ',');
        if (first.starts_with('~')) first.remove_prefix(1);
        if (first.empty() || first.size() > max_rid || rids.size() == max_groups)
          return wrong("a=simulcast: expected names of up to 16 characters, not too many");
        if (std::ranges::find(rids, first) != rids.end()) return wrong("a=simulcast: a name twice");
        rids.emplace_back(first);
      }
    }
    return true;
  }

  // a=rid may come before or after a=simulcast.
  void settle_rids(Media& section) {
    const auto unknown = [&](char direction) {
      return [this, direction](const std::string& rid) {
        return std::ranges::find(rids_, std::pair(direction, rid)) == rids_.end();
      };
    };
    std::erase_if(section.send_rids, unknown('s'));
    std::erase_if(section.recv_rids, unknown('r'));
  }

  bool take_source_group(Media& section, std::string_view value) {
    if (section.source_groups.size() == max_groups) return wrong("a=ssrc-group: too many");
    SourceGroup group{.semantics = std::string(cut(value, ' ').substr(0, max_identifier))};
    for (const std::string_view word : words(value)) {
      const auto ssrc = number<std::uint32_t>(word);
      if (!ssrc) return wrong("a=ssrc-group: expected numbers of 32 bits");
      if (group.ssrcs.size() == max_sources) return wrong("a=ssrc-group: too many");
      group.ssrcs.push_back(*ssrc);
    }
    section.source_groups.push_back(std::move(group));
    return true;
  }

  bool finish_media() {
    if (media() == nullptr) return true;
    settle_rids(*media());
    for (Format& format : media()->formats) {
      for (const std::string& feedback : common_feedback_) {
        if (std::ranges::find(format.feedback, feedback) == format.feedback.end())
          format.feedback.push_back(feedback);
      }
    }
    if (!has_direction_ && session_direction_) media()->direction = *session_direction_;
    return true;
  }

  void inherit() {
    const Transport& common = session_.transport;
    for (Media& section : session_.media) {
      Transport& own = section.transport;
      if (own.ufrag.empty() && own.password.empty()) {
        own.ufrag = common.ufrag;
        own.password = common.password;
      }
      if (own.ice_options.empty()) own.ice_options = common.ice_options;
      if (own.fingerprints.empty()) own.fingerprints = common.fingerprints;
      if (!own.setup) own.setup = common.setup;
      if (session_.extmap_allow_mixed) section.extmap_allow_mixed = true;
    }
  }

  bool fragment_;
  Session session_;
  Error error_;
  std::size_t line_ = 0;
  std::size_t attributes_ = 0;
  bool has_origin_ = false;
  bool has_direction_ = false;
  std::optional<Direction> session_direction_;
  std::vector<std::string> common_feedback_;        // a=rtcp-fb:* of this m-line
  std::vector<std::pair<char, std::string>> rids_;  // its a=rid: 's'end or 'r'ecv
};

}  // namespace

Result<Session> parse(std::string_view text) { return Parser().run(text); }
Result<Session> parse_fragment(std::string_view text) { return Parser(true).run(text); }

std::optional<std::string_view> Format::parameter(std::string_view name) const {
  std::string_view rest = parameters;
  while (!rest.empty()) {
    std::string_view item = cut(rest, ';');
    while (item.starts_with(' ')) item.remove_prefix(1);
    const std::string_view key = cut(item, '=');
    if (same_name(key, name)) return item;
  }
  return std::nullopt;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace liaison::sdp
