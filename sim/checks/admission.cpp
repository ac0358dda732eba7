// Nobody gets a byte of media who was not let in, or who has gone.
#include <fmt/format.h>

#include "sim/checks/checks.hpp"
#include "sim/world.hpp"
#include "transport/demux.hpp"

namespace liaison::sim {
namespace {

// A worker may hear of a departure a little later than the control thread, and is allowed a stall.
constexpr Duration grace = seconds(6);

class AdmissionCheck : public Check {
 public:
  std::string_view name() const override { return "admission"; }

  void left_server(World& world, const Server& server, const SocketAddress& to, Peer*,
                   Bytes bytes) override {
    const auto kind = transport::classify(bytes);
    if (kind != transport::DatagramKind::rtp && kind != transport::DatagramKind::rtcp) return;
    const Browser* browser = world.holder(to);
    if (browser == nullptr)
      world.fail(name(), fmt::format("media goes to {}, which is nobody's", to.to_string()));
    if (!browser->was_let_in())
      world.fail(name(), fmt::format("{} gets media from server {} and was never let in",
                                     browser->name(), server.number()));
    if (browser->put_out_at() && *browser->put_out_at() + grace < world.now())
      world.fail(name(), fmt::format("{} still gets media and has left", browser->name()));
  }
};

}  // namespace

std::unique_ptr<Check> admission_check() { return std::make_unique<AdmissionCheck>(); }

}  // namespace liaison::sim
