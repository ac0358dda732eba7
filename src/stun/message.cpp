#include "stun/message.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

namespace liaison::stun {
namespace {

constexpr std::size_t header_size = 20;
constexpr std::uint32_t magic = 0x2112A442;
constexpr std::size_t integrity_size = 20;
constexpr std::uint32_t fingerprint_mask = 0x5354554E;

enum Attribute : std::uint16_t {
  mapped_address = 0x0001,
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000A,
  message_integrity_sha256 = 0x001C,
  xor_mapped_address = 0x0020,
  priority = 0x0024,
  use_candidate = 0x0025,
  fingerprint = 0x8028,
  ice_controlled = 0x8029,
  ice_controlling = 0x802A,
};

// RFC 8489 section 5: the two bits of the class stand between those of the method.
constexpr std::uint16_t type_of(Class kind) {
  constexpr std::uint16_t binding = 0x0001;
  const auto bits = static_cast<std::uint16_t>(kind);
  return static_cast<std::uint16_t>(binding | (bits & 1) << 4 | (bits & 2) << 7);
}

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320U : 0);
    table[i] = crc;
  }
  return table;
}();

// CRC-32 as in ITU V.42 (RFC 8489 section 14.7).
std::uint32_t crc32(Bytes bytes) {
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : bytes) crc = crc >> 8 ^ crc_table[(crc ^ byte) & 0xFF];
  return ~crc;
}

// The HMAC of the message up to MESSAGE-INTEGRITY at `end`, computed as if the message ended with
// that attribute (RFC 8489 section 14.5). False if it could not be computed.
bool compute_integrity(Bytes datagram, std::size_t end, std::string_view password,
                       std::array<std::uint8_t, integrity_size>& mac) {
  constexpr std::size_t longest_datagram = 2048;
  std::array<std::uint8_t, longest_datagram> copy;
  if (end > copy.size()) return false;
  std::copy_n(datagram.begin(), end, copy.begin());
  store_u16(&copy[2], static_cast<std::uint16_t>(end + 4 + integrity_size - header_size));
  unsigned size = 0;
  return HMAC(EVP_sha1(), password.data(), static_cast<int>(password.size()), copy.data(), end,
              mac.data(), &size) != nullptr &&
         size == mac.size();
}

std::optional<SocketAddress> read_xor_address(Bytes value, const TransactionId& transaction) {
  Reader reader(value);
  reader.skip(1);
  const std::uint8_t family = reader.u8();
  SocketAddress address;
  address.port = reader.u16() ^ static_cast<std::uint16_t>(magic >> 16);
  if (family == 1 && value.size() == 8) {
    const std::uint32_t ip = reader.u32() ^ magic;
    address.ip =
        IpAddress::v4(static_cast<std::uint8_t>(ip >> 24), static_cast<std::uint8_t>(ip >> 16),
                      static_cast<std::uint8_t>(ip >> 8), static_cast<std::uint8_t>(ip));
    return address;
  }
  if (family != 2 || value.size() != 20) return std::nullopt;
  store_u32(address.ip.bytes.data(), reader.u32() ^ magic);
  for (std::size_t i = 0; i < transaction.size(); ++i) {
    address.ip.bytes[4 + i] = reader.u8() ^ transaction[i];
  }
  return address;
}

// False if the attribute is known and malformed.
bool read_attribute(std::uint16_t type, Bytes value, Message& message) {
  switch (type) {
    case username:
      if (value.size() > 513) return false;  // RFC 8489 section 14.3: less than 509; ICE needs 513.
      if (message.username.empty()) message.username = as_text(value);
      return true;
    case priority:
      if (value.size() != 4) return false;
      if (!message.priority) message.priority = load_u32(value.data());
      return true;
    case ice_controlled:
    case ice_controlling: {
      if (value.size() != 8) return false;
      auto& tie_breaker = type == ice_controlled ? message.ice_controlled : message.ice_controlling;
      if (!tie_breaker) tie_breaker = load_u64(value.data());
      return true;
    }
    case use_candidate:
      if (!value.empty()) return false;
      message.use_candidate = true;
      return true;
    case xor_mapped_address: {
      const auto address = read_xor_address(value, message.transaction);
      if (!address) return false;
      if (!message.mapped_address) message.mapped_address = address;
      return true;
    }
    case error_code: {
      if (value.size() < 4) return false;
      const int hundreds = value[2] & 7;
      if (hundreds < 3 || hundreds > 6 || value[3] > 99) return false;
      if (message.error_code == 0) {
        message.error_code = static_cast<std::uint16_t>(hundreds * 100 + value[3]);
      }
      return true;
    }
    case mapped_address:
    case unknown_attributes:
    case message_integrity_sha256:
      return true;
    default:
      // RFC 8489 section 14: types below 0x8000 must be understood.
      if (type < 0x8000 && message.unknown_count < message.unknown.size()) {
        message.unknown[message.unknown_count++] = type;
      }
      return true;
  }
}

void begin(Writer& writer, Class kind, const TransactionId& transaction) {
  writer.u16(type_of(kind));
  writer.u16(0);
  writer.u32(magic);
  writer.bytes(transaction);
}

void write_attribute(Writer& writer, std::uint16_t type, Bytes value) {
  writer.u16(type);
  writer.u16(static_cast<std::uint16_t>(value.size()));
  writer.bytes(value);
  writer.zeros((4 - value.size() % 4) % 4);
}

void write_tie_breaker(Writer& writer, std::uint16_t type, std::uint64_t value) {
  writer.u16(type);
  writer.u16(8);
  writer.u64(value);
}

// Adds MESSAGE-INTEGRITY and FINGERPRINT and sets the length.
MutableBytes finish(Writer& writer, std::string_view password) {
  if (!writer.ok()) return {};
  std::array<std::uint8_t, integrity_size> mac{};
  if (!compute_integrity(writer.written(), writer.size(), password, mac)) return {};
  write_attribute(writer, message_integrity, mac);
  // FINGERPRINT covers a length that includes itself.
  writer.patch_u16(2, static_cast<std::uint16_t>(writer.size() + 8 - header_size));
  const std::uint32_t crc = crc32(writer.written()) ^ fingerprint_mask;
  writer.u16(fingerprint);
  writer.u16(4);
  writer.u32(crc);
  return writer.ok() ? writer.written() : MutableBytes{};
}

}  // namespace

Result<Message> parse(Bytes datagram) {
  Reader reader(datagram);
  const std::uint16_t type = reader.u16();
  const std::uint16_t length = reader.u16();
  const std::uint32_t cookie = reader.u32();
  const Bytes transaction = reader.take(std::tuple_size_v<TransactionId>);
  if (!reader.ok() || type > 0x3FFF || cookie != magic || length % 4 != 0 ||
      length != reader.remaining()) {
    return fail("not_stun");
  }

  Message message;
  message.kind = static_cast<Class>((type >> 4 & 1) | (type >> 7 & 2));
  if (type != type_of(message.kind)) return fail("not_binding");
  std::ranges::copy(transaction, message.transaction.begin());

  while (reader.remaining() > 0) {
    const std::size_t at = reader.position();
    const std::uint16_t attribute = reader.u16();
    const std::uint16_t size = reader.u16();
    const Bytes value = reader.take(size);
    reader.skip((4 - size % 4) % 4);
    if (!reader.ok()) return fail("bad_attribute");
    if (attribute == fingerprint) {
      // RFC 8489 section 14.7: the last attribute.
      if (size != 4 || reader.remaining() > 0) return fail("bad_attribute");
      if (load_u32(value.data()) != (crc32(datagram.first(at)) ^ fingerprint_mask)) {
        return fail("bad_fingerprint");
      }
    } else if (message.integrity_at != 0) {
      continue;
    } else if (attribute == message_integrity) {
      if (size != integrity_size) return fail("bad_attribute");
      message.integrity_at = at;
    } else if (!read_attribute(attribute, value, message)) {
      return fail("bad_attribute");
    }
  }
  return message;
}

bool integrity_matches(const Message& message, Bytes datagram, std::string_view password) {
  const std::size_t at = message.integrity_at;
  if (at == 0 || at + 4 + integrity_size > datagram.size()) return false;
  std::array<std::uint8_t, integrity_size> mac{};
  if (!compute_integrity(datagram, at, password, mac)) return false;
  return CRYPTO_memcmp(mac.data(), &datagram[at + 4], mac.size()) == 0;
}

std::optional<std::string_view> username_ufrag(Bytes datagram) {
  Reader reader(datagram);
  reader.skip(header_size);
  while (reader.ok() && reader.remaining() > 0) {
    const std::uint16_t attribute = reader.u16();
    const std::uint16_t size = reader.u16();
    const Bytes value = reader.take(size);
    reader.skip((4 - size % 4) % 4);
    if (attribute != username || !reader.ok()) continue;
    const std::string_view name = as_text(value);
    const std::size_t colon = name.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    return name.substr(0, colon);
  }
  return std::nullopt;
}

MutableBytes write_success(MutableBytes room, const TransactionId& transaction,
                           const SocketAddress& mapped, std::string_view password) {
  Writer writer(room);
  begin(writer, Class::success, transaction);
  const bool v4 = mapped.ip.is_v4();
  writer.u16(xor_mapped_address);
  writer.u16(v4 ? 8 : 20);
  writer.u16(v4 ? 1 : 2);
  writer.u16(mapped.port ^ static_cast<std::uint16_t>(magic >> 16));
  if (v4) {
    writer.u32(load_u32(&mapped.ip.bytes[12]) ^ magic);
  } else {
    writer.u32(load_u32(mapped.ip.bytes.data()) ^ magic);
    for (std::size_t i = 0; i < transaction.size(); ++i) {
      writer.u8(mapped.ip.bytes[4 + i] ^ transaction[i]);
    }
  }
  return finish(writer, password);
}

MutableBytes write_error(MutableBytes room, const Message& request, ErrorCode code,
                         std::string_view password) {
  Writer writer(room);
  begin(writer, Class::error, request.transaction);
  const std::string_view reason =
      code == ErrorCode::role_conflict ? "Role Conflict" : "Unknown Attribute";
  const auto number = static_cast<std::uint16_t>(code);
  std::array<std::uint8_t, 32> value{0, 0, static_cast<std::uint8_t>(number / 100),
                                     static_cast<std::uint8_t>(number % 100)};
  std::ranges::copy(reason, value.begin() + 4);
  write_attribute(writer, error_code, Bytes(value).first(4 + reason.size()));
  if (code == ErrorCode::unknown_attribute) {
    std::array<std::uint8_t, 2 * std::tuple_size_v<decltype(request.unknown)>> types{};
    for (std::size_t i = 0; i < request.unknown_count; ++i) {
      store_u16(&types[2 * i], request.unknown[i]);
    }
    write_attribute(writer, unknown_attributes, Bytes(types).first(2 * request.unknown_count));
  }
  return finish(writer, password);
}

MutableBytes write_request(MutableBytes room, const BindingRequest& request,
                           std::string_view password) {
  Writer writer(room);
  begin(writer, Class::request, request.transaction);
  write_attribute(writer, username, as_bytes(request.username));
  writer.u16(priority);
  writer.u16(4);
  writer.u32(request.priority);
  write_tie_breaker(writer, request.controlling ? ice_controlling : ice_controlled,
                    request.tie_breaker);
  if (request.use_candidate) write_attribute(writer, use_candidate, {});
  return finish(writer, password);
}

}  // namespace liaison::stun
