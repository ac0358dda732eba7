#include "signaling/credentials.hpp"

#include <gtest/gtest.h>

namespace liaison::signaling {
namespace {

TEST(Credentials, TheUfragNamesEveryWorker) {
  for (unsigned index = 0; index < 256; ++index) {
    const auto credentials = draw_credentials(WorkerIndex(index));
    EXPECT_EQ(credentials.ufrag.size(), 16U);
    EXPECT_EQ(credentials.password.size(), 32U);
    EXPECT_EQ(worker_of_ufrag(credentials.ufrag), WorkerIndex(index));
  }
}

TEST(Credentials, TheRestIsDrawn) {
  const auto one = draw_credentials(WorkerIndex{0});
  const auto other = draw_credentials(WorkerIndex{0});
  EXPECT_NE(one.ufrag, other.ufrag);
  EXPECT_NE(one.password, other.password);
}

TEST(Credentials, AForeignUfragNamesNone) {
  EXPECT_EQ(worker_of_ufrag(""), std::nullopt);
  EXPECT_EQ(worker_of_ufrag("AAAA"), std::nullopt);
  EXPECT_EQ(worker_of_ufrag("A*AAAAAAAAAAAAAA"), std::nullopt);
  EXPECT_EQ(worker_of_ufrag("EAAAAAAAAAAAAAAA"), std::nullopt);
  EXPECT_EQ(worker_of_ufrag("AAAAAAAAAAAAAAAAA"), std::nullopt);
}

}  // namespace
}  // namespace liaison::signaling
