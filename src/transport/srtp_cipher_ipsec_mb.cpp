// SRTP with Intel's library for AES-GCM (Multi-Buffer Crypto for IPsec), through its direct calls:
// one packet each, and no state besides the keys.
#include "base/ensure.hpp"
#include "transport/srtp_engines.hpp"

#ifdef LIAISON_HAVE_IPSEC_MB
#define NO_COMPAT_IMB_API_053  // its older names are macros, and short
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#endif

namespace liaison::transport {

#ifdef LIAISON_HAVE_IPSEC_MB
namespace {

struct Free {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

// The library's table of functions for this processor, or null if it has no instructions for AES
// and GHASH: then its emulation would be slower than OpenSSL. Nothing but the table is used, so all
// threads share it.
const IMB_MGR* functions() {
  static const std::unique_ptr<IMB_MGR, Free> table = [] {
    constexpr std::uint64_t needed = IMB_FEATURE_SSE4_2 | IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
    std::unique_ptr<IMB_MGR, Free> made(alloc_mb_mgr(0));
    if (made == nullptr || (made->features & needed) != needed) {
      made.reset();
      return made;
    }
    init_mb_mgr_auto(made.get(), nullptr);
    // It tries itself against known answers; a library that fails them is not used.
    if (imb_get_errno(made.get()) != 0 || (made->features & IMB_FEATURE_SELF_TEST_PASS) == 0) {
      made.reset();
    }
    return made;
  }();
  return table.get();
}

class IpsecMbCipher final : public SrtpCipher {
 public:
  IpsecMbCipher(SrtpProfile profile, SrtpKind kind, const SrtpSessionKeys& keys)
      : kind_(kind), salt_(keys.salt) {
    const IMB_MGR* table = functions();
    ENSURE(table != nullptr && is_aead(profile));
    const bool wide = key_size(profile) == 32;
    encrypt_ = wide ? table->gcm256_enc : table->gcm128_enc;
    decrypt_ = wide ? table->gcm256_dec : table->gcm128_dec;
    (wide ? table->gcm256_pre : table->gcm128_pre)(keys.encryption.data(), &key_);
  }
  ~IpsecMbCipher() override {
    OPENSSL_cleanse(&key_, sizeof key_);
    OPENSSL_cleanse(salt_.data(), salt_.size());
  }

  void seal(std::uint32_t ssrc, std::uint64_t index, std::uint8_t* packet, std::size_t header_size,
            Bytes first, Bytes second, std::uint8_t* tag) override {
    std::uint8_t* body = packet + header_size;
    const std::uint8_t* source = second.data();
    if (!first.empty() || second.empty()) {
      // To bring the two together costs less than to encrypt them in two steps; and the library
      // takes no null pointer, however little there is.
      std::ranges::copy(first, body);
      std::ranges::copy(second, body + first.size());
      source = body;
    }
    run(encrypt_, ssrc, index, Bytes(packet, header_size), body, source,
        first.size() + second.size(), tag);
  }

  bool open(std::uint32_t ssrc, std::uint64_t index, MutableBytes packet, std::size_t header_size,
            const std::uint8_t* tag) override {
    const MutableBytes body = packet.subspan(header_size);
    std::array<std::uint8_t, 16> expected;
    run(decrypt_, ssrc, index, packet.first(header_size), body.data(), body.data(), body.size(),
        expected.data());
    return CRYPTO_memcmp(expected.data(), tag, expected.size()) == 0;
  }

 private:
  void run(aes_gcm_enc_dec_t function, std::uint32_t ssrc, std::uint64_t index, Bytes header,
           std::uint8_t* to, const std::uint8_t* from, std::size_t size, std::uint8_t* tag) {
    const auto iv = gcm_iv(ssrc, index, salt_);
    gcm_context_data context;
    if (kind_ == SrtpKind::rtp) {
      function(&key_, &context, to, from, size, iv.data(), header.data(), header.size(), tag, 16);
      return;
    }
    // RFC 7714 section 9.2: the header of RTCP, always eight bytes, and the word behind the packet.
    std::array<std::uint8_t, 12> clear{};
    ENSURE(header.size() == 8);
    std::ranges::copy(header, clear.begin());
    std::ranges::copy(srtp_trailer(kind_, index), clear.begin() + 8);
    function(&key_, &context, to, from, size, iv.data(), clear.data(), clear.size(), tag, 16);
  }

  SrtpKind kind_;
  std::array<std::uint8_t, 14> salt_;
  aes_gcm_enc_dec_t encrypt_, decrypt_;
  // The library relies on the alignment, but its header asks for it in its own build alone.
  alignas(64) gcm_key_data key_;
};

}  // namespace

bool has_ipsec_mb() { return functions() != nullptr; }

const char* ipsec_mb_description() {
  switch (functions() == nullptr ? IMB_ARCH_NONE : static_cast<IMB_ARCH>(functions()->used_arch)) {
    case IMB_ARCH_AVX512:
      return "ipsec-mb avx512";
    case IMB_ARCH_AVX2:
      return "ipsec-mb avx2";
    case IMB_ARCH_AVX:
      return "ipsec-mb avx";
    default:
      return "ipsec-mb sse";
  }
}

std::unique_ptr<SrtpCipher> make_ipsec_mb_cipher(SrtpProfile profile, SrtpKind kind,
                                                 const SrtpSessionKeys& keys) {
  return std::make_unique<IpsecMbCipher>(profile, kind, keys);
}

#else

bool has_ipsec_mb() { return false; }
const char* ipsec_mb_description() { return "ipsec-mb is not in this build"; }
std::unique_ptr<SrtpCipher> make_ipsec_mb_cipher(SrtpProfile, SrtpKind, const SrtpSessionKeys&) {
  ENSURE(false);
  return nullptr;
}

#endif

}  // namespace liaison::transport
