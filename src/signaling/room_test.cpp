#include "signaling/room.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "signaling/test_offer.hpp"

namespace liaison::signaling {
namespace {

constexpr ParticipantId anna{101}, bo{102}, carl{103};

// A room in virtual time, its last output, and what each was last told.
class RoomTest : public ::testing::Test {
 protected:
  void enter(ParticipantId id, std::string name) {
    run([&] { room_.join(id, name, name, now_, out_); });
    run([&] { room_.greet(id, out_); });
  }
  void offer(ParticipantId id, unsigned restarts = 0, unsigned slots = 2) {
    run([&] {
      const auto result =
          room_.offer(id, {1, test_offer(static_cast<unsigned>(id.value), restarts, slots)},
                      address_, now_, out_);
      ASSERT_TRUE(result) << result.error().message;
    });
  }
  std::string offer_error(ParticipantId id, const std::string& sdp) {
    out_.clear();
    const auto result = room_.offer(id, {1, sdp}, address_, now_, out_);
    return result ? "" : result.error().message;
  }
  void publish(ParticipantId id, message::Publish published) {
    run([&] { room_.publish(id, published, now_, out_); });
  }
  void event(const sfu::Event& event) {
    run([&] { room_.receive(event, now_, out_); });
  }
  void speaks(ParticipantId id) {
    event(id ? sfu::SpeakerChanged{call_, endpoint(id), opened_.at(id).media.up[0].track}
             : sfu::SpeakerChanged{call_, {}, {}});
  }
  void run(const auto& step) {
    out_.clear();
    step();
    for (const sfu::Command& command : out_.commands) {
      if (const auto* open = std::get_if<sfu::OpenEndpoint>(&command)) {
        // Whose it is: the room says.
        const std::string owner = room_.owner(open->endpoint);
        opened_[owner == "anna" ? anna : owner == "bo" ? bo : carl] = *open;
      }
    }
  }
  EndpointId endpoint(ParticipantId id) { return opened_.at(id).endpoint; }

  // The messages of one type to one person in the last output.
  template <typename Message>
  std::vector<Message> told(ParticipantId id) const {
    std::vector<Message> list;
    for (const auto& [to, message] : out_.messages) {
      if (to != id) continue;
      if (const auto* one = std::get_if<Message>(&message)) list.push_back(*one);
    }
    return list;
  }
  template <typename Command>
  std::vector<Command> commands() const {
    std::vector<Command> list;
    for (const sfu::Command& command : out_.commands) {
      if (const auto* one = std::get_if<Command>(&command)) list.push_back(*one);
    }
    return list;
  }
  // "bo,-|carl": the persons in the slots, and the screen.
  std::string slots_of(ParticipantId id) const {
    const auto list = told<message::Slots>(id);
    if (list.empty()) return "";
    std::string text;
    for (const message::Slot& slot : list.back().slots)
      text += (text.empty() ? "" : ",") + slot.person.value_or("-");
    return text + "|" + list.back().screen.value_or("-");
  }

  Instant now_{hours(1)};
  CallId call_{7};
  Limits limits_;
  CodecPolicy codecs_{{rtp::CodecName::vp8}, true};
  MediaAddress address_{WorkerIndex{2}, {*SocketAddress::parse("192.0.2.1:3478")}, {}, {}};
  IdSource ids_;
  Room room_{Room::Settings{call_, codecs_, limits_, ids_}};
  Room::Output out_;
  std::map<ParticipantId, sfu::OpenEndpoint> opened_;
};

TEST_F(RoomTest, EverybodyLearnsWhoComesAndGoes) {
  enter(anna, "anna");
  EXPECT_TRUE(out_.messages.empty());
  run([&] { room_.join(bo, "bo", "Bo", now_, out_); });
  ASSERT_EQ(told<message::People>(anna).size(), 1U);
  EXPECT_EQ(told<message::People>(anna)[0].changed[0].name, "Bo");
  EXPECT_TRUE(told<message::People>(anna)[0].changed[0].connected);
  // Nothing before the node has sent `joined`.
  EXPECT_TRUE(told<message::People>(bo).empty());
  EXPECT_EQ(room_.people(bo).size(), 1U);
  run([&] { room_.leave(bo, now_, out_); });
  EXPECT_EQ(told<message::People>(anna)[0].left, std::vector<std::string>{"bo"});
  EXPECT_EQ(out_.departed, std::vector<ParticipantId>{bo});
  EXPECT_EQ(room_.size(), 1U);
}

TEST_F(RoomTest, AnOfferOpensAnEndpointAndGivesSlots) {
  enter(anna, "anna");
  enter(bo, "bo");
  offer(anna);
  ASSERT_EQ(told<message::Answer>(anna).size(), 1U);
  EXPECT_EQ(slots_of(anna), "bo,-|-");
  const auto open = commands<sfu::OpenEndpoint>();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].call, call_);
  EXPECT_EQ(open[0].media.up.size(), 4U);
  EXPECT_EQ(open[0].media.down.size(), 6U);
  EXPECT_TRUE(told<message::Answer>(anna)[0].sdp.contains("a=ice-ufrag:" + open[0].local.ufrag));
  // Bo has no tracks yet.
  EXPECT_TRUE(commands<sfu::AssignSlot>().empty());

  offer(bo);
  const auto& tracks = opened_.at(anna).media.up;
  std::vector<std::string> assigned;
  for (const sfu::AssignSlot& one : commands<sfu::AssignSlot>()) {
    const bool to_bo = one.endpoint == endpoint(bo);
    const auto& expected = to_bo ? tracks : opened_.at(bo).media.up;
    EXPECT_EQ(one.track, expected[one.slot].track);
    assigned.push_back((to_bo ? "bo" : "anna") + std::to_string(one.slot));
  }
  EXPECT_EQ(assigned, (std::vector<std::string>{"anna0", "anna1", "bo0", "bo1"}));
}

TEST_F(RoomTest, WhatIsNotPublishedIsNotActive) {
  enter(anna, "anna");
  publish(anna, {.microphone = true});
  EXPECT_TRUE(out_.commands.empty());
  offer(anna);
  auto active = commands<sfu::SetTrackActive>();
  ASSERT_EQ(active.size(), 1U);
  EXPECT_EQ(active[0].track, opened_.at(anna).media.up[0].track);
  EXPECT_TRUE(active[0].active);
  publish(anna, {.camera = true});
  active = commands<sfu::SetTrackActive>();
  ASSERT_EQ(active.size(), 2U);
  EXPECT_FALSE(active[0].active);
  EXPECT_EQ(active[1].track, opened_.at(anna).media.up[1].track);
  EXPECT_TRUE(active[1].active);
  publish(anna, {.camera = true});
  EXPECT_TRUE(out_.commands.empty());
}

TEST_F(RoomTest, TheScreenSlotShowsTheLatestOfTheOthers) {
  for (const auto& [id, name] : {std::pair(anna, "anna"), {bo, "bo"}, {carl, "carl"}}) {
    enter(id, name);
    offer(id);
  }
  publish(anna, {.screen = true});
  EXPECT_EQ(slots_of(bo), "anna,carl|anna");
  EXPECT_EQ(slots_of(anna), "");
  publish(bo, {.screen = true, .screen_audio = true});
  EXPECT_EQ(slots_of(anna), "bo,carl|bo");
  EXPECT_EQ(slots_of(carl), "anna,bo|bo");
  EXPECT_EQ(slots_of(bo), "");
  std::vector<TrackId> to_carl;
  for (const sfu::AssignSlot& one : commands<sfu::AssignSlot>()) {
    if (one.endpoint == endpoint(carl)) to_carl.push_back(one.track);
  }
  EXPECT_EQ(to_carl, (std::vector<TrackId>{opened_.at(bo).media.up[2].track,
                                           opened_.at(bo).media.up[3].track}));
  publish(bo, {});
  EXPECT_EQ(slots_of(carl), "anna,bo|anna");
  run([&] { room_.leave(anna, now_, out_); });
  EXPECT_EQ(slots_of(carl), "-,bo|-");
}

TEST_F(RoomTest, TheSpeakerIsToldAndGetsASlot) {
  for (const auto& [id, name] : {std::pair(anna, "anna"), {bo, "bo"}, {carl, "carl"}}) {
    enter(id, name);
    offer(id, 0, 1);
  }
  speaks(carl);
  EXPECT_EQ(told<message::Speaker>(anna)[0].person, "carl");
  EXPECT_EQ(told<message::Speaker>(carl)[0].person, "carl");
  EXPECT_EQ(slots_of(anna), "carl|-");
  EXPECT_EQ(slots_of(bo), "carl|-");
  EXPECT_EQ(slots_of(carl), "");
  speaks(carl);
  EXPECT_TRUE(out_.messages.empty());
  speaks({});
  EXPECT_FALSE(told<message::Speaker>(anna)[0].person);
  EXPECT_EQ(slots_of(anna), "");
  speaks(bo);
  EXPECT_EQ(slots_of(anna), "bo|-");
  run([&] { room_.leave(bo, now_, out_); });
  EXPECT_FALSE(told<message::Speaker>(anna).back().person);
  EXPECT_EQ(slots_of(anna), "carl|-");
}

TEST_F(RoomTest, WhoComesLateLearnsTheSpeaker) {
  enter(anna, "anna");
  offer(anna);
  speaks(anna);
  enter(bo, "bo");
  ASSERT_EQ(told<message::Speaker>(bo).size(), 1U);
  EXPECT_EQ(told<message::Speaker>(bo)[0].person, "anna");
}

TEST_F(RoomTest, AnIceRestartKeepsEverythingElse) {
  enter(anna, "anna");
  offer(anna);
  const std::string before = told<message::Answer>(anna)[0].sdp;
  offer(anna, 1);
  const auto restart = commands<sfu::RestartIce>();
  ASSERT_EQ(restart.size(), 1U);
  EXPECT_EQ(restart[0].endpoint, endpoint(anna));
  EXPECT_NE(restart[0].local, opened_.at(anna).local);
  EXPECT_TRUE(commands<sfu::OpenEndpoint>().empty());
  EXPECT_EQ(slots_of(anna), "");
  const std::string after = told<message::Answer>(anna)[0].sdp;
  EXPECT_TRUE(after.contains("a=ice-ufrag:" + restart[0].local.ufrag));
  const auto sources = [](const std::string& text) { return text.substr(text.find("a=ssrc")); };
  EXPECT_EQ(sources(before), sources(after));
  // The same offer again restarts nothing.
  offer(anna, 1);
  EXPECT_TRUE(out_.commands.empty());
  EXPECT_TRUE(told<message::Answer>(anna)[0].sdp.contains("a=ice-ufrag:" + restart[0].local.ufrag));
}

TEST_F(RoomTest, ALaterOfferMustRepeatTheFirst) {
  enter(anna, "anna");
  offer(anna, 0, 2);
  EXPECT_TRUE(offer_error(anna, test_offer(101, 1, 3)).contains("must repeat the m-lines"));
  EXPECT_TRUE(out_.commands.empty());
  EXPECT_TRUE(offer_error(anna, "v=0").contains("malformed"));
  offer(anna, 1, 2);
  EXPECT_EQ(commands<sfu::RestartIce>().size(), 1U);
}

TEST_F(RoomTest, ALaterOfferMayAddPersonSlots) {
  enter(anna, "anna");
  enter(bo, "bo");
  enter(carl, "carl");
  offer(anna, 0, 1);
  offer(bo, 0, 2);
  offer(carl, 0, 2);
  publish(carl, {.screen = true});
  const sfu::OpenEndpoint open = opened_.at(anna);
  const std::string offer = test_offer(101, 0, 1, 2);
  run([&] { ASSERT_TRUE(room_.offer(anna, {3, offer}, address_, now_, out_)); });
  EXPECT_TRUE(commands<sfu::OpenEndpoint>().empty());
  EXPECT_TRUE(commands<sfu::RestartIce>().empty());
  // What there was keeps its number, its mid and its SSRC.
  const auto updates = commands<sfu::UpdateMedia>();
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_EQ(updates[0].endpoint, endpoint(anna));
  const auto& down = updates[0].media.down;
  ASSERT_EQ(down.size(), 8U);
  EXPECT_TRUE(std::equal(open.media.down.begin(), open.media.down.end(), down.begin()));
  std::set<std::uint32_t> ssrcs;
  for (std::size_t i = 0; i < down.size(); ++i) {
    EXPECT_EQ(down[i].slot, i);
    ssrcs.insert({down[i].ssrc, down[i].rtx_ssrc});
  }
  EXPECT_EQ(ssrcs.size(), 4U * 3 + 1);
  // The answer is there before anything is sent in the new slots: the person who had none, in the
  // tracks behind those of the screen.
  EXPECT_EQ(slots_of(anna), "bo,carl,-|carl");
  std::vector<std::uint16_t> assigned;
  for (const sfu::AssignSlot& one : commands<sfu::AssignSlot>()) {
    EXPECT_EQ(one.endpoint, endpoint(anna));
    EXPECT_EQ(one.track, opened_.at(carl).media.up[one.slot - 4].track);
    assigned.push_back(one.slot);
  }
  EXPECT_EQ(assigned, (std::vector<std::uint16_t>{4, 5}));
  const std::string sdp = told<message::Answer>(anna)[0].sdp;
  EXPECT_TRUE(sdp.contains("a=msid:screen screen-video"));
  EXPECT_TRUE(sdp.contains("a=msid:person-2 person-2-video"));

  // An ICE restart repeats them all.
  EXPECT_NE(offer_error(anna, test_offer(101, 1, 1, 1)), "");
  EXPECT_NE(offer_error(anna, test_offer(101, 1, 1, 48)), "");
  EXPECT_EQ(offer_error(anna, test_offer(101, 1, 1, 2)), "");
  EXPECT_EQ(commands<sfu::RestartIce>().size(), 1U);
  EXPECT_TRUE(commands<sfu::UpdateMedia>().empty());
}

TEST_F(RoomTest, AddedSlotsShowNobodyBeforeTheClientHasTheAnswer) {
  enter(anna, "anna");
  enter(bo, "bo");
  enter(carl, "carl");
  offer(anna, 0, 1);
  offer(bo, 0, 2);
  offer(carl, 0, 2);
  const message::View view{{{"bo", 640, 360}, {"carl", 640, 360}}, {}};
  const auto shown = [&] {
    std::vector<std::uint16_t> slots;
    for (const sfu::SetView& command : commands<sfu::SetView>()) {
      for (const auto& one : command.shown) slots.push_back(one.slot);
    }
    return slots;
  };
  run([&] { room_.view(anna, view, now_, out_); });
  EXPECT_EQ(shown(), std::vector<std::uint16_t>{1});
  const std::string more = test_offer(101, 0, 1, 2);
  run([&] { ASSERT_TRUE(room_.offer(anna, {3, more}, address_, now_, out_)); });
  EXPECT_EQ(slots_of(anna), "bo,carl,-|-");
  EXPECT_TRUE(commands<sfu::SetView>().empty());
  run([&] { room_.view(anna, view, now_, out_); });
  EXPECT_EQ(shown(), (std::vector<std::uint16_t>{1, 5}));
}

TEST_F(RoomTest, APublisherIsToldWhatToSendAndAViewerWhatIsPaused) {
  enter(anna, "anna");
  enter(bo, "bo");
  offer(anna);
  offer(bo);
  const auto& up = opened_.at(anna).media.up;
  event(sfu::LayersWanted{endpoint(anna), up[1].track, {true}, 1});
  using message::VideoSource;
  const auto told_layers = told<message::Layers>(anna);
  ASSERT_EQ(told_layers.size(), 1U);
  EXPECT_EQ(told_layers[0].source, VideoSource::camera);
  ASSERT_EQ(told_layers[0].encodings.size(), 1U);
  EXPECT_TRUE(told_layers[0].encodings[0].active);
  EXPECT_TRUE(told<message::Layers>(bo).empty());

  event(sfu::SlotsPaused{endpoint(anna), {1}});
  EXPECT_EQ(told<message::Paused>(anna),
            (std::vector{message::Paused{{{"bo", message::PauseReason::bandwidth}}, {}}}));
  event(sfu::SlotsPaused{endpoint(anna), {}});
  EXPECT_EQ(told<message::Paused>(anna), (std::vector{message::Paused{}}));
}

TEST_F(RoomTest, WhoseSoundGetsLostIsToldAndToldAgain) {
  enter(anna, "anna");
  offer(anna);
  const auto& up = opened_.at(anna).media.up;
  event(sfu::RedundancyWanted{endpoint(anna), up[0].track, true});
  using message::AudioSource;
  EXPECT_EQ(told<message::Redundancy>(anna),
            (std::vector<message::Redundancy>{{AudioSource::microphone, true}}));
  event(sfu::RedundancyWanted{endpoint(anna), up[3].track, true});
  EXPECT_EQ(told<message::Redundancy>(anna),
            (std::vector<message::Redundancy>{{AudioSource::screen_audio, true}}));
  event(sfu::RedundancyWanted{endpoint(anna), up[0].track, false});
  // What was said while signaling was lost may never have come.
  run([&] { room_.detach(anna, now_, out_); });
  run([&] { room_.attach(anna, now_, out_); });
  run([&] { room_.greet(anna, out_); });
  EXPECT_EQ(told<message::Redundancy>(anna),
            (std::vector<message::Redundancy>{{AudioSource::microphone, false},
                                              {AudioSource::screen_audio, true}}));
  event(sfu::RedundancyWanted{endpoint(anna), TrackId{999}, true});
  EXPECT_TRUE(told<message::Redundancy>(anna).empty()) << "of nothing that is hers";
}

TEST_F(RoomTest, AnotherCertificateIsAnotherEndpoint) {
  enter(anna, "anna");
  enter(bo, "bo");
  offer(anna);
  offer(bo);
  const auto first = opened_.at(anna);
  run([&] { ASSERT_TRUE(room_.offer(anna, {2, test_offer(999, 0, 2)}, address_, now_, out_)); });
  ASSERT_EQ(commands<sfu::CloseEndpoint>().size(), 1U);
  EXPECT_EQ(commands<sfu::CloseEndpoint>()[0].endpoint, first.endpoint);
  EXPECT_NE(endpoint(anna), first.endpoint);
  // Bo sees the new tracks, and Anna finds Bo where he was.
  std::vector<TrackId> to_bo;
  for (const sfu::AssignSlot& one : commands<sfu::AssignSlot>()) {
    if (one.endpoint == endpoint(bo)) to_bo.push_back(one.track);
  }
  EXPECT_EQ(to_bo, (std::vector<TrackId>{opened_.at(anna).media.up[0].track,
                                         opened_.at(anna).media.up[1].track}));
  EXPECT_EQ(slots_of(anna), "bo,-|-");
  EXPECT_EQ(slots_of(bo), "");
  EXPECT_TRUE(offer_error(anna, test_offer(101, 0, 2)).contains("given this connection up"));
}

TEST_F(RoomTest, AnEndpointThatClosedIsGone) {
  enter(anna, "anna");
  enter(bo, "bo");
  offer(anna);
  offer(bo);
  event(sfu::EndpointConnected{endpoint(anna)});
  event(sfu::EndpointClosed{endpoint(anna), sfu::CloseReason::consent_expired});
  EXPECT_FALSE(told<message::People>(bo)[0].changed[0].connected);
  EXPECT_FALSE(room_.has_media(anna));
  EXPECT_TRUE(commands<sfu::CloseEndpoint>().empty());
  for (const sfu::AssignSlot& one : commands<sfu::AssignSlot>()) EXPECT_FALSE(one.track);
  EXPECT_EQ(commands<sfu::AssignSlot>().size(), 2U);
  EXPECT_TRUE(offer_error(anna, test_offer(101, 1, 2)).contains("new RTCPeerConnection"));
  run([&] { ASSERT_TRUE(room_.offer(anna, {2, test_offer(999, 0, 2)}, address_, now_, out_)); });
  EXPECT_TRUE(told<message::People>(bo).empty());
  event(sfu::EndpointConnected{endpoint(anna)});
  EXPECT_TRUE(told<message::People>(bo)[0].changed[0].connected);
}

TEST_F(RoomTest, AWorkerThatIsFullIsNoEnd) {
  enter(anna, "anna");
  offer(anna);
  event(sfu::EndpointClosed{endpoint(anna), sfu::CloseReason::refused});
  ASSERT_EQ(told<message::Error>(anna).size(), 1U);
  EXPECT_EQ(told<message::Error>(anna)[0].code, "server_full");
  EXPECT_FALSE(told<message::Error>(anna)[0].fatal);
  EXPECT_EQ(told<message::Error>(anna)[0].retry_after_ms, 10'000U);
  EXPECT_FALSE(room_.has_media(anna));
}

TEST_F(RoomTest, ConnectedMeansMediaOrElseSignaling) {
  enter(anna, "anna");
  enter(bo, "bo");
  offer(anna);
  EXPECT_TRUE(told<message::People>(bo).empty());
  event(sfu::EndpointConnected{endpoint(anna)});
  EXPECT_TRUE(told<message::People>(bo).empty());
  event(sfu::EndpointDisconnected{endpoint(anna)});
  EXPECT_FALSE(told<message::People>(bo)[0].changed[0].connected);
  event(sfu::EndpointConnected{endpoint(anna)});
  EXPECT_TRUE(told<message::People>(bo)[0].changed[0].connected);
  // Media flows: signaling alone may be away for long.
  run([&] { room_.detach(anna, now_, out_); });
  EXPECT_TRUE(told<message::People>(bo).empty());
  EXPECT_EQ(room_.deadline(), never);
  event(sfu::EndpointDisconnected{endpoint(anna)});
  EXPECT_FALSE(told<message::People>(bo)[0].changed[0].connected);
  EXPECT_EQ(room_.deadline(), now_ + seconds(30));
}

TEST_F(RoomTest, AbsenceEndsAfterHalfAMinute) {
  enter(anna, "anna");
  enter(bo, "bo");
  offer(anna);
  run([&] { room_.detach(anna, now_, out_); });
  EXPECT_FALSE(told<message::People>(bo)[0].changed[0].connected);
  now_ += seconds(20);
  run([&] { room_.attach(anna, now_, out_); });
  EXPECT_TRUE(told<message::People>(bo)[0].changed[0].connected);
  run([&] { room_.greet(anna, out_); });
  EXPECT_EQ(slots_of(anna), "bo,-|-");
  EXPECT_EQ(room_.deadline(), never);
  run([&] { room_.detach(anna, now_, out_); });
  now_ += seconds(30) - nanoseconds(1);
  run([&] { room_.tick(now_, out_); });
  EXPECT_TRUE(out_.departed.empty());
  now_ += nanoseconds(1);
  run([&] { room_.tick(now_, out_); });
  EXPECT_EQ(out_.departed, std::vector<ParticipantId>{anna});
  EXPECT_EQ(told<message::People>(bo)[0].left, std::vector<std::string>{"anna"});
  ASSERT_EQ(commands<sfu::CloseEndpoint>().size(), 1U);
  EXPECT_EQ(commands<sfu::CloseEndpoint>()[0].endpoint, endpoint(anna));
}

TEST_F(RoomTest, EachHearsOfTheOwnConnection) {
  enter(anna, "anna");
  enter(bo, "bo");
  offer(anna);
  event(sfu::EndpointQuality{endpoint(anna), 23'500, 0.0F, 0.25F, 1000, 2000, true});
  ASSERT_EQ(told<message::Connection>(anna).size(), 1U);
  const auto connection = told<message::Connection>(anna)[0];
  EXPECT_EQ(connection.rtt_ms, 23.5);
  EXPECT_EQ(connection.loss_down, 0.25);
  EXPECT_EQ(connection.bitrate_up, 1000U);
  EXPECT_EQ(connection.bitrate_down, 2000U);
  EXPECT_TRUE(connection.over_tcp);
  EXPECT_TRUE(told<message::Connection>(bo).empty());
  event(sfu::EndpointQuality{endpoint(anna), 0, 2.0F, 0.0F, 0, 0, false});
  EXPECT_FALSE(told<message::Connection>(anna)[0].rtt_ms);
  EXPECT_EQ(told<message::Connection>(anna)[0].loss_up, 1.0);
}

TEST_F(RoomTest, QualityWorsensAtOnceAndImprovesWhenItLasts) {
  enter(anna, "anna");
  enter(bo, "bo");
  offer(anna);
  const auto after = [&](std::uint32_t rtt_us, float loss) {
    event(sfu::EndpointQuality{endpoint(anna), rtt_us, loss, 0.0F, 0, 0, false});
    now_ += seconds(1);
    run([&] { room_.tick(now_, out_); });
    const auto people = told<message::People>(bo);
    return people.empty()                                           ? std::string("same")
           : people[0].changed[0].quality == message::Quality::good ? "good"
           : people[0].changed[0].quality == message::Quality::fair ? "fair"
           : people[0].changed[0].quality == message::Quality::poor ? "poor"
                                                                    : "unknown";
  };
  EXPECT_EQ(after(20'000, 0.0F), "good");
  EXPECT_EQ(after(20'000, 0.03F), "fair");
  EXPECT_EQ(after(20'000, 0.1F), "poor");
  EXPECT_EQ(after(20'000, 0.0F), "same");
  EXPECT_EQ(after(300'000, 0.0F), "same");
  EXPECT_EQ(after(20'000, 0.0F), "good");
  EXPECT_EQ(after(300'000, 0.0F), "fair");
  EXPECT_EQ(after(20'000, 0.0F), "same");
  EXPECT_EQ(after(300'000, 0.0F), "same");
  EXPECT_EQ(after(20'000, 0.0F), "same");
  EXPECT_EQ(after(600'000, 0.0F), "poor");
  event(sfu::EndpointDisconnected{endpoint(anna)});
  EXPECT_EQ(told<message::People>(bo)[0].changed[0].quality, message::Quality::unknown);
}

TEST_F(RoomTest, QualitiesAreToldTogether) {
  for (const auto& [id, name] : {std::pair(anna, "anna"), {bo, "bo"}, {carl, "carl"}}) {
    enter(id, name);
    offer(id);
  }
  for (const ParticipantId id : {anna, bo}) {
    event(sfu::EndpointQuality{endpoint(id), 1000, 0.0F, 0.0F, 0, 0, false});
    EXPECT_TRUE(told<message::People>(carl).empty());
  }
  EXPECT_EQ(room_.deadline(), now_ + seconds(1));
  now_ += seconds(1);
  run([&] { room_.tick(now_, out_); });
  ASSERT_EQ(told<message::People>(carl).size(), 1U);
  EXPECT_EQ(told<message::People>(carl)[0].changed.size(), 2U);
  EXPECT_EQ(told<message::People>(anna)[0].changed.size(), 1U);
  EXPECT_EQ(room_.deadline(), never);
}

TEST_F(RoomTest, EventsOfOthersChangeNothing) {
  enter(anna, "anna");
  offer(anna);
  for (const sfu::Event& one :
       {sfu::Event{sfu::EndpointConnected{EndpointId{99}}},
        sfu::Event{sfu::EndpointDisconnected{EndpointId{99}}},
        sfu::Event{sfu::EndpointClosed{EndpointId{99}, sfu::CloseReason::commanded}},
        sfu::Event{sfu::EndpointQuality{EndpointId{99}}}, sfu::Event{}}) {
    event(one);
    EXPECT_TRUE(out_.messages.empty());
    EXPECT_TRUE(out_.commands.empty());
  }
}

// ── WHIP and WHEP ──

class RoomWhipTest : public RoomTest {
 protected:
  void publish_by_whip(ParticipantId id, unsigned certificate = 7) {
    const auto offer =
        read_offer(test_whip_offer(certificate, "sendonly"), codecs_, Role::publisher);
    ASSERT_TRUE(offer) << offer.error().message;
    run([&] {
      EXPECT_TRUE(room_.publish(id, *offer, address_, now_, out_).contains("a=recvonly"));
    });
  }
  void come(ParticipantId id, std::string name) {
    run([&] { room_.join_publisher(id, name, name, now_, out_); });
    publish_by_whip(id);
  }
  void watch(ParticipantId id, std::string watched = "") {
    const auto offer = read_offer(test_whip_offer(8, "recvonly"), codecs_, Role::viewer);
    ASSERT_TRUE(offer) << offer.error().message;
    out_.clear();
    const std::string answer = room_.watch(id, "viewer", *offer, watched, address_, out_);
    EXPECT_TRUE(answer.contains("a=sendonly"));
    const auto open = commands<sfu::OpenEndpoint>();
    ASSERT_EQ(open.size(), 1U);
    viewers_[id] = open[0].endpoint;
  }
  // "audio,video" of what was assigned to a viewer in the last output.
  std::string assigned(ParticipantId id) const {
    std::string text;
    for (const auto& assign : commands<sfu::AssignSlot>()) {
      if (assign.endpoint == viewers_.at(id))
        text += (text.empty() ? "" : ",") + std::to_string(assign.track.value);
    }
    return text;
  }
  std::string tracks(ParticipantId id) const {
    const auto& up = opened_.at(id).media.up;
    return std::to_string(up[0].track.value) + "," + std::to_string(up[1].track.value);
  }
  bool tick_at(Duration after) {
    const Instant at = now_ + after;
    if (room_.deadline() > at) return false;
    now_ = at;
    run([&] { room_.tick(now_, out_); });
    return true;
  }

  std::map<ParticipantId, EndpointId> viewers_;
};

constexpr ParticipantId vera{201}, vito{202};

TEST_F(RoomWhipTest, APublisherIsShownAsEverybodyIs) {
  enter(anna, "anna");
  offer(anna);
  run([&] { room_.join_publisher(bo, "bo", "Bo", now_, out_); });
  publish_by_whip(bo);
  ASSERT_EQ(told<message::People>(anna).size(), 1U);
  const message::Person shown = told<message::People>(anna)[0].changed[0];
  EXPECT_EQ(shown.name, "Bo");
  EXPECT_TRUE(shown.microphone && shown.camera && shown.connected);
  EXPECT_FALSE(shown.screen);
  EXPECT_EQ(commands<sfu::SetTrackActive>().size(), 2U);
  const auto assigned_to_anna = commands<sfu::AssignSlot>();
  ASSERT_EQ(assigned_to_anna.size(), 2U);
  EXPECT_EQ(assigned_to_anna[0].track, opened_.at(bo).media.up[0].track);
  EXPECT_TRUE(told<message::Slots>(bo).empty()) << "it has nobody to tell";
}

TEST_F(RoomWhipTest, APublisherHasTwentySecondsToComeBack) {
  enter(anna, "anna");
  come(bo, "bo");
  const EndpointId first = endpoint(bo);
  event(sfu::EndpointConnected{first});
  EXPECT_EQ(room_.deadline(), never);
  event(sfu::EndpointDisconnected{first});
  EXPECT_FALSE(told<message::People>(anna).back().changed[0].connected);
  EXPECT_FALSE(tick_at(milliseconds(19'999)));
  publish_by_whip(bo, 9);
  EXPECT_EQ(commands<sfu::CloseEndpoint>().size(), 1U);
  EXPECT_NE(endpoint(bo), first);
  EXPECT_TRUE(told<message::People>(anna).back().changed[0].connected);
  // Nothing ever came over this one.
  EXPECT_FALSE(tick_at(milliseconds(19'999)));
  EXPECT_TRUE(tick_at(milliseconds(20'000)));
  EXPECT_EQ(out_.departed, std::vector<ParticipantId>{bo});
  EXPECT_EQ(told<message::People>(anna)[0].left, std::vector<std::string>{"bo"});
}

TEST_F(RoomWhipTest, APublisherWhoClosesItsMediaHasLeft) {
  enter(anna, "anna");
  come(bo, "bo");
  event(sfu::EndpointConnected{endpoint(bo)});
  event(sfu::EndpointClosed{endpoint(bo), sfu::CloseReason::closed_by_peer});
  EXPECT_EQ(out_.departed, std::vector<ParticipantId>{bo});
  EXPECT_EQ(told<message::People>(anna)[0].left, std::vector<std::string>{"bo"});
  // What broke may be mended.
  come(carl, "carl");
  event(sfu::EndpointClosed{endpoint(carl), sfu::CloseReason::handshake_failed});
  EXPECT_TRUE(out_.departed.empty());
  EXPECT_EQ(room_.size(), 2U);
}

TEST_F(RoomWhipTest, AViewerSeesWhomItAskedFor) {
  enter(anna, "anna");
  offer(anna);
  come(bo, "bo");
  watch(vera, "bo");
  EXPECT_EQ(assigned(vera), tracks(bo));
  speaks(anna);
  EXPECT_EQ(assigned(vera), "") << "whoever speaks";
  publish_by_whip(bo, 9);
  EXPECT_EQ(assigned(vera), tracks(bo)) << "a new connection has new tracks";
  run([&] { room_.leave(bo, now_, out_); });
  EXPECT_EQ(assigned(vera), "0,0");
  EXPECT_EQ(room_.viewers(), 1U);
}

TEST_F(RoomWhipTest, AViewerOfTheProgramSeesWhoSpeaks) {
  enter(anna, "anna");
  watch(vera);
  EXPECT_EQ(assigned(vera), "") << "there is nothing yet";
  offer(anna);
  EXPECT_EQ(assigned(vera), "") << "she publishes nothing";
  come(bo, "bo");
  EXPECT_EQ(assigned(vera), tracks(bo)) << "nobody has spoken: whoever sends";
  publish(anna, {true, true, false, false});
  EXPECT_EQ(assigned(vera), "") << "a reason to change is to speak";
  speaks(anna);
  EXPECT_EQ(assigned(vera), tracks(anna));
  watch(vito);
  EXPECT_EQ(assigned(vito), tracks(anna));
  speaks({});
  EXPECT_EQ(assigned(vera), "") << "whoever spoke last stays";
  speaks(bo);
  EXPECT_EQ(assigned(vera), tracks(bo));
  EXPECT_EQ(assigned(vito), tracks(bo));
  run([&] { room_.leave(bo, now_, out_); });
  EXPECT_EQ(assigned(vera), tracks(anna));
}

TEST_F(RoomWhipTest, NobodyIsToldOfViewersAndTheyCostNobodyAnything) {
  enter(anna, "anna");
  offer(anna);
  publish(anna, {true, true, false, false});
  watch(vera);
  EXPECT_TRUE(out_.messages.empty());
  EXPECT_EQ(out_.commands.size(), 3U) << "its endpoint and its two slots";
  EXPECT_EQ(room_.owner(viewers_[vera]), "viewer");
  EXPECT_EQ(room_.size(), 1U);
  EXPECT_TRUE(room_.people(anna).empty());
  for (const sfu::Event& one : {sfu::Event(sfu::EndpointConnected{viewers_[vera]}),
                                sfu::Event(sfu::EndpointQuality{viewers_[vera]}),
                                sfu::Event(sfu::EndpointDisconnected{viewers_[vera]})}) {
    event(one);
    EXPECT_TRUE(out_.messages.empty() && out_.commands.empty() && out_.departed.empty());
  }
  event(sfu::EndpointClosed{viewers_[vera], sfu::CloseReason::consent_expired});
  EXPECT_TRUE(out_.messages.empty() && out_.commands.empty());
  EXPECT_EQ(out_.departed, std::vector<ParticipantId>{vera});
  EXPECT_EQ(room_.viewers(), 0U);
  speaks(anna);
  EXPECT_TRUE(commands<sfu::AssignSlot>().empty()) << "it is forgotten";
}

TEST_F(RoomWhipTest, ViewersCanStopAndAreDismissed) {
  enter(anna, "anna");
  watch(vera);
  watch(vito);
  run([&] { room_.stop_watching(vera, out_); });
  ASSERT_EQ(commands<sfu::CloseEndpoint>().size(), 1U);
  EXPECT_EQ(commands<sfu::CloseEndpoint>()[0].endpoint, viewers_[vera]);
  run([&] { room_.stop_watching(vera, out_); });
  EXPECT_TRUE(out_.commands.empty());
  run([&] { room_.dismiss_audience(out_); });
  EXPECT_EQ(commands<sfu::CloseEndpoint>()[0].endpoint, viewers_[vito]);
  EXPECT_EQ(out_.departed, std::vector<ParticipantId>{vito});
}

TEST_F(RoomWhipTest, BothCanRestartIce) {
  come(bo, "bo");
  watch(vera);
  for (const auto& [id, endpoint] :
       {std::pair(bo, endpoint(bo)), std::pair(vera, viewers_[vera])}) {
    out_.clear();
    const auto answer = room_.restart_ice(id, {"later", "password"}, out_);
    const auto restarts = commands<sfu::RestartIce>();
    ASSERT_EQ(restarts.size(), 1U);
    EXPECT_EQ(restarts[0].endpoint, endpoint);
    EXPECT_EQ(restarts[0].remote_ufrag, "later");
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->contains("a=ice-ufrag:" + restarts[0].local.ufrag));
  }
  event(sfu::EndpointClosed{endpoint(bo), sfu::CloseReason::handshake_failed});
  EXPECT_FALSE(room_.restart_ice(bo, {"later", "password"}, out_));
  EXPECT_FALSE(room_.restart_ice(vito, {"later", "password"}, out_));
}

}  // namespace
}  // namespace liaison::signaling
