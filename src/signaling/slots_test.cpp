#include "signaling/slots.hpp"

#include <gtest/gtest.h>

namespace liaison::signaling {
namespace {

constexpr ParticipantId none{};
constexpr ParticipantId a{1}, b{2}, c{3}, d{4};
using List = std::vector<ParticipantId>;

List list(const Slots& slots) { return {slots.people().begin(), slots.people().end()}; }

TEST(Slots, FillInTheOrderOfJoining) {
  Slots slots(3);
  slots.assign(std::vector<Candidate>{{a}, {b}}, none);
  EXPECT_EQ(list(slots), (List{a, b, none}));
}

TEST(Slots, StayWhileOthersComeAndGo) {
  Slots slots(3);
  slots.assign(std::vector<Candidate>{{a}, {b}, {c}}, none);
  slots.assign(std::vector<Candidate>{{b}, {c}}, none);
  EXPECT_EQ(list(slots), (List{none, b, c}));
  slots.assign(std::vector<Candidate>{{b}, {c}, {d}}, none);
  EXPECT_EQ(list(slots), (List{d, b, c}));
}

TEST(Slots, AFreeOneGoesToWhoJoinedFirst) {
  Slots slots(2);
  slots.assign(std::vector<Candidate>{{a}, {b}, {c}, {d}}, none);
  EXPECT_EQ(list(slots), (List{a, b}));
  slots.assign(std::vector<Candidate>{{b}, {c}, {d}}, none);
  EXPECT_EQ(list(slots), (List{c, b}));
}

TEST(Slots, TheSpeakerReplacesWhoSpokeLongestAgo) {
  Slots slots(3);
  slots.assign(std::vector<Candidate>{{a, 3}, {b, 1}, {c, 2}, {d, 4}}, d);
  EXPECT_EQ(list(slots), (List{a, d, c}));
  // Again: nothing moves.
  slots.assign(std::vector<Candidate>{{a, 3}, {b, 1}, {c, 2}, {d, 4}}, d);
  EXPECT_EQ(list(slots), (List{a, d, c}));
}

TEST(Slots, OfThoseWhoNeverSpokeTheLastToJoinYields) {
  Slots slots(2);
  slots.assign(std::vector<Candidate>{{a}, {b}, {c}}, c);
  EXPECT_EQ(list(slots), (List{a, c}));
}

TEST(Slots, ASpeakerWhoIsNotAmongTheOthersMovesNobody) {
  Slots slots(1);
  slots.assign(std::vector<Candidate>{{a}, {b}}, d);
  EXPECT_EQ(list(slots), List{a});
}

TEST(Slots, MayBeNone) {
  Slots slots(0);
  slots.assign(std::vector<Candidate>{{a}, {b}}, a);
  EXPECT_TRUE(slots.people().empty());
}

}  // namespace
}  // namespace liaison::signaling
