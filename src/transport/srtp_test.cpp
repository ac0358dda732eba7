#include "transport/srtp.hpp"

#include <gtest/gtest.h>
#ifdef LIAISON_HAVE_LIBSRTP2
#include <srtp2/srtp.h>
#endif

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace liaison::transport {
namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr SrtpProfile profiles[] = {SrtpProfile::aes128_cm_hmac_sha1_80,
                                    SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm};

SrtpMaster test_master(SrtpProfile profile) {
  SrtpMaster master;
  for (std::size_t i = 0; i < key_size(profile); ++i) {
    master.key[i] = static_cast<std::uint8_t>(3 * i + 1);
  }
  for (std::size_t i = 0; i < salt_size(profile); ++i) {
    master.salt[i] = static_cast<std::uint8_t>(7 * i + 5);
  }
  return master;
}

Buffer header_of(std::uint32_t ssrc, std::uint16_t sequence) {
  Buffer header(12);
  header[0] = 0x80;
  header[1] = 111;
  store_u16(&header[2], sequence);
  store_u32(&header[8], ssrc);
  return header;
}
Buffer rtcp_of(std::uint32_t ssrc, std::size_t body) {
  Buffer packet(8 + body, 9);
  packet[0] = 0x80;
  packet[1] = 200;
  store_u32(&packet[4], ssrc);
  return packet;
}

class Srtp : public testing::TestWithParam<SrtpProfile> {
 protected:
  std::expected<Buffer, Drop> seal(const Buffer& header, const Buffer& payload) {
    Buffer room(header.size() + payload.size() + srtp_overhead);
    const auto size = sender.seal_rtp(header, payload, room);
    if (!size) return std::unexpected(size.error());
    room.resize(*size);
    return room;
  }
  std::expected<Buffer, Drop> seal_rtcp(const Buffer& compound) {
    Buffer room(compound.size() + srtcp_overhead);
    const auto size = sender.seal_rtcp(compound, room);
    if (!size) return std::unexpected(size.error());
    room.resize(*size);
    return room;
  }
  std::expected<Buffer, Drop> open(Buffer packet, bool rtcp = false) {
    const auto opened = rtcp ? receiver.open_rtcp(packet) : receiver.open_rtp(packet);
    if (!opened) return std::unexpected(opened.error());
    return Buffer(opened->begin(), opened->end());
  }

  SrtpSender sender{GetParam(), test_master(GetParam())};
  SrtpReceiver receiver{GetParam(), test_master(GetParam())};
};
INSTANTIATE_TEST_SUITE_P(Profiles, Srtp, testing::ValuesIn(profiles), [](const auto& p) {
  return "x" + std::to_string(static_cast<int>(p.param));
});

TEST_P(Srtp, CarriesRtpAndRtcp) {
  const auto sealed = seal(header_of(1, 10), {1, 2, 3});
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->size(), 15 + tag_size(GetParam()));
  Buffer expected = header_of(1, 10);
  expected.insert(expected.end(), {1, 2, 3});
  EXPECT_EQ(open(*sealed), expected);
  const auto control = seal_rtcp(rtcp_of(1, 20));
  ASSERT_TRUE(control);
  EXPECT_EQ(control->size(), 28 + 4 + tag_size(GetParam()));
  EXPECT_EQ(open(*control, true), rtcp_of(1, 20));
  EXPECT_EQ(open(*seal_rtcp(rtcp_of(1, 0)), true), rtcp_of(1, 0)) << "nothing but the header";
}

TEST_P(Srtp, PayloadMayBeginInTheHeader) {
  Buffer header = header_of(1, 10);
  header[0] = 0x91;                                                // extension, one CSRC
  header.insert(header.end(), {0, 0, 0, 1});                       // CSRC
  header.insert(header.end(), {0xbe, 0xde, 0, 1, 0x10, 5, 0, 0});  // extension
  const std::size_t clear = header.size();
  header.insert(header.end(), {0x12, 0x34});  // the original sequence number of RTX
  const auto sealed = seal(header, {7, 8, 9});
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(std::equal(header.begin(), header.begin() + clear, sealed->begin()));
  EXPECT_NE(Buffer(&(*sealed)[clear], &(*sealed)[clear] + 2), (Buffer{0x12, 0x34}));
  Buffer expected = header;
  expected.insert(expected.end(), {7, 8, 9});
  EXPECT_EQ(open(*sealed), expected);
}

TEST_P(Srtp, ReplayIsRefused) {
  std::vector<Buffer> sent;
  for (std::uint16_t sequence = 0; sequence < 3000; ++sequence) {
    sent.push_back(*seal(header_of(1, sequence), {1}));
  }
  EXPECT_TRUE(open(sent[0]));
  EXPECT_EQ(open(sent[0]).error(), Drop::srtp_replay);
  EXPECT_TRUE(open(sent[2000]));
  EXPECT_EQ(open(sent[2000 - 1024]).error(), Drop::srtp_replay) << "too old";
  EXPECT_TRUE(open(sent[2000 - 1023]));
  EXPECT_EQ(open(sent[2000 - 1023]).error(), Drop::srtp_replay);

  std::vector<Buffer> control;
  for (int i = 0; i < 300; ++i) control.push_back(*seal_rtcp(rtcp_of(1, 4)));
  EXPECT_TRUE(open(control[200], true));
  EXPECT_EQ(open(control[200], true).error(), Drop::srtp_replay);
  EXPECT_EQ(open(control[200 - 128], true).error(), Drop::srtp_replay);
  EXPECT_TRUE(open(control[200 - 127], true));
}

TEST_P(Srtp, FollowsTheRollOver) {
  for (std::uint32_t index = 65'000; index < 300'000; index += 333) {
    const auto sealed = seal(header_of(1, static_cast<std::uint16_t>(index)), {1});
    ASSERT_TRUE(sealed) << index;
    ASSERT_TRUE(open(*sealed)) << index;
  }
}

TEST_P(Srtp, ForgeriesLeaveNoTrace) {
  const auto sealed = seal(header_of(1, 10), {1, 2, 3});
  Buffer forged = *sealed;
  store_u16(&forged[2], 40'000);
  for (std::uint32_t ssrc = 1; ssrc < 1000; ++ssrc) {
    store_u32(&forged[8], ssrc);
    EXPECT_EQ(open(forged).error(), Drop::srtp_auth);
  }
  EXPECT_TRUE(open(*sealed));
  Buffer forged_control = *seal_rtcp(rtcp_of(1, 4));
  forged_control[8] ^= 1;
  for (std::uint32_t ssrc = 1; ssrc < 1000; ++ssrc) {
    store_u32(&forged_control[4], ssrc);
    EXPECT_EQ(open(forged_control, true).error(), Drop::srtp_auth);
  }
  EXPECT_TRUE(open(*seal_rtcp(rtcp_of(1, 4)), true));
}

TEST_P(Srtp, NoIndexIsSealedTwice) {
  EXPECT_TRUE(seal(header_of(1, 2000), {1}));
  EXPECT_EQ(seal(header_of(1, 2000), {1}).error(), Drop::srtp_index_used);
  EXPECT_EQ(seal(header_of(1, 2000), {2}).error(), Drop::srtp_index_used);
  EXPECT_TRUE(seal(header_of(1, 1999), {1})) << "late but not used";
  EXPECT_EQ(seal(header_of(1, 1999), {1}).error(), Drop::srtp_index_used);
  EXPECT_EQ(seal(header_of(1, 2000 - 1024), {1}).error(), Drop::srtp_index_used) << "nobody knows";
  EXPECT_TRUE(seal(header_of(2, 2000), {1})) << "another SSRC";
  EXPECT_TRUE(seal(header_of(3, 5), {1}));
  EXPECT_EQ(seal(header_of(3, 65'535), {1}).error(), Drop::srtp_index_used) << "before the first";
}

TEST_P(Srtp, SsrcsAreLimited) {
  for (std::uint32_t ssrc = 0; ssrc < SrtpSender::max_ssrcs; ++ssrc) {
    const auto sealed = seal(header_of(ssrc, 1), {1});
    ASSERT_TRUE(sealed);
    if (ssrc < SrtpReceiver::max_ssrcs) {
      EXPECT_TRUE(open(*sealed));
    } else {
      EXPECT_EQ(open(*sealed).error(), Drop::ssrc_limit);
    }
  }
  EXPECT_EQ(seal(header_of(1'000'000, 1), {1}).error(), Drop::ssrc_limit);
  EXPECT_TRUE(open(*seal(header_of(5, 2), {1}))) << "those within the limit go on";
  for (std::uint32_t ssrc = 0; ssrc < SrtpReceiver::max_ssrcs; ++ssrc) {
    EXPECT_TRUE(open(*seal_rtcp(rtcp_of(ssrc, 4)), true));
  }
  EXPECT_EQ(open(*seal_rtcp(rtcp_of(1'000'000, 4)), true).error(), Drop::ssrc_limit);
}

TEST_P(Srtp, MalformedPacketsAreRefused) {
  const auto sealed = seal(header_of(1, 10), {});
  for (std::size_t size = 0; size < sealed->size(); ++size) {
    const auto opened = open(Buffer(sealed->begin(), sealed->begin() + size));
    EXPECT_FALSE(opened) << size;
    if (size < 12 + tag_size(GetParam())) {
      EXPECT_EQ(opened.error(), Drop::rtp_malformed) << size;
    }
  }
  Buffer many_sources = *sealed;
  many_sources[0] |= 15;
  EXPECT_EQ(open(many_sources).error(), Drop::rtp_malformed);
  Buffer extension = *sealed;
  extension[0] |= 0x10;
  EXPECT_EQ(open(extension).error(), Drop::rtp_malformed);
  Buffer version = *sealed;
  version[0] = 0x40;
  EXPECT_EQ(open(version).error(), Drop::rtp_malformed);

  const Buffer control = *seal_rtcp(rtcp_of(1, 0));
  for (std::size_t size = 0; size < control.size(); ++size) {
    EXPECT_EQ(open(Buffer(control.begin(), control.begin() + size), true).error(),
              Drop::rtcp_malformed);
  }
  Buffer clear = control;
  clear[is_aead(GetParam()) ? control.size() - 4 : 8] &= 0x7f;
  EXPECT_EQ(open(clear, true).error(), Drop::rtcp_malformed) << "E flag not set";

  EXPECT_EQ(seal({0x80, 96}, {1}).error(), Drop::rtp_malformed);
  EXPECT_EQ(seal_rtcp({0x80, 200, 0, 0}).error(), Drop::rtcp_malformed);
  Buffer room(20);
  EXPECT_EQ(sender.seal_rtp(header_of(9, 9), {}, room).error(), Drop::oversize);
  EXPECT_EQ(sender.seal_rtcp(rtcp_of(9, 4), room).error(), Drop::oversize);
}

TEST(SrtpKeys, AreSplitInTheOrderOfRfc5764) {
  for (const SrtpProfile profile : profiles) {
    Buffer exported(SrtpKeys::exported_size(profile));
    for (std::size_t i = 0; i < exported.size(); ++i) exported[i] = static_cast<std::uint8_t>(i);
    const SrtpKeys keys = SrtpKeys::split(profile, exported);
    const auto key = static_cast<std::uint8_t>(key_size(profile));
    const auto salt = static_cast<std::uint8_t>(salt_size(profile));
    EXPECT_EQ(keys.client.key[0], 0);
    EXPECT_EQ(keys.server.key[0], key);
    EXPECT_EQ(keys.client.salt[0], 2 * key);
    EXPECT_EQ(keys.server.salt[0], 2 * key + salt);
    EXPECT_EQ(keys.server.salt[salt - 1U], exported.size() - 1);
    for (std::size_t i = key; i < 32; ++i) EXPECT_EQ(keys.client.key[i], 0);
    for (std::size_t i = salt; i < 14; ++i) EXPECT_EQ(keys.server.salt[i], 0);
  }
}

#ifdef LIAISON_HAVE_LIBSRTP2
// Another implementation's session, in one direction, under the same master.
class Libsrtp {
 public:
  Libsrtp(SrtpProfile profile, bool outbound) {
    static const bool initialised = srtp_init() == srtp_err_status_ok;
    EXPECT_TRUE(initialised);
    srtp_policy_t policy{};
    for (srtp_crypto_policy_t* p : {&policy.rtp, &policy.rtcp}) {
      switch (profile) {
        case SrtpProfile::aes128_cm_hmac_sha1_80:
          srtp_crypto_policy_set_rtp_default(p);
          break;
        case SrtpProfile::aead_aes_128_gcm:
          srtp_crypto_policy_set_aes_gcm_128_16_auth(p);
          break;
        case SrtpProfile::aead_aes_256_gcm:
          srtp_crypto_policy_set_aes_gcm_256_16_auth(p);
          break;
      }
    }
    const SrtpMaster master = test_master(profile);
    Buffer key(master.key.begin(), master.key.begin() + key_size(profile));
    key.insert(key.end(), master.salt.begin(), master.salt.begin() + salt_size(profile));
    policy.key = key.data();
    policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
    policy.window_size = 1024;
    EXPECT_EQ(srtp_create(&session_, &policy), srtp_err_status_ok);
  }
  ~Libsrtp() { srtp_dealloc(session_); }
  Libsrtp(const Libsrtp&) = delete;
  Libsrtp& operator=(const Libsrtp&) = delete;

  Buffer run(srtp_err_status_t (*step)(srtp_t, void*, int*), Buffer packet) {
    int size = static_cast<int>(packet.size());
    packet.resize(packet.size() + SRTP_MAX_TRAILER_LEN + 4);
    if (step(session_, packet.data(), &size) != srtp_err_status_ok) return {};
    packet.resize(static_cast<std::size_t>(size));
    return packet;
  }

 private:
  srtp_t session_ = nullptr;
};

// Random packets of several streams, a tenth of them late, over several roll-overs: what either
// seals is the same to the byte, and the other opens it.
TEST_P(Srtp, AgreesWithLibsrtp) {
  Libsrtp theirs_out(GetParam(), true), theirs_in(GetParam(), false);
  std::mt19937 random(3711);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same packets each time
  std::array<std::uint64_t, 3> next = {0xff00, 5, 0x8000};
  std::vector<Buffer> late;

  const auto exchange = [&](const Buffer& packet) {
    const Buffer ours = *seal(packet, {});
    const Buffer theirs = theirs_out.run(srtp_protect, packet);
    ASSERT_EQ(ours, theirs);
    ASSERT_EQ(theirs_in.run(srtp_unprotect, ours), packet);
    ASSERT_EQ(open(theirs), packet);
  };
  for (int round = 0; round < 10'000; ++round) {
    const std::size_t stream = random() % next.size();
    Buffer packet = header_of(static_cast<std::uint32_t>(0x1000 + stream),
                              static_cast<std::uint16_t>(next[stream]));
    next[stream] += random() % 20 == 0 ? 1 + random() % 200 : 1;
    const std::size_t sources = random() % 4 == 0 ? random() % 16 : 0;
    packet[0] |= static_cast<std::uint8_t>(sources);
    packet.resize(packet.size() + 4 * sources, 3);
    if (random() % 2 == 0) {
      const std::size_t words = random() % 6;
      packet[0] |= 0x10;
      packet.insert(packet.end(), {0xbe, 0xde, 0, static_cast<std::uint8_t>(words)});
      packet.resize(packet.size() + 4 * words, 4);
    }
    for (std::size_t i = random() % 200; i > 0; --i) {
      packet.push_back(static_cast<std::uint8_t>(random()));
    }
    if (random() % 10 == 0) {
      late.push_back(packet);
    } else {
      exchange(packet);
    }
    if (late.size() == 10) {
      std::ranges::shuffle(late, random);
      for (const Buffer& packet_late : late) exchange(packet_late);
      late.clear();
    }
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
  EXPECT_GE(next[0] >> 16, 1U) << "no roll-over was tried";

  for (std::size_t body = 0; body < 400; body += 4) {
    const Buffer packet = rtcp_of(7, body);
    EXPECT_EQ(theirs_in.run(srtp_unprotect_rtcp, *seal_rtcp(packet)), packet) << body;
    EXPECT_EQ(open(theirs_out.run(srtp_protect_rtcp, packet), true), packet) << body;
  }
}
#endif

}  // namespace
}  // namespace liaison::transport
