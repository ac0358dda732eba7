// The browsers' side of a simulated world: the web client's own logic.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "sim/offer.hpp"

namespace liaison::sim {

// One browser, that is, one tab: it outlives its pages.
struct BrowserId {
  std::uint32_t value = 0;
  auto operator<=>(const BrowserId&) const = default;
};

// What the client asks of its browser, and so of the world: each is called from within a call of
// ClientScript, and must not call back into it. What it throws comes out of that call. Sockets,
// timers and peers are numbered within a browser and no number comes twice, whatever the page.
struct ClientHost {
  virtual ~ClientHost() = default;
  // A WebSocket begins to open.
  virtual void connect(BrowserId browser, std::uint32_t socket) = 0;
  virtual void send(BrowserId browser, std::uint32_t socket, std::string text) = 0;
  // The client has done with it; what it sent before still arrives. Nothing is asked of it after.
  virtual void close_socket(BrowserId browser, std::uint32_t socket) = 0;
  virtual void set_timer(BrowserId browser, std::uint32_t timer, Duration after) = 0;
  virtual void cancel_timer(BrowserId browser, std::uint32_t timer) = 0;
  // A new RTCPeerConnection. Its transceivers are those of docs/protocol.md, which is checked.
  virtual void open_peer(BrowserId browser, std::uint32_t peer) = 0;
  // createOffer: the SDP. With `restart`, after restartIce().
  // `redundant` has a bit for each m-line that prefers redundant sound.
  virtual std::string offer(BrowserId browser, std::uint32_t peer, PersonSlots slots, bool restart,
                            std::uint32_t redundant) = 0;
  // setRemoteDescription: false if the browser refuses it.
  virtual bool answer(BrowserId browser, std::uint32_t peer, const std::string& sdp) = 0;
  // Whether there is a track on m-line 0 to 3, none at first. A muted microphone keeps its track:
  // silence is sent, as from a real page.
  virtual void set_sending(BrowserId browser, std::uint32_t peer, std::size_t line,
                           std::uint32_t encodings) = 0;
  virtual void close_peer(BrowserId browser, std::uint32_t peer) = 0;
  // The room's state is another now.
  virtual void changed(BrowserId) {}
};

// Runs client/sdk, unchanged, for all browsers of one world, in SpiderMonkey. It knows no network
// and draws no chance: what it does depends on the calls and their times alone. `now` is the
// browser's own clock, which the client sees in whole milliseconds; timers are the host's to keep.
// An exception in the client, or a rejected promise that nobody looks at, is thrown as
// std::runtime_error with its stack; after that, only the destructor may be called. Scripts may
// live side by side, on the thread that made them.
class ClientScript {
 public:
  explicit ClientScript(ClientHost& host);
  ~ClientScript();
  ClientScript(const ClientScript&) = delete;
  ClientScript& operator=(const ClientScript&) = delete;

  // Also a reload: the page before is gone, its sessionStorage stays.
  void open_page(BrowserId browser, std::uint16_t first_slots, std::uint16_t most_slots,
                 Instant now);
  // The tab was closed, or has crashed: nobody is told. As with a reload, the host itself does away
  // with the sockets, timers and peers of the page, and what still comes for them is ignored.
  void close_page(BrowserId browser, Instant now);

  // Into a room; one page has one room. With `resume_if_possible` as the page does after a reload:
  // into the call that sessionStorage knows, if any, under the name and with the microphone and
  // camera that it had there. An empty token is none.
  void join(BrowserId browser, std::string_view room, std::string_view name, std::string_view token,
            bool resume_if_possible, Instant now);
  void leave(BrowserId browser, Instant now);
  void publish(BrowserId browser, bool microphone, bool camera, bool screen, bool screen_audio,
               Instant now);

  void socket_opened(BrowserId browser, std::uint32_t socket, Instant now);
  void socket_message(BrowserId browser, std::uint32_t socket, std::string_view text, Instant now);
  // Also if it could not be opened.
  void socket_closed(BrowserId browser, std::uint32_t socket, Instant now);
  void timer_fired(BrowserId browser, std::uint32_t timer, Instant now);
  // "connecting", "connected", "disconnected", "failed": RTCPeerConnection.connectionState.
  void connection_state(BrowserId browser, std::uint32_t peer, std::string_view state, Instant now);
  // The device is perhaps on another network, and the browser has noticed.
  void network_changed(BrowserId browser, Instant now);
  // The page comes to the foreground.
  void wake(BrowserId browser, Instant now);

  // What a person would see.
  struct Person {
    std::string id;
    std::string name;
    bool microphone = false;
    bool camera = false;
    bool screen = false;
    bool screen_audio = false;
    bool connected = false;
    bool operator==(const Person&) const = default;
  };
  struct View {
    std::string phase = "idle";
    std::string you;
    // What it publishes itself, or would.
    bool microphone = false;
    bool camera = false;
    bool screen = false;
    bool screen_audio = false;
    bool sending = false;
    std::uint32_t generation = 0;
    std::string failure;             // Its code.
    std::vector<std::string> slots;  // Who is in person slot n; empty for nobody.
    std::string sharer;              // Whose screen is shown.
    std::string speaker;
    std::string notice;  // Its code.
    bool operator==(const View&) const = default;
  };
  // Good until the next call that changes it; costs nothing if nothing changed.
  const View& view(BrowserId browser);
  // Who else is there, likewise.
  const std::vector<Person>& people(BrowserId browser);

 private:
  class Script;
  std::unique_ptr<Script> script_;
};

}  // namespace liaison::sim
