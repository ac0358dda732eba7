// STUN Binding messages (RFC 8489) with the attributes of ICE (RFC 8445 section 16.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace liaison::stun {

using TransactionId = std::array<std::uint8_t, 12>;

enum class Class : std::uint8_t { request, indication, success, error };

// RFC 8489 section 14.8, RFC 8445 section 7.3.1.1.
enum class ErrorCode : std::uint16_t { unknown_attribute = 420, role_conflict = 487 };

// A Binding message as it was received. It looks into the datagram and knows nothing of keys:
// nothing in it may be believed before integrity_matches() said so, and what stood behind
// MESSAGE-INTEGRITY is not in it (RFC 8489 section 14.5).
struct Message {
  Class kind = Class::request;
  TransactionId transaction{};
  std::string_view username;  // empty if there is none
  std::optional<std::uint32_t> priority;
  std::optional<std::uint64_t> ice_controlled;   // the tie-breaker
  std::optional<std::uint64_t> ice_controlling;  // the tie-breaker
  bool use_candidate = false;
  std::optional<SocketAddress> mapped_address;  // XOR-MAPPED-ADDRESS
  std::uint16_t error_code = 0;                 // 300 to 699, in an error response
  // Attributes that must be understood but are not, the first eight of them.
  std::array<std::uint16_t, 8> unknown{};
  std::size_t unknown_count = 0;
  std::size_t integrity_at = 0;  // where MESSAGE-INTEGRITY is; 0 = nowhere
};

// Errors: "not_stun", "not_binding", "bad_attribute", "bad_fingerprint". FINGERPRINT may be absent,
// but where it is it must be right.
Result<Message> parse(Bytes datagram);

// MESSAGE-INTEGRITY is there and right under the short-term key `password` (RFC 8489 section 9.1).
// `datagram` is what `message` was parsed from. Takes the same time wherever the difference is.
bool integrity_matches(const Message& message, Bytes datagram, std::string_view password);

// The receiver's ufrag, that is, what stands before the colon of USERNAME: by it the owner of many
// agents finds the one that can check the rest. Nothing but the way to USERNAME is checked.
std::optional<std::string_view> username_ufrag(Bytes datagram);

// Room that a response needs at most.
inline constexpr std::size_t max_response_size = 160;

// What is written ends with MESSAGE-INTEGRITY and FINGERPRINT. Each returns the part of `room` that
// it filled, or nothing if there was not enough.
MutableBytes write_success(MutableBytes room, const TransactionId& transaction,
                           const SocketAddress& mapped, std::string_view password);
MutableBytes write_error(MutableBytes room, const Message& request, ErrorCode code,
                         std::string_view password);

struct BindingRequest {
  TransactionId transaction{};
  std::string_view username;  // "<their ufrag>:<our ufrag>"
  std::uint32_t priority = 0;
  std::uint64_t tie_breaker = 0;
  bool controlling = true;
  bool use_candidate = false;
};
MutableBytes write_request(MutableBytes room, const BindingRequest& request,
                           std::string_view password);

}  // namespace liaison::stun
