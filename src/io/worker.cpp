#include "io/worker.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <array>

#include "io/clock.hpp"
#include "io/epoll.hpp"

namespace liaison::io {
namespace {

// 64 MiB of address space; only what was in use at once is ever touched.
constexpr std::size_t pool_blocks = 32'768;
constexpr std::size_t orders_room = 4'096;
constexpr std::size_t news_room = 4'096;
constexpr Duration report_interval = seconds(1);
// How soon to try again what found no room in a mailbox.
constexpr Duration retry = milliseconds(1);

// What epoll says for which descriptor: numbers of TCP connections are 32 bits.
constexpr std::uint64_t udp_key = std::uint64_t{1} << 32;
constexpr std::uint64_t orders_key = std::uint64_t{2} << 32;
constexpr std::uint64_t link_key = std::uint64_t{3} << 32;  // and its place in links_

}  // namespace

Worker::Worker(WorkerIndex index, UdpSocket socket, const transport::Certificate& certificate,
               std::optional<unsigned> processor)
    : index_(index),
      orders_(orders_room),
      news_(news_room),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      pool_(pool_blocks),
      socket_(std::move(socket)),
      tcp_(epoll_.get()),
      sfu_(certificate, monotonic_now()),
      next_report_(monotonic_now() + report_interval) {
  ENSURE(epoll_);
  watch(epoll_.get(), socket_.fd(), udp_key);
  watch(epoll_.get(), orders_.fd(), orders_key);
  thread_ = std::thread([this, processor] { run(processor); });
}

Worker::~Worker() {
  orders_.post(StopWorker{});
  while (!orders_.flush()) std::this_thread::sleep_for(retry);
  thread_.join();
}

void Worker::run(std::optional<unsigned> processor) {
  pthread_setname_np(pthread_self(), fmt::format("worker-{}", static_cast<int>(index_)).c_str());
  if (processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(*processor, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  }
  while (!stopping_) {
    const Instant idle_since = monotonic_now();
    Instant deadline = std::min(sfu_.deadline(), next_report_);
    const bool waiting = news_.waiting() != 0 || std::ranges::any_of(links_, [](const auto& link) {
                           return link.out->waiting() != 0;
                         });
    if (waiting) deadline = std::min(deadline, idle_since + retry);
    wait(deadline);
    const Instant now = monotonic_now();
    if (deadline > idle_since) report_.worst_lag = std::max(report_.worst_lag, now - deadline);
    take_orders(now);
    receive_links(now);
    receive_media(now);
    if (sfu_.deadline() <= now) sfu_.tick(now, out_);
    send(now);
    if (now >= next_report_) report(now);
    news_.flush();
    for (const LinkMailboxes& link : links_) link.out->flush();
    report_.worst_lag = std::max(report_.worst_lag, monotonic_now() - now);
  }
}

void Worker::wait(Instant deadline) {
  std::array<epoll_event, 64> room;
  for (const epoll_event& event : wait_until(epoll_.get(), room, deadline)) {
    const std::uint64_t key = event.data.u64;
    if (key == udp_key) {
      ready_udp_ = true;
    } else if (key == orders_key) {
      orders_.acknowledge();
    } else if (key >= link_key) {
      links_[key - link_key].in->acknowledge();
    } else {
      ready_tcp_.push_back(static_cast<std::uint32_t>(key));
    }
  }
}

void Worker::take_orders(Instant now) {
  while (auto order = orders_.take()) {
    if (auto* command = std::get_if<sfu::Command>(&*order)) {
      sfu_.receive(std::move(*command), now, out_);
    } else if (auto* handover = std::get_if<TcpHandover>(&*order)) {
      tcp_.add(std::move(*handover), pool_, now, received_);
    } else if (auto* link = std::get_if<LinkMailboxes>(&*order)) {
      watch(epoll_.get(), link->in->fd(), link_key + links_.size());
      links_.push_back(std::move(*link));
    } else if (std::holds_alternative<StopWorker>(*order)) {
      stopping_ = true;
    }
  }
}

void Worker::receive_media(Instant now) {
  if (std::exchange(ready_udp_, false)) {
    const auto result = socket_.receive_batch(pool_, received_);
    report_.messages_in += result.messages;
    count(Drop::oversize, result.oversize);
    count(Drop::pool_empty, result.pool_empty);
  }
  for (const std::uint32_t number : ready_tcp_) tcp_.ready(number, pool_, now, received_);
  ready_tcp_.clear();
  std::span<transport::Datagram> rest = received_;
  while (sfu_.receive(rest, now, out_)) send(now);
  received_.clear();
}

void Worker::receive_links(Instant now) {
  for (const LinkMailboxes& link : links_) {
    while (auto mail = link.in->take()) {
      Packet packet;
      if (!mail->packet().empty()) {
        packet = pool_.take(mail->packet());
        if (!packet) {
          count(Drop::pool_empty, 1);
          continue;
        }
      }
      heard_.push_back({link.to, std::move(mail->message), std::move(packet)});
    }
  }
  std::span<sfu::LinkReceived> rest = heard_;
  while (sfu_.receive(rest, now, out_)) send(now);
  heard_.clear();
}

void Worker::send_links() {
  for (sfu::LinkTransmit& transmit : out_.link) {
    const auto link = std::ranges::find(links_, transmit.to, &LinkMailboxes::to);
    ENSURE(link != links_.end());
    const bool may_be_lost = sfu::may_be_lost(transmit.message);
    LinkMail mail(std::move(transmit.message),
                  out_.transport.bytes(transmit.offset, transmit.size));
    if (!may_be_lost)
      link->out->post(std::move(mail));
    else if (!link->out->offer(std::move(mail)))
      count(Drop::mailbox_full, 1);
  }
}

void Worker::send(Instant now) {
  send_links();
  if (!out_.transport.transmits.empty()) {
    const auto result = socket_.send_batch(out_.transport);
    report_.messages_out += result.messages;
    report_.runs_divided += result.divided;
    count(Drop::send_failed, result.failed);
    tcp_.send_batch(out_.transport);
  }
  if (now >= next_report_) tcp_.close_idle(now);
  const DropCounters drops = tcp_.take_drops();
  for (std::size_t i = 0; i < drop_count; ++i) count(static_cast<Drop>(i), drops.counts[i]);
  for (const std::uint32_t number : tcp_.take_closed()) news_.post(TcpClosed{number});
  for (const sfu::Event& event : out_.events) {
    if (sfu::may_be_lost(event)) {
      news_.offer(event);
    } else {
      news_.post(event);
    }
  }
  out_.clear();
}

void Worker::report(Instant now) {
  report_.pool_free = static_cast<std::uint32_t>(pool_.free_count());
  report_.pool_size = static_cast<std::uint32_t>(pool_.size());
  news_.offer(report_);
  report_.worst_lag = {};
  next_report_ = std::max(next_report_ + report_interval, now);
}

void Worker::count(Drop drop, std::uint64_t times) {
  for (; times > 0; --times) sfu_.count(drop);
}

}  // namespace liaison::io
