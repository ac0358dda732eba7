// One call in a room: who is there, what they publish, who sees whom.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "sfu/command.hpp"
#include "sfu/event.hpp"
#include "signaling/audience.hpp"
#include "signaling/limits.hpp"
#include "signaling/message.hpp"
#include "signaling/negotiation.hpp"
#include "signaling/slots.hpp"

namespace liaison::signaling {

// Numbers that no two things of this process share.
class IdSource {
 public:
  template <typename Identity>
  Identity next() {
    return Identity{++last_};
  }

 private:
  std::uint64_t last_ = 0;
};

// The state of a room while somebody is in it; it lives and dies with its call. It knows no
// connections, sessions or tokens: the node tells it who is attached, and at which worker
// somebody's media is to be. Everybody is told every change of the roster, so that all rosters are
// equal once all messages have arrived.
class Room {
 public:
  struct Settings {
    CallId call;
    const CodecPolicy& codecs;
    const Limits& limits;
    IdSource& ids;
  };
  struct Output {
    struct Message {
      ParticipantId to;
      ServerMessage message;
    };
    std::vector<Message> messages;
    std::vector<sfu::Command> commands;
    std::vector<ParticipantId> departed;

    void clear() {
      messages.clear();
      commands.clear();
      departed.clear();
    }
  };

  explicit Room(const Settings& settings) : settings_(settings), audience_(settings.call) {}

  // Somebody new, attached. The ids are unique in the process.
  void join(ParticipantId id, std::string public_id, std::string name, Instant now, Output& out);
  // Somebody's signaling is back. It and `join` are followed by the node's `joined` message, with
  // what people() and has_media() say, and then by greet().
  void attach(ParticipantId id, Instant now, Output& out);
  // Everybody but `id`, as last told to all.
  std::vector<message::Person> people(ParticipantId id) const;
  bool has_media(ParticipantId id) const;
  // What a client that has just joined must know besides.
  void greet(ParticipantId id, Output& out);

  // Signaling is lost; with media it goes on, without it there is a time limit.
  void detach(ParticipantId id, Instant now, Output& out);
  void leave(ParticipantId id, Instant now, Output& out);
  void publish(ParticipantId id, const message::Publish& published, Instant now, Output& out);
  // What this participant shows of the others.
  void view(ParticipantId id, const message::View& shown, Instant now, Output& out);
  // Appends the answer. A new connection gets its media at `place`, which outlives the room. Error:
  // "bad_offer".
  Result<void> offer(ParticipantId id, const message::Offer& offer, const MediaAddress& place,
                     Instant now, Output& out);

  // ── Clients without signaling of their own ──
  // Somebody new who publishes by WHIP: shown as everybody is and told nothing; gone
  // `publisher_grace` after their media is, unless they publish again. publish() follows.
  void join_publisher(ParticipantId id, std::string public_id, std::string name, Instant now,
                      Output& out);
  // A publisher's offer, in place of the one before if there was one. The answer.
  std::string publish(ParticipantId id, const Offer& offer, const MediaAddress& place, Instant now,
                      Output& out);
  // A viewer's offer (WHEP). `watched` is the public id of somebody who is here, or empty for
  // whoever speaks. The answer. Until leave(), or the end of its endpoint, which makes it
  // `departed`.
  std::string watch(ParticipantId id, std::string public_id, const Offer& offer,
                    const std::string& watched, const MediaAddress& place, Output& out);
  // Of a publisher or a viewer. The fragment that answers it; nothing if the media is over.
  std::optional<std::string> restart_ice(ParticipantId id, const transport::IceCredentials& remote,
                                         Output& out);
  void stop_watching(ParticipantId id, Output& out);
  // For the end of the call: there is nobody left to watch.
  void dismiss_audience(Output& out) { audience_.close_all(out.departed, out.commands); }
  std::size_t viewers() const { return audience_.size(); }
  bool has_person(std::string_view public_id) const;

  // Events of its worker about its endpoints and its call.
  void receive(const sfu::Event& event, Instant now, Output& out);
  void tick(Instant now, Output& out);
  Instant deadline() const;

  std::size_t size() const { return people_.size(); }
  // The public id of whose peer connection it is; empty if it is nobody's.
  std::string owner(EndpointId endpoint) const;

 private:
  // The far end of a participant's peer connection.
  struct Media {
    EndpointId endpoint;
    const MediaAddress* place = nullptr;
    transport::IceCredentials remote;
    transport::Fingerprint fingerprint;
    std::uint16_t person_slots = 0;
    std::size_t screen_line = 0;
    LocalMedia local;
    sfu::MediaDescription description;
    std::array<bool, source_count> active{};
    std::vector<TrackId> assigned;  // by down-track
    bool up = false;
    bool slots_told = false;
    std::array<std::optional<sfu::LayersWanted>, source_count> layers;  // as last heard
    std::array<std::optional<bool>, source_count> redundant;            // as last heard
    std::vector<std::uint16_t> paused;                                  // down-tracks
    std::vector<sfu::SetView::Shown> shown;                             // as last commanded
    // Those that the client has said a view with: it may not have the answer to the others yet.
    std::uint16_t viewed_slots = 0;
    bool view_set = false;
  };
  struct Participant {
    ParticipantId id;
    std::string public_id;
    std::string name;
    message::Publish published;
    bool publisher = false;  // by WHIP
    bool attached = true;
    bool greeted = false;  // since it was attached: may be sent messages
    std::optional<Media> media;
    bool media_lost = false;                       // since it was last up
    std::optional<transport::Fingerprint> closed;  // of the media that ended, if it did
    bool has_offered = false;                      // and so has slots, even if the media is lost
    Slots slots{0};
    ParticipantId sharer;  // whom the screen slot shows
    std::optional<Instant> absent_since;
    std::uint64_t spoke = 0;
    std::uint64_t shared = 0;           // the larger, the later the sharing began; 0 if not sharing
    std::optional<message::View> view;  // as last said on any connection
    message::Quality quality = message::Quality::unknown;
    unsigned better_reports = 0;  // in a row
    message::Person shown_as;     // as last told to all
  };
  // In the order of their joining.
  using People = std::vector<Participant>;

  Participant& find(ParticipantId id);
  const Participant& find(ParticipantId id) const;
  Participant* find_endpoint(EndpointId endpoint);
  static message::Person describe(const Participant& person);

  Result<void> continue_media(Participant& person, const Offer& offer, Output& out);
  static void restart_media(Media& media, const transport::IceCredentials& remote, Output& out);
  void add_slots(Participant& person, const Offer& offer, Output& out);
  void open_media(Participant& person, const Offer& offer, const MediaAddress& place, Output& out);
  // It is over; what remains is its fingerprint.
  void forget_media(Participant& person);
  void take_quality(Participant& person, const sfu::EndpointQuality& report, Output& out);
  void take_speaker(const sfu::SpeakerChanged& change, Output& out);
  // Which of its sources a track is.
  static std::optional<Source> source_of(const Media& media, TrackId track);
  void take_redundancy(const sfu::RedundancyWanted& wanted, Output& out);
  void take_layers(const sfu::LayersWanted& wanted, Output& out);
  // What is wanted of the camera and the screen, as last heard.
  void tell_layers(const Participant& person, Source source, Output& out) const;
  void tell_redundancy(const Participant& person, Source source, Output& out) const;
  void tell_paused(const Participant& person, Output& out) const;
  void set_view(Participant& person, Output& out) const;
  void set_speaker(ParticipantId speaker, Output& out);
  void activate_tracks(Participant& person, Output& out);
  Duration absence_limit(const Participant& person) const;
  // Whom viewers of the program see and hear.
  void choose_program();
  void follow_program(Output& out);
  Audience::Tracks tracks_of(const std::string& watched) const;

  // After every change: notes absences, tells the roster, assigns slots.
  void settle(Instant now, Output& out);
  void tell_people(Instant now, Output& out);
  void assign_slots(Participant& person, Output& out);
  void tell_slots(const Participant& person, Output& out) const;
  void assign_tracks(Participant& person, Output& out) const;
  TrackId track(ParticipantId publisher, Source source) const;
  std::string public_id(ParticipantId id) const;
  void tell(const Participant& person, ServerMessage message, Output& out) const;
  void remove(ParticipantId id, Output& out);

  Settings settings_;
  People people_;
  std::vector<std::string> left_;  // not told yet
  bool slots_stale_ = false;
  bool program_stale_ = false;
  std::optional<Instant> next_departure_;
  ParticipantId speaker_;
  ParticipantId program_;
  Audience audience_;
  std::uint64_t turns_ = 0;   // changes of the dominant speaker
  std::uint64_t shares_ = 0;  // begun
  std::optional<Instant> quality_due_;
};

}  // namespace liaison::signaling
