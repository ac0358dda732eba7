#!/usr/bin/python3
"""Publishes by WHIP, or plays by WHEP, with GStreamer's webrtcbin.
    gstreamer.py publish|play URL [TOKEN]
Says the status of the answer, and of what it plays how many frames of each kind. SIGINT ends the session."""
import signal
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

WEBRTC = "webrtcbin name=webrtc bundle-policy=max-bundle "
VP8 = "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"
OPUS = "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2"
PUBLISH = (
    WEBRTC + "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=15/1 "
    "! vp8enc deadline=1 keyframe-max-dist=30 target-bitrate=300000 ! rtpvp8pay ! " + VP8 + " ! webrtc. "
    "audiotestsrc is-live=true wave=red-noise ! opusenc ! rtpopuspay ! " + OPUS + " ! webrtc. "
)
# Certificates of tests are signed by nobody.
CONTEXT = ssl._create_unverified_context()


class Client:
    def __init__(self, what, url, token):
        self.what, self.url, self.token = what, url, token
        self.session = None
        self.frames = {}
        self.loop = GLib.MainLoop()
        if what == "publish":
            self.pipeline = Gst.parse_launch(PUBLISH)
            self.webrtc = self.pipeline.get_by_name("webrtc")
        else:
            self.pipeline = Gst.Pipeline()
            self.webrtc = Gst.parse_launch(WEBRTC)
            self.pipeline.add(self.webrtc)
        if what == "play":
            direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
            for caps in (OPUS, VP8):
                self.webrtc.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
            self.webrtc.connect("pad-added", self.play)
        else:
            self.webrtc.connect("on-negotiation-needed", lambda _: self.offer())
        self.gathered = False
        self.webrtc.connect("notify::ice-gathering-state", self.gathering)

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        if self.what == "play":
            self.offer()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal_number, self.loop.quit)
        self.loop.run()
        if self.session:
            print(self.ask("DELETE", self.session).status, flush=True)
        self.pipeline.set_state(Gst.State.NULL)

    def ask(self, method, url, body=None):
        request = urllib.request.Request(url, body, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/sdp")
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        try:
            return urllib.request.urlopen(request, context=CONTEXT, timeout=10)
        except urllib.error.HTTPError as error:
            sys.exit(f"{error.code} {error.read().decode()}")

    def offer(self):
        self.webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered))

    def offered(self, promise):
        reply = promise.get_reply()  # which owns the offer
        self.webrtc.emit("set-local-description", reply.get_value("offer"), None)

    def gathering(self, webrtc, _):
        done = webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if done and not self.gathered:
            self.gathered = True
            GLib.idle_add(self.post)

    def post(self):
        offer = self.webrtc.get_property("local-description").sdp.as_text()
        response = self.ask("POST", self.url, offer.encode())
        self.session = urllib.parse.urljoin(self.url, response.headers["Location"])
        print(response.status, flush=True)
        _, sdp = GstSdp.SDPMessage.new_from_text(response.read().decode())
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.webrtc.emit("set-remote-description", answer, None)

    def play(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        decode = "rtpvp8depay ! vp8dec" if kind == "video" else "rtpopusdepay ! opusdec"
        sink = Gst.parse_bin_from_description(f"{decode} ! fakesink name=sink signal-handoffs=true sync=false", True)
        sink.get_by_name("sink").connect("handoff", lambda *_: self.count(kind))
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def count(self, kind):
        self.frames[kind] = self.frames.get(kind, 0) + 1
        if self.frames[kind] % 10 == 0:
            print(kind, self.frames[kind], flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("publish", "play"):
        sys.exit(__doc__)
    Gst.init(None)
    Client(*sys.argv[1:3], sys.argv[3] if len(sys.argv) == 4 else None).run()
