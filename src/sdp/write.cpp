#include <fmt/format.h>

#include <iterator>

#include "sdp/session.hpp"

namespace liaison::sdp {
namespace {

std::string_view name(Direction direction) {
  switch (direction) {
    case Direction::sendrecv:
      return "sendrecv";
    case Direction::sendonly:
      return "sendonly";
    case Direction::recvonly:
      return "recvonly";
    case Direction::inactive:
      return "inactive";
  }
  return {};
}

std::string_view name(Setup setup) {
  switch (setup) {
    case Setup::actpass:
      return "actpass";
    case Setup::active:
      return "active";
    case Setup::passive:
      return "passive";
    case Setup::holdconn:
      return "holdconn";
  }
  return {};
}

class Text {
 public:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += "\r\n";
  }

  // What `common` says already is left out.
  void transport(const Transport& own, const Transport& common) {
    if (own.ufrag != common.ufrag || own.password != common.password) {
      if (!own.ufrag.empty()) line("a=ice-ufrag:{}", own.ufrag);
      if (!own.password.empty()) line("a=ice-pwd:{}", own.password);
    }
    if (!own.ice_options.empty() && own.ice_options != common.ice_options)
      line("a=ice-options:{}", fmt::join(own.ice_options, " "));
    if (own.fingerprints != common.fingerprints) {
      for (const std::string& fingerprint : own.fingerprints) line("a=fingerprint:{}", fingerprint);
    }
    if (own.setup && own.setup != common.setup) line("a=setup:{}", name(*own.setup));
  }

  void format(const Format& format) {
    const unsigned type = format.payload_type;
    if (!format.encoding.empty() && format.channels == 1)
      line("a=rtpmap:{} {}/{}", type, format.encoding, format.clock_rate);
    else if (!format.encoding.empty())
      line("a=rtpmap:{} {}/{}/{}", type, format.encoding, format.clock_rate, format.channels);
    if (!format.parameters.empty()) line("a=fmtp:{} {}", type, format.parameters);
    for (const std::string& feedback : format.feedback) line("a=rtcp-fb:{} {}", type, feedback);
  }

  void media(const Media& media, const Session& session) {
    std::string formats;
    for (const Format& format : media.formats) formats += fmt::format(" {}", format.payload_type);
    // Without formats a line would not be well formed; 0 is what a refused m-line shows.
    line("m={} {} {}{}", media.kind, media.port, media.protocol, formats.empty() ? " 0" : formats);
    // ICE decides where media goes (RFC 8829 section 5.2.1).
    line("c=IN IP4 0.0.0.0");
    if (!media.mid.empty()) line("a=mid:{}", media.mid);
    line("a={}", name(media.direction));
    transport(media.transport, session.transport);
    for (const std::string& candidate : media.candidates) line("a=candidate:{}", candidate);
    if (media.end_of_candidates) line("a=end-of-candidates");
    if (media.bundle_only) line("a=bundle-only");
    if (media.rtcp_mux) line("a=rtcp-mux");
    if (media.rtcp_rsize) line("a=rtcp-rsize");
    if (media.extmap_allow_mixed && !session.extmap_allow_mixed) line("a=extmap-allow-mixed");
    for (const ExtensionMap& extension : media.extensions) {
      if (extension.direction)
        line("a=extmap:{}/{} {}", extension.id, name(*extension.direction), extension.uri);
      else
        line("a=extmap:{} {}", extension.id, extension.uri);
    }
    for (const Format& one : media.formats) format(one);
    if (!media.msid.empty()) line("a=msid:{}", media.msid);
    for (const std::string& rid : media.send_rids) line("a=rid:{} send", rid);
    for (const std::string& rid : media.recv_rids) line("a=rid:{} recv", rid);
    if (!media.send_rids.empty() || !media.recv_rids.empty()) {
      std::string directions;
      if (!media.send_rids.empty())
        directions += fmt::format(" send {}", fmt::join(media.send_rids, ";"));
      if (!media.recv_rids.empty())
        directions += fmt::format(" recv {}", fmt::join(media.recv_rids, ";"));
      line("a=simulcast:{}", directions.substr(1));
    }
    for (const SourceGroup& group : media.source_groups)
      line("a=ssrc-group:{} {}", group.semantics, fmt::join(group.ssrcs, " "));
    for (const Source& source : media.sources)
      line("a=ssrc:{} cname:{}", source.ssrc, source.cname);
  }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string write(const Session& session) {
  Text text;
  text.line("v=0");
  text.line("o=- {} {} IN IP4 0.0.0.0", session.id, session.version);
  text.line("s=-");
  text.line("t=0 0");
  for (const auto& bundle : session.bundles) text.line("a=group:BUNDLE {}", fmt::join(bundle, " "));
  if (session.ice_lite) text.line("a=ice-lite");
  if (session.extmap_allow_mixed) text.line("a=extmap-allow-mixed");
  text.transport(session.transport, {});
  for (const Media& media : session.media) text.media(media, session);
  return text.take();
}

std::string write_fragment(const Session& session) {
  Text text;
  if (session.ice_lite) text.line("a=ice-lite");
  text.line("a=ice-ufrag:{}", session.transport.ufrag);
  text.line("a=ice-pwd:{}", session.transport.password);
  if (session.media.empty()) return text.take();
  const Media& media = session.media.front();
  // RFC 8840 section 4.4: a line that only names the kind and stands for the m-line of this mid.
  text.line("m={} 9 RTP/AVP 0", media.kind);
  text.line("a=mid:{}", media.mid);
  for (const std::string& candidate : media.candidates) text.line("a=candidate:{}", candidate);
  if (media.end_of_candidates) text.line("a=end-of-candidates");
  return text.take();
}

}  // namespace liaison::sdp
