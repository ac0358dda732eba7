#include "signaling/room.hpp"

#include <algorithm>
#include <utility>

#include "base/ensure.hpp"
#include "signaling/credentials.hpp"

namespace liaison::signaling {
namespace {

// How long a change of quality alone may wait for others, so that a room of a hundred does not send
// a hundred rosters of one person each second.
constexpr Duration quality_delay = seconds(1);
// So many reports (one a second) must be better before better is said.
constexpr unsigned better_after = 3;

// When to try again after a worker had no place for an endpoint.
constexpr Duration refused_retry = seconds(10);

message::Quality quality_of(const sfu::EndpointQuality& report) {
  const float loss = std::max(report.loss_up, report.loss_down);
  if (loss < 0.02F && report.rtt_us < 250'000) return message::Quality::good;
  if (loss < 0.08F && report.rtt_us < 500'000) return message::Quality::fair;
  return message::Quality::poor;
}

message::Connection connection_of(const sfu::EndpointQuality& report) {
  message::Connection connection;
  if (report.rtt_us != 0) connection.rtt_ms.emplace(static_cast<double>(report.rtt_us) / 1000);
  connection.loss_up = std::clamp(report.loss_up, 0.0F, 1.0F);
  connection.loss_down = std::clamp(report.loss_down, 0.0F, 1.0F);
  connection.bitrate_up = report.bitrate_in;
  connection.bitrate_down = report.bitrate_out;
  connection.over_tcp = report.over_tcp;
  if (report.estimate != 0) {
    connection.bandwidth_down = report.estimate;
    connection.wanted_down = report.wanted;
    connection.bandwidth_limited = report.limited;
  }
  return connection;
}

std::array<bool, source_count> by_source(const message::Publish& published) {
  return {published.microphone, published.camera, published.screen, published.screen_audio};
}

}  // namespace

// ── People come and go ──

void Room::join(ParticipantId id, std::string public_id, std::string name, Instant now,
                Output& out) {
  Participant person;
  person.id = id;
  person.public_id = std::move(public_id);
  person.name = std::move(name);
  people_.push_back(std::move(person));
  slots_stale_ = true;
  settle(now, out);
}

void Room::attach(ParticipantId id, Instant now, Output& out) {
  Participant& person = find(id);
  person.attached = true;
  person.greeted = false;
  // It may be another page, which says what it shows.
  person.view.reset();
  settle(now, out);
}

std::vector<message::Person> Room::people(ParticipantId id) const {
  std::vector<message::Person> list;
  for (const Participant& person : people_) {
    if (person.id != id) list.push_back(person.shown_as);
  }
  return list;
}

bool Room::has_media(ParticipantId id) const { return find(id).media.has_value(); }

void Room::greet(ParticipantId id, Output& out) {
  Participant& person = find(id);
  person.greeted = true;
  if (person.media) {
    tell_slots(person, out);
    tell_layers(person, Source::camera, out);
    tell_layers(person, Source::screen, out);
    for (const Source source : {Source::microphone, Source::screen_audio}) {
      tell_redundancy(person, source, out);
    }
    if (!person.media->paused.empty()) tell_paused(person, out);
  }
  if (speaker_) tell(person, message::Speaker{public_id(speaker_)}, out);
}

void Room::detach(ParticipantId id, Instant now, Output& out) {
  Participant& person = find(id);
  person.attached = false;
  person.greeted = false;
  settle(now, out);
}

void Room::leave(ParticipantId id, Instant now, Output& out) {
  remove(id, out);
  settle(now, out);
}

void Room::remove(ParticipantId id, Output& out) {
  Participant& person = find(id);
  if (person.media) out.commands.emplace_back(sfu::CloseEndpoint{person.media->endpoint});
  left_.push_back(person.public_id);
  out.departed.push_back(id);
  people_.erase(people_.begin() + (&person - people_.data()));
  slots_stale_ = true;
  if (speaker_ == id) set_speaker({}, out);
}

void Room::publish(ParticipantId id, const message::Publish& published, Instant now, Output& out) {
  Participant& person = find(id);
  if (published.screen != person.published.screen) {
    person.shared = published.screen ? ++shares_ : 0;
    slots_stale_ = true;
  }
  person.published = published;
  program_stale_ = true;
  activate_tracks(person, out);
  settle(now, out);
}

void Room::view(ParticipantId id, const message::View& shown, Instant now, Output& out) {
  Participant& person = find(id);
  person.view = shown;
  if (person.media) {
    person.media->viewed_slots = person.media->person_slots;
    set_view(person, out);
  }
  settle(now, out);
}

// ── Clients without signaling of their own ──

void Room::join_publisher(ParticipantId id, std::string public_id, std::string name, Instant now,
                          Output& out) {
  Participant person;
  person.id = id;
  person.public_id = std::move(public_id);
  person.name = std::move(name);
  person.publisher = true;
  person.attached = false;
  people_.push_back(std::move(person));
  slots_stale_ = true;
  settle(now, out);
}

std::string Room::publish(ParticipantId id, const Offer& offer, const MediaAddress& place,
                          Instant now, Output& out) {
  ENSURE(offer.role == Role::publisher);
  Participant& person = find(id);
  person.published = {};
  for (const Offer::Line& line : offer.lines)
    (line.source == Source::microphone ? person.published.microphone : person.published.camera) =
        true;
  open_media(person, offer, place, out);
  person.media_lost = false;
  person.absent_since.reset();
  std::string answer = write_answer(offer, person.media->local, place);
  settle(now, out);
  return answer;
}

std::string Room::watch(ParticipantId id, std::string public_id, const Offer& offer,
                        const std::string& watched, const MediaAddress& place, Output& out) {
  return audience_.open(id, std::move(public_id), settings_.ids.next<EndpointId>(), offer, watched,
                        tracks_of(watched), place, out.commands);
}

void Room::stop_watching(ParticipantId id, Output& out) { audience_.close(id, out.commands); }

std::optional<std::string> Room::restart_ice(ParticipantId id,
                                             const transport::IceCredentials& remote, Output& out) {
  const auto person = std::ranges::find(people_, id, &Participant::id);
  if (person == people_.end()) return audience_.restart_ice(id, remote.ufrag, out.commands);
  if (!person->media) return std::nullopt;
  restart_media(*person->media, remote, out);
  return write_restart(person->media->local, *person->media->place);
}

bool Room::has_person(std::string_view public_id) const {
  return std::ranges::find(people_, public_id, &Participant::public_id) != people_.end();
}

// Nobody who says nothing for a while makes room for another: whoever spoke last stays, and while
// nobody has spoken, whoever sends something.
void Room::choose_program() {
  const auto sends = [](const Participant& person) {
    return person.published.microphone || person.published.camera;
  };
  const auto speaker = std::ranges::find(people_, speaker_, &Participant::id);
  if (speaker != people_.end()) {
    program_ = speaker_;
    return;
  }
  const auto before = std::ranges::find(people_, program_, &Participant::id);
  if (before != people_.end() && sends(*before)) return;
  const Participant* best = nullptr;
  for (const Participant& person : people_) {
    if (sends(person) && (best == nullptr || person.spoke > best->spoke)) best = &person;
  }
  program_ = best == nullptr ? ParticipantId{} : best->id;
}

Audience::Tracks Room::tracks_of(const std::string& watched) const {
  ParticipantId id = program_;
  if (!watched.empty()) {
    const auto person = std::ranges::find(people_, watched, &Participant::public_id);
    id = person == people_.end() ? ParticipantId{} : person->id;
  }
  return {track(id, Source::microphone), track(id, Source::camera)};
}

void Room::follow_program(Output& out) {
  choose_program();
  audience_.follow([this](const std::string& watched) { return tracks_of(watched); }, out.commands);
}

// ── Media ──

Result<void> Room::offer(ParticipantId id, const message::Offer& message, const MediaAddress& place,
                         Instant now, Output& out) {
  Participant& person = find(id);
  const auto offer = read_offer(message.sdp, settings_.codecs, settings_.limits.person_slots);
  if (!offer) return std::unexpected(offer.error());
  if (person.media && person.media->fingerprint == offer->fingerprint) {
    if (auto result = continue_media(person, *offer, out); !result) return result;
  } else if (person.closed == offer->fingerprint) {
    return fail("bad_offer",
                "The server has given this connection up. Make a new RTCPeerConnection, with a new "
                "certificate.");
  } else {
    open_media(person, *offer, place, out);
  }
  const Media& media = *person.media;
  tell(person, message::Answer{message.id, write_answer(*offer, media.local, *media.place)}, out);
  settle(now, out);
  return {};
}

// An ICE restart (RFC 8445 section 9), or the same again.
Result<void> Room::continue_media(Participant& person, const Offer& offer, Output& out) {
  Media& media = *person.media;
  const bool grows = offer.person_slots > media.person_slots;
  LocalMedia local = media.local;
  if (grows) extend_local_media(offer, local);
  if (offer.screen_line != media.screen_line || offer.person_slots < media.person_slots ||
      !repeats(media.description, describe_media(offer, local)))
    return fail("bad_offer",
                "A later offer must repeat the m-lines, codecs and extensions of the first; it may "
                "add person slots behind them. To change more, make a new RTCPeerConnection.");
  ++local.version;
  media.local = std::move(local);
  if (grows) add_slots(person, offer, out);
  if (offer.remote != media.remote) restart_media(media, offer.remote, out);
  return {};
}

void Room::restart_media(Media& media, const transport::IceCredentials& remote, Output& out) {
  media.remote = remote;
  media.local.credentials = draw_credentials(media.place->worker);
  out.commands.emplace_back(
      sfu::RestartIce{media.endpoint, media.local.credentials, media.remote.ufrag});
}

void Room::add_slots(Participant& person, const Offer& offer, Output& out) {
  Media& media = *person.media;
  media.person_slots = offer.person_slots;
  media.description = describe_media(offer, media.local);
  media.assigned.resize(down_track_count(offer.person_slots));
  out.commands.emplace_back(sfu::UpdateMedia{media.endpoint, media.description});
  person.slots.grow(offer.person_slots);
  media.slots_told = false;
  slots_stale_ = true;
}

void Room::open_media(Participant& person, const Offer& offer, const MediaAddress& place,
                      Output& out) {
  if (person.media) {
    out.commands.emplace_back(sfu::CloseEndpoint{person.media->endpoint});
    forget_media(person);
  }
  std::array<TrackId, source_count> tracks;
  for (TrackId& track : tracks) track = settings_.ids.next<TrackId>();
  Media media;
  media.endpoint = settings_.ids.next<EndpointId>();
  media.place = &place;
  media.remote = offer.remote;
  media.fingerprint = offer.fingerprint;
  media.person_slots = media.viewed_slots = offer.person_slots;
  media.screen_line = offer.screen_line;
  media.local = draw_local_media(offer, draw_credentials(place.worker), tracks);
  media.description = describe_media(offer, media.local);
  media.assigned.resize(media.description.down.size());
  out.commands.emplace_back(sfu::OpenEndpoint{media.endpoint, settings_.call,
                                              media.local.credentials, media.remote.ufrag,
                                              media.fingerprint, media.description});
  person.media = std::move(media);
  person.has_offered = !person.publisher;
  // A client that comes back finds the same people in the same slots.
  if (person.slots.people().size() != offer.person_slots) person.slots = Slots(offer.person_slots);
  slots_stale_ = true;
  activate_tracks(person, out);
}

void Room::forget_media(Participant& person) {
  person.closed = person.media->fingerprint;
  person.media.reset();
  person.quality = message::Quality::unknown;
  slots_stale_ = true;
}

void Room::activate_tracks(Participant& person, Output& out) {
  if (!person.media) return;
  Media& media = *person.media;
  const auto wanted = by_source(person.published);
  for (std::size_t i = 0; i < source_count; ++i) {
    if (media.active[i] == wanted[i]) continue;
    media.active[i] = wanted[i];
    out.commands.emplace_back(
        sfu::SetTrackActive{media.endpoint, media.local.tracks[i], wanted[i]});
  }
}

// ── Events ──

void Room::receive(const sfu::Event& event, Instant now, Output& out) {
  if (audience_.receive(event, out.departed)) return;
  if (const auto* change = std::get_if<sfu::SpeakerChanged>(&event)) {
    take_speaker(*change, out);
  } else if (const auto* connected = std::get_if<sfu::EndpointConnected>(&event)) {
    Participant* person = find_endpoint(connected->endpoint);
    if (person == nullptr) return;
    person->media->up = true;
    person->media_lost = false;
  } else if (const auto* disconnected = std::get_if<sfu::EndpointDisconnected>(&event)) {
    Participant* person = find_endpoint(disconnected->endpoint);
    if (person == nullptr) return;
    person->media->up = false;
    person->media_lost = true;
    person->quality = message::Quality::unknown;
  } else if (const auto* closed = std::get_if<sfu::EndpointClosed>(&event)) {
    Participant* person = find_endpoint(closed->endpoint);
    if (person == nullptr) return;
    person->media_lost = true;
    forget_media(*person);
    // An encoder has nothing but its media: to close it is to leave.
    if (person->publisher && closed->reason == sfu::CloseReason::closed_by_peer) {
      remove(person->id, out);
      settle(now, out);
      return;
    }
    if (closed->reason == sfu::CloseReason::refused)
      tell(*person,
           message::Error{
               "server_full",
               "The server cannot take your media now. Try again with a new "
               "RTCPeerConnection.",
               false,
               static_cast<std::uint64_t>(duration_cast<milliseconds>(refused_retry).count())},
           out);
  } else if (const auto* report = std::get_if<sfu::EndpointQuality>(&event)) {
    Participant* person = find_endpoint(report->endpoint);
    if (person == nullptr) return;
    take_quality(*person, *report, out);
  } else if (const auto* layers = std::get_if<sfu::LayersWanted>(&event)) {
    take_layers(*layers, out);
  } else if (const auto* redundancy = std::get_if<sfu::RedundancyWanted>(&event)) {
    take_redundancy(*redundancy, out);
  } else if (const auto* paused = std::get_if<sfu::SlotsPaused>(&event)) {
    Participant* person = find_endpoint(paused->endpoint);
    if (person == nullptr) return;
    person->media->paused = paused->slots;
    tell_paused(*person, out);
  }
  settle(now, out);
}

void Room::take_quality(Participant& person, const sfu::EndpointQuality& report, Output& out) {
  tell(person, connection_of(report), out);
  // Worse is said at once, better when it lasts: a picture that flickers helps nobody.
  const message::Quality quality = quality_of(report);
  person.better_reports = quality > person.quality ? person.better_reports + 1 : 0;
  const bool first = person.quality == message::Quality::unknown;
  if (!first && quality >= person.quality && person.better_reports < better_after) return;
  person.quality = quality;
  person.better_reports = 0;
}

std::optional<Source> Room::source_of(const Media& media, TrackId track) {
  const auto line = std::ranges::find(media.local.tracks, track);
  if (line == media.local.tracks.end()) return std::nullopt;
  return static_cast<Source>(line - media.local.tracks.begin());
}

void Room::take_redundancy(const sfu::RedundancyWanted& wanted, Output& out) {
  Participant* person = find_endpoint(wanted.endpoint);
  if (person == nullptr) return;
  const auto source = source_of(*person->media, wanted.track);
  if (!source) return;
  person->media->redundant[std::to_underlying(*source)] = wanted.wanted;
  tell_redundancy(*person, *source, out);
}

void Room::tell_redundancy(const Participant& person, Source source, Output& out) const {
  const std::optional<bool> wanted = person.media->redundant[std::to_underlying(source)];
  if (!wanted) return;
  tell(person,
       message::Redundancy{source == Source::microphone ? message::AudioSource::microphone
                                                        : message::AudioSource::screen_audio,
                           *wanted},
       out);
}

void Room::take_layers(const sfu::LayersWanted& wanted, Output& out) {
  Participant* person = find_endpoint(wanted.endpoint);
  if (person == nullptr) return;
  Media& media = *person->media;
  const auto source = source_of(media, wanted.track);
  if (!source) return;
  media.layers[std::to_underlying(*source)] = wanted;
  tell_layers(*person, *source, out);
}

void Room::tell_layers(const Participant& person, Source source, Output& out) const {
  const Media& media = *person.media;
  const auto& wanted = media.layers[std::to_underlying(source)];
  if (!wanted) return;
  message::Layers message;
  message.source =
      source == Source::screen ? message::VideoSource::screen : message::VideoSource::camera;
  // An encoder may have a camera and no microphone: the place of a source is not that of its
  // m-line.
  const auto up = std::ranges::find(media.description.up, wanted->track, &sfu::UpMedia::track);
  if (up == media.description.up.end()) return;
  const std::vector<std::string>& rids = up->rids;
  for (std::size_t i = 0; i < wanted->encodings.size(); ++i)
    message.encodings.push_back(
        {rids.empty() ? std::string() : rids[i], wanted->encodings[i], wanted->spatial_layers});
  tell(person, std::move(message), out);
}

void Room::tell_paused(const Participant& person, Output& out) const {
  const Media& media = *person.media;
  const std::size_t screen = screen_down_track(media.screen_line);
  message::Paused message;
  for (std::size_t slot = 0; slot < person.slots.people().size(); ++slot) {
    const ParticipantId id = person.slots.people()[slot];
    const std::size_t video = person_down_track(slot, media.screen_line) + 1;
    if (id && std::ranges::find(media.paused, video) != media.paused.end())
      message.people.push_back({public_id(id), message::PauseReason::bandwidth});
  }
  if (std::ranges::find(media.paused, screen) != media.paused.end())
    message.screen.emplace(message::PauseReason::bandwidth);
  tell(person, std::move(message), out);
}

// People are shown, tracks are sent: which is which changes with the slots. A picture that began
// before a browser has the answer by which it knows its slot would be lost, key frame and all.
void Room::set_view(Participant& person, Output& out) const {
  if (!person.view) return;
  Media& media = *person.media;
  std::vector<sfu::SetView::Shown> shown;
  for (std::size_t slot = 0; slot < media.viewed_slots; ++slot) {
    const ParticipantId id = person.slots.people()[slot];
    if (!id) continue;
    const auto found =
        std::ranges::find(person.view->people, public_id(id), &message::Shown::person);
    if (found == person.view->people.end()) continue;
    shown.push_back({static_cast<std::uint16_t>(person_down_track(slot, media.screen_line) + 1),
                     found->width, found->height});
  }
  if (const auto& screen = person.view->screen)
    shown.push_back({static_cast<std::uint16_t>(screen_down_track(media.screen_line)),
                     screen->width, screen->height});
  if (media.view_set && shown == media.shown) return;
  media.view_set = true;
  media.shown = shown;
  out.commands.emplace_back(sfu::SetView{media.endpoint, std::move(shown)});
}

void Room::take_speaker(const sfu::SpeakerChanged& change, Output& out) {
  const Participant* person = change.track ? find_endpoint(change.endpoint) : nullptr;
  set_speaker(person == nullptr ? ParticipantId{} : person->id, out);
}

void Room::set_speaker(ParticipantId speaker, Output& out) {
  if (speaker == speaker_) return;
  for (const ParticipantId id : {speaker_, speaker}) {
    const auto person = std::ranges::find(people_, id, &Participant::id);
    if (person != people_.end()) person->spoke = ++turns_;
  }
  speaker_ = speaker;
  slots_stale_ = true;
  message::Speaker message;
  if (speaker) message.person.emplace(public_id(speaker));
  for (const Participant& person : people_) tell(person, message, out);
}

void Room::tick(Instant now, Output& out) {
  std::vector<ParticipantId> gone;
  for (const Participant& person : people_) {
    if (person.absent_since && now >= *person.absent_since + absence_limit(person))
      gone.push_back(person.id);
  }
  for (const ParticipantId id : gone) remove(id, out);
  settle(now, out);
}

Instant Room::deadline() const {
  return std::min(quality_due_.value_or(never), next_departure_.value_or(never));
}

Duration Room::absence_limit(const Participant& person) const {
  return person.publisher ? settings_.limits.publisher_grace : settings_.limits.absence;
}

// ── What follows from a change ──

void Room::settle(Instant now, Output& out) {
  next_departure_.reset();
  for (Participant& person : people_) {
    if (person.attached || (person.media && person.media->up))
      person.absent_since.reset();
    else if (!person.absent_since)
      person.absent_since = now;
    if (!person.absent_since) continue;
    const Instant departs = *person.absent_since + absence_limit(person);
    next_departure_ = std::min(departs, next_departure_.value_or(departs));
  }
  tell_people(now, out);
  if (std::exchange(program_stale_, false) || slots_stale_) follow_program(out);
  if (!std::exchange(slots_stale_, false)) return;
  for (Participant& person : people_) {
    if (person.has_offered) assign_slots(person, out);
  }
}

message::Person Room::describe(const Participant& person) {
  const bool up = person.media && person.media->up;
  return {.id = person.public_id,
          .name = person.name,
          .microphone = person.published.microphone,
          .camera = person.published.camera,
          .screen = person.published.screen,
          .screen_audio = person.published.screen_audio,
          .connected = up || ((person.attached || person.publisher) && !person.media_lost),
          .quality = person.quality};
}

void Room::tell_people(Instant now, Output& out) {
  const bool due = quality_due_ && now >= *quality_due_;
  if (due) quality_due_.reset();
  std::vector<message::Person> changed;
  for (Participant& person : people_) {
    message::Person current = describe(person);
    if (current == person.shown_as) continue;
    message::Person same_quality = current;
    same_quality.quality = person.shown_as.quality;
    if (same_quality == person.shown_as && !due) {
      if (!quality_due_) quality_due_ = now + quality_delay;
      continue;
    }
    person.shown_as = current;
    changed.push_back(std::move(current));
  }
  const std::vector<std::string> left = std::exchange(left_, {});
  if (changed.empty() && left.empty()) return;
  for (const Participant& person : people_) {
    message::People message{changed, left};
    std::erase_if(message.changed,
                  [&](const message::Person& other) { return other.id == person.public_id; });
    if (!message.changed.empty() || !left.empty()) tell(person, std::move(message), out);
  }
}

void Room::assign_slots(Participant& person, Output& out) {
  std::vector<Candidate> others;
  const Participant* sharer = nullptr;
  for (const Participant& other : people_) {
    if (other.id == person.id) continue;
    others.push_back({other.id, other.spoke});
    if (other.shared > (sharer == nullptr ? 0 : sharer->shared)) sharer = &other;
  }
  const std::vector<ParticipantId> before(person.slots.people().begin(),
                                          person.slots.people().end());
  person.slots.assign(others, speaker_);
  const ParticipantId shown = sharer == nullptr ? ParticipantId{} : sharer->id;
  const bool changed = shown != person.sharer || !std::ranges::equal(before, person.slots.people());
  person.sharer = shown;
  if (person.media) assign_tracks(person, out);
  if (changed || (person.media && !person.media->slots_told)) tell_slots(person, out);
  if (person.media) person.media->slots_told = true;
}

void Room::tell_slots(const Participant& person, Output& out) const {
  message::Slots message;
  for (const ParticipantId id : person.slots.people()) {
    message::Slot& slot = message.slots.emplace_back();
    slot.slot = static_cast<std::uint16_t>(message.slots.size() - 1);
    if (id) slot.person.emplace(public_id(id));
  }
  if (person.sharer) message.screen.emplace(public_id(person.sharer));
  tell(person, std::move(message), out);
}

void Room::assign_tracks(Participant& person, Output& out) const {
  Media& media = *person.media;
  const auto assign = [&](std::size_t slot, TrackId track) {
    if (std::exchange(media.assigned[slot], track) == track) return;
    out.commands.emplace_back(
        sfu::AssignSlot{media.endpoint, static_cast<std::uint16_t>(slot), track});
  };
  std::size_t slot = 0;
  for (const ParticipantId id : person.slots.people()) {
    const std::size_t first = person_down_track(slot++, media.screen_line);
    assign(first, track(id, Source::microphone));
    assign(first + 1, track(id, Source::camera));
  }
  const std::size_t screen = screen_down_track(media.screen_line);
  assign(screen, track(person.sharer, Source::screen));
  assign(screen + 1, track(person.sharer, Source::screen_audio));
  set_view(person, out);
}

TrackId Room::track(ParticipantId publisher, Source source) const {
  const auto person = std::ranges::find(people_, publisher, &Participant::id);
  if (person == people_.end() || !person->media) return {};
  return person->media->local.tracks[std::to_underlying(source)];
}

void Room::tell(const Participant& person, ServerMessage message, Output& out) const {
  if (person.greeted) out.messages.push_back({person.id, std::move(message)});
}

std::string Room::public_id(ParticipantId id) const { return find(id).public_id; }

std::string Room::owner(EndpointId endpoint) const {
  if (std::string viewer = audience_.owner(endpoint); !viewer.empty()) return viewer;
  for (const Participant& person : people_) {
    if (person.media && person.media->endpoint == endpoint) return person.public_id;
  }
  return {};
}

Room::Participant& Room::find(ParticipantId id) {
  const auto person = std::ranges::find(people_, id, &Participant::id);
  ENSURE(person != people_.end());
  return *person;
}

const Room::Participant& Room::find(ParticipantId id) const {
  const auto person = std::ranges::find(people_, id, &Participant::id);
  ENSURE(person != people_.end());
  return *person;
}

Room::Participant* Room::find_endpoint(EndpointId endpoint) {
  for (Participant& person : people_) {
    if (person.media && person.media->endpoint == endpoint) return &person;
  }
  return nullptr;
}

}  // namespace liaison::signaling
