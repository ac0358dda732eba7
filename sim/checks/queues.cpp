// No queue grows beyond its limit, and no worker runs out of blocks.
#include <fmt/format.h>

#include "io/storage_batches.hpp"
#include "sim/checks/checks.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

// What may wait before a full mailbox while a worker stands still for some seconds; MailQueue
// itself gives up at eight times as much.
constexpr std::size_t waiting_limit = 8'192;

class QueueCheck : public Check {
 public:
  std::string_view name() const override { return "queues"; }

  void second(World& world) override {
    for (const auto& server : world.servers()) {
      if (!server->running()) continue;
      const auto limit = [&](std::string_view what, std::size_t worker, std::size_t value,
                             std::size_t most) {
        if (value > most)
          world.fail(name(), fmt::format("server {}, worker {}: {} {}, at most {}",
                                         server->number(), worker, value, what, most));
      };
      for (std::size_t worker = 0; worker < server->options().workers; ++worker) {
        const Server::Load load = server->load(worker);
        limit("orders wait", worker, load.orders_waiting, waiting_limit);
        limit("news wait", worker, load.news_waiting, waiting_limit);
        limit("blocks are used", worker, load.blocks_used, server->options().pool_blocks - 1);
      }
      limit("store requests wait", 0, server->store_requests_waiting(),
            io::StorageBatches::queue_limit);
      const node::NodeStats& stats = server->stats();
      const signaling::Limits& limits = server->options().limits;
      limit("connections", 0, stats.connections, limits.connections);
      limit("rooms", 0, stats.rooms, limits.rooms);
      limit("sessions", 0, stats.sessions, limits.sessions);
    }
  }
};

}  // namespace

std::unique_ptr<Check> queue_check() { return std::make_unique<QueueCheck>(); }

}  // namespace liaison::sim
