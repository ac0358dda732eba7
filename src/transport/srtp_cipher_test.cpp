#include "transport/srtp_cipher.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace liaison::transport {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer hex(std::string_view text) {
  Buffer bytes;
  int digits = 0;
  unsigned value = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) bytes.push_back(static_cast<std::uint8_t>(value));
  }
  return bytes;
}
template <std::size_t size>
std::array<std::uint8_t, size> padded(std::string_view text) {
  std::array<std::uint8_t, size> array{};
  std::ranges::copy(hex(text), array.begin());
  return array;
}
Buffer derived(const SrtpMaster& master, std::size_t key_bytes, std::uint8_t label,
               std::size_t size) {
  Buffer out(size, 0xee);
  derive_key(master, key_bytes, label, out);
  return out;
}

// RFC 3711 appendix B.2: with label 0 the derivation is the bare keystream.
TEST(SrtpVectors, KeystreamOfRfc3711) {
  const SrtpMaster master{.key = padded<32>("2b7e151628aed2a6abf7158809cf4f3c"),
                          .salt = padded<14>("f0f1f2f3f4f5f6f7f8f9fafbfcfd")};
  const Buffer stream = derived(master, 16, 0, 0xff02 * 16);
  const auto block = [&](std::size_t number) {
    return Buffer(&stream[16 * number], &stream[16 * number] + 16);
  };
  EXPECT_EQ(block(0), hex("e03ead0935c95e80e166b16dd92b4eb4"));
  EXPECT_EQ(block(1), hex("d23513162b02d0f72a43a2fe4a5f97ab"));
  EXPECT_EQ(block(2), hex("41e95b3bb0a2e8dd477901e4fca894c0"));
  EXPECT_EQ(block(0xfeff), hex("ec8cdf7398607cb0f2d21675ea9ea1e4"));
  EXPECT_EQ(block(0xff00), hex("362b7c3c6773516318a077d7fc5073ae"));
  EXPECT_EQ(block(0xff01), hex("6a2cc3787889374fbeb4c81b17ba6c44"));
}

// RFC 3711 appendix B.3.
TEST(SrtpVectors, KeyDerivationOfRfc3711) {
  const SrtpMaster master{.key = padded<32>("e1f97a0d3e018be0d64fa32c06de4139"),
                          .salt = padded<14>("0ec675ad498afeebb6960b3aabe6")};
  EXPECT_EQ(derived(master, 16, 0, 16), hex("c61e7a93744f39ee10734afe3ff7a087"));
  EXPECT_EQ(derived(master, 16, 2, 14), hex("30cbbc08863d8c85d49db34a9ae1"));
  EXPECT_EQ(derived(master, 16, 1, 20), hex("cebe321f6ff7716b6fd4ab49af256a156d38baa4"));
}

// RFC 6188 section 7.2.
TEST(SrtpVectors, KeyDerivationOfRfc6188) {
  const SrtpMaster master{
      .key = padded<32>("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"),
      .salt = padded<14>("3b04803de51ee7c96423ab5b78d2")};
  EXPECT_EQ(derived(master, 32, 0, 32),
            hex("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"));
  EXPECT_EQ(derived(master, 32, 2, 14), hex("fa31791685ca444a9e07c6c64e93"));
  EXPECT_EQ(derived(master, 32, 1, 20), hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
}

struct Vector {
  const char* where;
  SrtpProfile profile;
  SrtpKind kind;
  std::string_view key, salt;
  std::uint32_t ssrc;
  std::uint64_t index;
  std::string_view header, plaintext, ciphertext, tag;
};

constexpr std::string_view key128 = "000102030405060708090a0b0c0d0e0f";
constexpr std::string_view key256 =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr std::string_view quid_pro_quo = "517569642070726f2071756f";
constexpr std::string_view rtp_header = "8040f17b8041f8d35501a0b2";
constexpr std::string_view rtp_plaintext =
    "47616c6c696120657374206f6d6e6973206469766973612069 6e2070617274657320747265 73";
constexpr std::string_view rtcp_header = "81c8000d4d617273";
constexpr std::string_view rtcp_plaintext =
    "4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

const Vector vectors[] = {
    {"RFC 7714 section 16.1.1", SrtpProfile::aead_aes_128_gcm, SrtpKind::rtp, key128, quid_pro_quo,
     0x5501a0b2, 0xf17b, rtp_header, rtp_plaintext,
     "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833",
     "899d7f27beb16a9152cf765ee4390cce"},
    {"RFC 7714 section 16.2.1", SrtpProfile::aead_aes_256_gcm, SrtpKind::rtp, key256, quid_pro_quo,
     0x5501a0b2, 0xf17b, rtp_header, rtp_plaintext,
     "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b",
     "7aa3db36dfffd6b0f9bb7878d7a76c13"},
    {"RFC 7714 section 17.1", SrtpProfile::aead_aes_128_gcm, SrtpKind::rtcp, key128, quid_pro_quo,
     0x4d617273, 0x5d4, rtcp_header, rtcp_plaintext,
     "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b",
     "c84aa45896cf4d2fc5abf87245d9eade"},
    {"RFC 7714 section 17.3", SrtpProfile::aead_aes_256_gcm, SrtpKind::rtcp, key256, quid_pro_quo,
     0x4d617273, 0x5d4, rtcp_header, rtcp_plaintext,
     "d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad",
     "1d1eb30c4446839f57ff6f6cb26ac3be"},
};

// Those that this program has and this processor can run.
std::vector<SrtpEngine> engines() {
  if (fastest_srtp_engine() == SrtpEngine::openssl) return {SrtpEngine::openssl};
  return {SrtpEngine::openssl, fastest_srtp_engine()};
}

TEST(SrtpVectors, SealAndOpen) {
  for (const SrtpEngine engine : engines()) {
    for (const Vector& v : vectors) {
      const SrtpSessionKeys keys{
          .encryption = padded<32>(v.key), .authentication = {}, .salt = padded<14>(v.salt)};
      const auto cipher = make_srtp_cipher(v.profile, v.kind, keys, engine);
      const Buffer header = hex(v.header), plaintext = hex(v.plaintext);
      // In one piece and in two.
      for (const std::size_t split : {std::size_t{0}, std::size_t{5}, plaintext.size()}) {
        Buffer packet = header;
        packet.resize(header.size() + plaintext.size());
        Buffer tag(tag_size(v.profile));
        cipher->seal(v.ssrc, v.index, packet.data(), header.size(), Bytes(plaintext).first(split),
                     Bytes(plaintext).subspan(split), tag.data());
        EXPECT_EQ(Buffer(packet.begin() + header.size(), packet.end()), hex(v.ciphertext))
            << v.where;
        EXPECT_EQ(tag, hex(v.tag)) << v.where;
        EXPECT_TRUE(cipher->open(v.ssrc, v.index, packet, header.size(), tag.data())) << v.where;
        EXPECT_EQ(Buffer(packet.begin() + header.size(), packet.end()), plaintext) << v.where;
      }
    }
  }
}

// cisco/libsrtp test/srtp_driver.c, srtp_validate(): through key derivation.
TEST(SrtpVectors, CounterModeWithHmac) {
  const SrtpMaster master{.key = padded<32>("e1f97a0d3e018be0d64fa32c06de4139"),
                          .salt = padded<14>("0ec675ad498afeebb6960b3aabe6")};
  const auto cipher = make_srtp_cipher(SrtpProfile::aes128_cm_hmac_sha1_80, SrtpKind::rtp, master);
  Buffer packet = hex("800f1234decafbadcafebabe");
  packet.resize(28);
  const Buffer plaintext(16, 0xab);
  Buffer tag(10);
  cipher->seal(0xcafebabe, 0x1234, packet.data(), 12, plaintext, {}, tag.data());
  EXPECT_EQ(packet, hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402"));
  EXPECT_EQ(tag, hex("b78d6acc99ea179b8dbb"));
  EXPECT_TRUE(cipher->open(0xcafebabe, 0x1234, packet, 12, tag.data()));
  EXPECT_EQ(Buffer(packet.begin() + 12, packet.end()), plaintext);
}

TEST(SrtpCipher, NoticesEveryChange) {
  const SrtpMaster master{.key = padded<32>(key256), .salt = padded<14>(quid_pro_quo)};
  for (const SrtpProfile profile : {SrtpProfile::aes128_cm_hmac_sha1_80,
                                    SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm}) {
    for (const SrtpKind kind : {SrtpKind::rtp, SrtpKind::rtcp}) {
      for (const SrtpEngine engine : engines()) {
        const auto cipher = make_srtp_cipher(profile, kind, master, engine);
        Buffer sealed(24, 1);
        Buffer tag(tag_size(profile));
        cipher->seal(7, 0x10005, sealed.data(), 8, Buffer(16, 2), {}, tag.data());
        const auto opens = [&](Buffer packet, Buffer with, std::uint32_t ssrc,
                               std::uint64_t index) {
          return cipher->open(ssrc, index, packet, 8, with.data());
        };
        EXPECT_TRUE(opens(sealed, tag, 7, 0x10005));
        if (is_aead(profile)) {
          EXPECT_FALSE(opens(sealed, tag, 8, 0x10005));
        }
        EXPECT_FALSE(opens(sealed, tag, 7, 0x20005)) << "the roll-over counter is authentic";
        for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
          Buffer broken = sealed;
          broken[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
          EXPECT_FALSE(opens(broken, tag, 7, 0x10005)) << bit;
        }
        for (std::size_t bit = 0; bit < tag.size() * 8; ++bit) {
          Buffer broken = tag;
          broken[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
          EXPECT_FALSE(opens(sealed, broken, 7, 0x10005)) << bit;
        }
        EXPECT_TRUE(opens(sealed, tag, 7, 0x10005)) << "a forgery leaves no trace";
      }
    }
  }
}

// Packets of all lengths, in one piece and in two, wherever they lie: what one seals is the same to
// the byte as what the other does, and each opens it.
TEST(SrtpEngines, Agree) {
  if (engines().size() < 2) GTEST_SKIP() << "this processor or build has one alone";
  const SrtpMaster master{.key = padded<32>(key256), .salt = padded<14>(quid_pro_quo)};
  constexpr std::size_t room = 64;  // around the packet, where nothing may be written
  std::uint32_t random = 1;
  const auto draw = [&](std::size_t below) {
    random = random * 1'664'525 + 1'013'904'223;
    return static_cast<std::size_t>(random >> 8) % below;
  };
  Buffer plaintext(2048);
  for (auto& byte : plaintext) byte = static_cast<std::uint8_t>(draw(256));
  for (const SrtpProfile profile : {SrtpProfile::aes128_cm_hmac_sha1_80,
                                    SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm}) {
    for (const SrtpKind kind : {SrtpKind::rtp, SrtpKind::rtcp}) {
      std::vector<std::unique_ptr<SrtpCipher>> ciphers;
      for (const SrtpEngine engine : engines()) {
        ciphers.push_back(make_srtp_cipher(profile, kind, master, engine));
      }
      for (std::size_t size = 0; size < 1600; ++size) {
        const std::size_t header = kind == SrtpKind::rtcp ? 8 : 12 + 4 * draw(20);
        const std::size_t split = draw(3) == 0 ? draw(std::min<std::size_t>(size, 20) + 1) : 0;
        const std::size_t at = room + draw(64);
        const auto ssrc = static_cast<std::uint32_t>(draw(1U << 24));
        const std::uint64_t index =
            kind == SrtpKind::rtcp ? draw(1U << 24) : std::uint64_t{draw(1U << 24)} << 24;
        const Bytes body = Bytes(plaintext).subspan(draw(64), size);
        std::vector<Buffer> sealed;
        for (const auto& cipher : ciphers) {
          Buffer& buffer = sealed.emplace_back(at + header + size + 16 + room, 0xee);
          std::ranges::copy(Bytes(plaintext).first(header), &buffer[at]);
          cipher->seal(ssrc, index, &buffer[at], header, body.first(split), body.subspan(split),
                       &buffer[at + header + size]);
        }
        ASSERT_EQ(sealed[0], sealed[1]) << size;
        ASSERT_TRUE(std::ranges::all_of(Bytes(sealed[1]).last(room + 16 - tag_size(profile)),
                                        [](std::uint8_t byte) { return byte == 0xee; }));
        for (std::size_t i = 0; i < ciphers.size(); ++i) {
          const MutableBytes packet = MutableBytes(sealed[1 - i]).subspan(at, header + size);
          Buffer forged(packet.begin(), packet.end());
          forged[draw(forged.size())] ^= static_cast<std::uint8_t>(1U << draw(8));
          const std::uint8_t* tag = &sealed[1 - i][at + header + size];
          ASSERT_FALSE(ciphers[i]->open(ssrc, index, forged, header, tag)) << size;
          ASSERT_TRUE(ciphers[i]->open(ssrc, index, packet, header, tag)) << size;
          ASSERT_TRUE(std::ranges::equal(packet.subspan(header), body)) << size;
        }
      }
    }
  }
}

}  // namespace
}  // namespace liaison::transport
