#!/usr/bin/env python3
"""WHIP and WHEP in front of a Janus that speaks neither, so that `liaison bench` can load it.

Usage: janus_shim.py LISTEN_ADDRESS:PORT JANUS_URL streaming|videoroom

POST /whip publishes into a VideoRoom; POST /whep plays it, either straight from the room (videoroom), or from a mountpoint of the
Streaming plugin to which the room forwards it as plain RTP (streaming). There is one publisher.

Janus offers to those who watch, and here they want an answer. The two are mirrored: Janus' offer goes to the player as the answer
(setup:passive), and what the player offered goes to Janus as its answer (setup:active).
"""

import http.server
import json
import re
import socketserver
import sys
import threading
import urllib.request
import uuid

ROOM, MOUNTPOINT = 1, 1
PORTS = {"audio": 5002, "video": 5004}
CODECS = {"audio": ("opus", 111), "video": ("vp8", 96)}


class Janus:
    """One session of its HTTP API, and a long poll for what it says later."""

    def __init__(self, url):
        self.url = url
        self.waiting = {}
        self.session = self.ask(url, {"janus": "create"})["data"]["id"]
        threading.Thread(target=self.poll, daemon=True).start()

    @staticmethod
    def ask(url, message):
        message = dict(message, transaction=message.get("transaction") or uuid.uuid4().hex)
        request = urllib.request.Request(url, json.dumps(message).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def poll(self):
        while True:
            with urllib.request.urlopen(f"{self.url}/{self.session}?maxev=50", timeout=60) as response:
                events = json.load(response)
            for event in events if isinstance(events, list) else [events]:
                waiting = self.waiting.pop(event.get("transaction"), None)
                if waiting:
                    waiting["event"] = event
                    waiting["came"].set()

    def attach(self, plugin):
        message = {"janus": "attach", "plugin": "janus.plugin." + plugin}
        return self.ask(f"{self.url}/{self.session}", message)["data"]["id"]

    def tell(self, handle, body, jsep=None):
        """The event, or for what is answered at once the answer, of a request to a plugin."""
        transaction = uuid.uuid4().hex
        waiting = self.waiting[transaction] = {"came": threading.Event()}
        message = {"janus": "message", "transaction": transaction, "body": body}
        if jsep:
            message["jsep"] = dict(jsep, trickle=False)  # all candidates are in it
        answer = self.ask(f"{self.url}/{self.session}/{handle}", message)
        if answer["janus"] == "ack":
            if not waiting["came"].wait(20):
                raise RuntimeError(f"Janus did not answer {body}")
            answer = waiting["event"]
        data = answer.get("plugindata", {}).get("data", {})
        if answer["janus"] == "error" or "error" in data:
            raise RuntimeError(f"Janus refused {body}: {answer}")
        return data, answer.get("jsep", {}).get("sdp")

    def detach(self, handle):
        self.ask(f"{self.url}/{self.session}/{handle}", {"janus": "detach"})


def sections(sdp):
    """The session part of a description, and its m-lines."""
    parts = re.split(r"(?=^m=)", sdp.replace("\r\n", "\n"), flags=re.M)
    return parts[0], parts[1:]


def attribute(sdp, name):
    return re.search(rf"^a={name}:(.*)$", sdp, re.M).group(1).strip()


def lines(text):
    return text.replace("\n", "\r\n")


def answer_for_player(janus_offer):
    text = janus_offer.replace("\r\n", "\n").replace("a=setup:actpass", "a=setup:passive")
    return lines(text)


def answer_for_janus(janus_offer, player_offer):
    """Takes everything that Janus offers, with the transport of the player."""
    transport = "".join(f"a={name}:{attribute(player_offer, name)}\n" for name in ("ice-ufrag", "ice-pwd", "fingerprint"))
    transport += "".join(re.findall(r"^a=candidate:.*\n", player_offer.replace("\r\n", "\n"), re.M))
    session, media = sections(janus_offer)
    text = re.sub(r"^a=(?!group).*\n", "", session, flags=re.M)
    for one in media:
        one = re.sub(r"^a=(candidate|end-of-candidates|ice-ufrag|ice-pwd|ice-options|fingerprint|setup|ssrc|msid|sendonly|sendrecv).*\n", "",
                     one, flags=re.M)
        text += one + transport + "a=setup:active\na=recvonly\n"
    return lines(text)


class Room:
    """What is published, and who watches."""

    def __init__(self, janus, plugin):
        self.janus, self.plugin = janus, plugin
        self.control = janus.attach("videoroom")
        janus.tell(self.control, {"request": "create", "room": ROOM, "publishers": 100, "bitrate": 0, "fir_freq": 0,
                                  "audiocodec": "opus", "videocodec": "vp8", "notify_joining": False})
        self.feed = None

    def publish(self, offer):
        handle = self.janus.attach("videoroom")
        joined, _ = self.janus.tell(handle, {"request": "join", "ptype": "publisher", "room": ROOM})
        # Janus is to be the passive side, as an answering server is for WHIP.
        offer = offer.replace("a=setup:actpass", "a=setup:active")
        _, answer = self.janus.tell(handle, {"request": "publish"}, {"type": "offer", "sdp": offer})
        self.feed = joined["id"]
        if self.plugin == "streaming":
            self.forward([re.match(r"m=(\w+)", one).group(1) for one in sections(offer)[1]])
        return handle, answer

    def forward(self, kinds):
        streaming = self.janus.attach("streaming")
        self.janus.tell(streaming, {"request": "create", "type": "rtp", "id": MOUNTPOINT, "media": [
            {"type": kind, "mid": str(at), "label": kind, "codec": CODECS[kind][0], "pt": CODECS[kind][1], "port": PORTS[kind]}
            for at, kind in enumerate(kinds)]})
        self.janus.tell(self.control, {"request": "rtp_forward", "room": ROOM, "publisher_id": self.feed, "host": "127.0.0.1", "host_family": "ipv4",
                                       "streams": [{"mid": str(at), "port": PORTS[kind], "pt": CODECS[kind][1]}
                                                   for at, kind in enumerate(kinds)]})

    def watch(self, player_offer):
        handle = self.janus.attach(self.plugin)
        if self.plugin == "streaming":
            body = {"request": "watch", "id": MOUNTPOINT}
        else:
            body = {"request": "join", "ptype": "subscriber", "room": ROOM, "streams": [{"feed": self.feed}]}
        _, janus_offer = self.janus.tell(handle, body)
        self.janus.tell(handle, {"request": "start"}, {"type": "answer", "sdp": answer_for_janus(janus_offer, player_offer)})
        return handle, answer_for_player(janus_offer)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    room = None

    def do_POST(self):
        offer = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            what = self.path.split("/")[1]
            handle, answer = self.room.publish(offer) if what == "whip" else self.room.watch(offer)
        except Exception as error:  # whatever it is, the client is to read it
            print(error, file=sys.stderr, flush=True)
            return self.respond(502, {}, f"{error}\n")
        headers = {"Content-Type": "application/sdp", "Location": f"/{what}/{handle}"}
        if what == "whip":
            headers["Link"] = "</whep>; rel=\"related\""
        return self.respond(201, headers, answer)

    def do_DELETE(self):
        self.room.janus.detach(int(self.path.rsplit("/", 1)[1]))
        self.respond(200, {}, "")

    def respond(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    if len(sys.argv) != 4 or sys.argv[3] not in ("streaming", "videoroom"):
        sys.exit(__doc__)
    address, port = sys.argv[1].rsplit(":", 1)
    Handler.room = Room(Janus(sys.argv[2]), sys.argv[3])
    server = Server((address, int(port)), Handler)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
