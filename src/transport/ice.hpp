// ICE on the side of a server with public addresses: it only answers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/drop.hpp"
#include "stun/message.hpp"
#include "transport/credentials.hpp"
#include "transport/path.hpp"

namespace liaison::transport {

// A lite agent (RFC 8445 section 2.5), controlled: it answers connectivity checks, learns paths
// from them, and sends on the one the far end nominated last. What a check proves is that its
// sender knows the password, not that it is where the datagram says it came from; so a transaction
// id counts once, from one address, and a nomination that nothing confirms is taken back.
// It does not know what else travels on the paths; the owner tells it by confirm() when something
// authentic came.
class IceAgent {
 public:
  static constexpr std::size_t max_paths = 8;
  static constexpr std::size_t max_transactions = 256;  // remembered against replay
  static constexpr int max_checks_per_second = 200;     // of one source, before any HMAC
  static constexpr Duration overlap_after_nomination = seconds(5);
  static constexpr Duration max_overlap = seconds(30);
  static constexpr Duration silence = seconds(5);    // of a path nobody seems to use any more
  static constexpr Duration probation = seconds(2);  // of a newly nominated path
  static constexpr Duration ban = seconds(30);       // of a path that failed it

  IceAgent(IceCredentials local, std::string remote_ufrag);

  // A STUN datagram. Answers into `out`.
  std::expected<PathChange, Drop> receive(const Path& from, Bytes datagram, Instant now,
                                          Output& out);
  // Something else that is authentic came over this path: consent to send goes on (RFC 7675,
  // adapted: a lite agent makes no checks of its own).
  void confirm(const Path& path, Instant now);
  void restart(IceCredentials local, std::string remote_ufrag, Instant now);
  void tick(Instant now);
  Instant deadline() const;

  const Path* selected() const;
  bool validated(const Path& path) const;
  // Validated, and something authentic came over it within the last 5 s.
  bool alive(const Path& path, Instant now) const;
  std::vector<Path> paths() const;
  // When something authentic last came over the selected path, or over any while none is selected.
  std::optional<Instant> last_consent() const { return last_consent_; }
  std::array<std::string_view, 2> local_ufrags() const;

 private:
  struct Credentials {
    IceCredentials local;
    std::string remote_ufrag;
  };
  // At most max_checks_per_second on average, in bursts of as many.
  struct Rate {
    Instant next = Instant::min();
    bool admit(Instant now);
  };
  struct KnownPath {
    Path path;
    std::uint32_t serial = 0;  // never used again, unlike its place in the table
    Instant last_packet;
    bool nominated = false;  // at any time: the far end may be sending on it
    Instant banned_until = Instant::min();
    Rate rate;
  };
  struct Transaction {
    std::uint64_t id = 0;  // its last eight bytes: they are random, and authentic
    std::uint32_t serial = 0;
  };
  // A nominated path must be confirmed, or another one that was nominated takes its place as soon
  // as something comes over that. A far end that nominates aggressively (RFC 5245 section 8.1.1.2,
  // as Firefox does) nominates every pair that works, and uses one of them.
  struct Probation {
    Instant began;
    Instant ends;  // `never` once it is over: then the first to be heard takes the place
  };

  KnownPath* find(const Path& path);
  KnownPath* find_serial(std::uint32_t serial);
  Rate& rate_of(const Path& path);
  // The credentials that `username` belongs to, or null.
  const Credentials* credentials_of(std::string_view username) const;
  KnownPath& admit(const Path& path, Instant now, PathChange& change);
  void nominate(KnownPath& path, const Credentials& by, Instant now);
  // Takes back a nomination: nothing came over the selected path, but over this one.
  void replace_selected(KnownPath& by, Instant now);
  void note(KnownPath& path, Instant now);

  Credentials current_;
  std::optional<Credentials> previous_;
  Instant previous_expires_ = never;
  bool nominated_on_current_ = false;

  std::vector<KnownPath> paths_;
  std::uint32_t next_serial_ = 1;
  std::uint32_t selected_ = 0;  // a serial; 0 = none
  std::optional<Probation> probation_;
  std::optional<Instant> last_consent_;
  std::vector<Transaction> transactions_;  // the newest max_transactions
  std::size_t oldest_transaction_ = 0;     // once there are so many
  std::array<Rate, 16> unknown_sources_;   // by hash of the address
};

}  // namespace liaison::transport
