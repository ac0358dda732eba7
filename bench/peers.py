#!/usr/bin/env python3
"""What bench/peers runs in a network of its own: the measurements, and a line for each figure."""

import argparse
import json
import os
import pathlib
import statistics
import time

import peers_world as world
from peers_world import CROWD, WATCHER, WORK, Janus, Liaison, Load, Sunk

TAG = 16  # what AES-GCM adds to a datagram
CALM = 1.10  # a calibrator that moves by more spoils a pair

SERVERS = {
    "ours": Liaison,
    "janus-tuned": lambda: Janus("tuned", 1, PLUGIN),
    "janus-default": lambda: Janus("default", 0, PLUGIN),
}
PLUGIN = "streaming"  # or videoroom: see choose_plugin()


class Audience:
    """A publisher, a crowd whose media is sunk, and two viewers that receive: one who joined before it, and one after."""

    def __init__(self, server, viewers, **more):
        self.server, self.viewers = server, viewers
        self.loads = []
        try:
            self.gather(**more)
        except world.Failure:
            self.stop()
            raise

    def gather(self, video=2500, audio=0, joins=200):
        server, viewers = self.server, self.viewers
        media = ["--video", video, "--audio", audio]
        self.publisher = self.load("publisher", WATCHER, "--whip", server.whip("a"), *media)
        self.publisher.wait("publisher", lambda line: line["publishers"] == 1)
        self.first = self.viewer("first", media)
        self.crowd = self.load("crowd", CROWD, "--whep", server.whep("a"), "--viewers", viewers, "--joins-per-second", joins,
                               "--no-transport-cc", *media)
        self.crowd.wait("crowd", lambda line: line["viewers"] == viewers, 60 + viewers / joins)
        self.last = self.viewer("last", media)
        time.sleep(2)

    def load(self, name, address, *flags):
        self.loads.append(Load(self.server, name, address, *flags))
        return self.loads[-1]

    def viewer(self, name, media, room="a"):
        load = self.load(name, WATCHER, "--whep", self.server.whep(room), "--viewers", 1, "--no-transport-cc", *media)
        load.wait(f"media at the {name} viewer", lambda line: line["receiving"] == 1)
        return load

    def measure(self, seconds):
        marks = {load: len(load.said) for load in self.loads}
        begin, cpu, sunk = time.monotonic(), self.server.cpu(), Sunk()
        time.sleep(seconds)
        cpu, after, took = self.server.cpu() - cpu, Sunk(), time.monotonic() - begin
        seen = {load: load.since(marks[load]) for load in self.loads}
        last, sent = seen[self.last], seen[self.publisher]
        packets = after.packets_since(sunk, last["bytes"] / max(last["received"], 1) + TAG)
        received = [seen[load] for load in (self.first, self.last)]
        forwarded = packets + sum(one["received"] for one in received) * took / max(last["seconds"], 1)
        return {
            "viewers": self.viewers, "us": 1e6 * cpu / max(forwarded, 1), "cpu": cpu / took, "packets_per_second": forwarded / took,
            "run": packets / max(after.messages - sunk.messages, 1),
            "goodput": packets / (sent["sent"] / sent["seconds"] * took * self.viewers), "skipped": sent["skipped"],
            "lost": sum(one["lost"] for one in received),
            "first": latency(seen[self.first]), "last": latency(last),
        }

    def stop(self):
        for load in reversed(self.loads):
            load.stop()


def latency(seen):
    """Medians over the seconds, in ms."""
    return {f"{kind}_{share}": statistics.median(line[kind][share + "_ms"] for line in seen["lines"])
            for kind in ("video", "audio") for share in ("p50", "p99") if seen["lines"] and seen["lines"][0][kind]["count"]}


def once(name, viewers, seconds=8, **more):
    server = SERVERS[name]()
    try:
        audience = Audience(server, viewers, **more)
        try:
            result = audience.measure(seconds)
        finally:
            audience.stop()
    finally:
        server.stop()
    note(f"{name} {viewers}: {result['us']:.3f} us, {100 * result['cpu']:.0f} % of a processor, goodput {100 * result['goodput']:.2f} %, "
         f"runs of {result['run']:.1f}, last viewer {result['last']}")
    return result


def note(text):
    print("  " + text, flush=True)


def spread(values, unit="", digits=1):
    return f"{statistics.median(values):.{digits}f}{unit} [{min(values):.{digits}f}..{max(values):.{digits}f}]"


def pairs(names, count, viewers, seconds):
    """Rounds in which each server is measured once. Those in which the machine was not calm are used only if there are no others."""
    calm, others = [], []
    for turn in range(2 * count):
        if len(calm) == count:
            break
        one, times = {}, []
        for name in names if turn % 2 == 0 else reversed(names):
            times.append(world.calibrate())
            one[name] = once(name, viewers, seconds)
        times.append(world.calibrate())
        one["moved"] = max(times) / min(times)
        (calm if one["moved"] <= CALM else others).append(one)
        if one["moved"] > CALM:
            note(f"not calm: the calibrator moved by {100 * (one['moved'] - 1):.0f} %")
    if not calm:
        print(f"The machine was never calm: the calibrator moved by up to {100 * (max(one['moved'] for one in others) - 1):.0f} % within a round. "
              "The figures are of these rounds.", flush=True)
    return calm or others


def choose_plugin():
    """The cheaper of the two ways in which Janus can do it is the one that we are compared with."""
    global PLUGIN
    cost = {}
    for PLUGIN in ("streaming", "videoroom"):
        cost[PLUGIN] = once("janus-tuned", 100, 5)["us"]
    PLUGIN = min(cost, key=cost.get)
    print(f"janus: {', '.join(f'{plugin} {us:.2f} us' for plugin, us in cost.items())}; measured with {PLUGIN}", flush=True)
    return cost


def g1(results, arguments):
    rounds = pairs(list(SERVERS), arguments.pairs, 100, arguments.seconds)
    results["G1"] = rounds
    print(f"G1 ours {spread([one['ours']['us'] for one in rounds], ' us', 2)} of processor time per packet forwarded", flush=True)
    for name in list(SERVERS)[1:]:
        ratios = [one[name]["us"] / one["ours"]["us"] for one in rounds]
        print(f"G1 {name}/ours {spread(ratios, 'x')}  {spread([one[name]['us'] for one in rounds], ' us', 2)}", flush=True)
        for place, share in (("first", "p50"), ("last", "p99")):
            key = f"video_{share}"
            ratios = [one[name][place][key] / one["ours"][place][key] for one in rounds]
            print(f"G4 {name}/ours {spread(ratios, 'x')}  {share} of the {place} viewer of 102: "
                  f"{spread([one['ours'][place][key] for one in rounds], ' ms', 3)} against {spread([one[name][place][key] for one in rounds], ' ms', 3)}",
                  flush=True)


def g3(results, arguments):
    curves = {"ours": [50, 100, 200, 500, 1000], "janus-tuned": [50, 100, 200, 300], "janus-default": [25, 50, 100]}
    results["curve"] = {name: [[once(name, viewers, arguments.seconds) for viewers in audience] for _ in range(min(arguments.pairs, 3))]
                        for name, audience in curves.items()}
    for name, runs in results["curve"].items():
        row = [statistics.median(run[at]["us"] for run in runs) for at in range(len(runs[0]))]
        print(f"G3 {name} " + ", ".join(f"{viewers}: {us:.2f} us" for viewers, us in zip(curves[name], row)), flush=True)
    ratios = [run[4]["us"] / run[0]["us"] for run in results["curve"]["ours"]]
    print(f"G3 ours(1000)/ours(50) {spread(ratios, 'x', 2)}", flush=True)


def g2(results, arguments):
    # With the two who receive: as many as a worker takes.
    result = results["G2"] = once("ours", 3498, arguments.seconds, joins=300)
    print(f"G2 ours 3500 receivers of 2.5 Mbit/s: goodput {100 * result['goodput']:.2f} %, {100 * result['cpu']:.0f} % of a processor, "
          f"{result['us']:.2f} us, p99 of the last {result['last']['video_p99']:.2f} ms", flush=True)


def g5(results, arguments):
    """More video than it can send, and beside it sound, of the same room and of another."""
    results["G5"] = {}
    for name, viewers, rates in (("ours", 1000, (8000, 12000, 16000, 24000, 36000)), ("janus-tuned", 100, (4000, 6000, 9000, 14000, 21000))):
        best = 0
        for rate in rates:
            result = once(name, viewers, 5, video=rate, audio=64)
            results["G5"].setdefault(name, []).append(dict(result, rate=rate))
            best = max(best, result["packets_per_second"])
            offered = result["packets_per_second"] / result["goodput"]
            print(f"G5 {name} {offered / best:.2f} of its most offered, {result['packets_per_second'] / best:.2f} delivered: sound p99 "
                  f"{result['last'].get('audio_p99', 0):.1f} ms, video p99 {result['last'].get('video_p99', 0):.1f} ms", flush=True)
            if offered > 1.6 * best:
                break


def g6(results, arguments):
    result = results["G6"] = once("ours", 1000, arguments.seconds, video=0, audio=64)
    print(f"G6 ours {result['us']:.2f} us for a packet of sound to 1000; LiveKit's published figure, on other hardware, is 13.3 us", flush=True)


def g7(results, arguments):
    results["G7"] = {name: memory_of(name, steps) for name, steps in (("ours", (100, 1100)), ("janus-tuned", (100, 400)))}
    print(f"G7 janus-tuned/ours {results['G7']['janus-tuned'] / results['G7']['ours']:.1f}x", flush=True)


def memory_of(name, steps):
    """What a viewer of a little sound adds to what the server has in memory."""
    server = SERVERS[name]()
    memory, loads, there = [], [], 0
    media = ["--video", 0, "--audio", 6]
    try:
        loads.append(Load(server, "publisher", WATCHER, "--whip", server.whip("a"), *media))
        loads[0].wait("publisher", lambda line: line["publishers"] == 1)
        for step in steps:
            more = step - there
            loads.append(Load(server, f"crowd-{step}", CROWD, "--whep", server.whep("a"), "--viewers", more, "--no-transport-cc", *media))
            loads[-1].wait("crowd", lambda line, more=more: line["viewers"] == more, 60 + more / 50)
            there = step
            time.sleep(30)  # DTLS is forgotten some seconds after the handshake
            memory.append(server.memory())
    finally:
        for load in reversed(loads):
            load.stop()
        server.stop()
    each = (memory[1] - memory[0]) / (steps[1] - steps[0])
    print(f"G7 {name} {each / 1000:.1f} kB for a viewer, from {steps[0]} to {steps[1]} of them", flush=True)
    return each


def g8(results, arguments):
    """A thousand join a room of sound while somebody watches another. Janus is left out: its shim has one room, whose pictures
    whoever joins would be sent."""
    viewers, rate = 1000, 500
    server = SERVERS["ours"]()
    loads = []
    try:
        loads.append(Load(server, "publisher", WATCHER, "--whip", server.whip("a"), "--audio", 0))
        loads[0].wait("publisher", lambda line: line["publishers"] == 1)
        viewer = Load(server, "viewer", WATCHER, "--whep", server.whep("a"), "--viewers", 1, "--no-transport-cc", "--audio", 0)
        loads.append(viewer)
        viewer.wait("media", lambda line: line["receiving"] == 1)
        time.sleep(2)
        mark, cpu, begin = len(viewer.said), server.cpu(), time.monotonic()
        time.sleep(3)
        idle = (server.cpu() - cpu) / (time.monotonic() - begin)
        cpu, begin = server.cpu(), time.monotonic()
        crowd = Load(server, "joins", CROWD, "--whip", server.whip("b"), "--video", 0, "--viewers", viewers, "--joins-per-second", rate,
                     "--no-transport-cc")
        loads.append(crowd)
        joined = crowd.wait("joins", lambda line: line["viewers"] == viewers)
        took = time.monotonic() - begin
        each = (server.cpu() - cpu - idle * took) / viewers
        time.sleep(2)
        seen = viewer.since(mark)
        results["G8"] = {"viewers": viewers, "rate": rate, "ms": 1e3 * each, "lost": seen["lost"], "seconds": joined["at"],
                         "connected_p95_ms": joined["connected"]["p95_ms"]}
        # What they are sent meanwhile is in their processor time.
        print(f"G8 ours {viewers} joins at {rate} a second, all there in the line of second {joined['at']:.0f}: {1e3 * each:.2f} ms of processor "
              f"time each, connected within {joined['connected']['p95_ms']:.0f} ms (p95); who watched meanwhile lost {seen['lost']} packets",
              flush=True)
    finally:
        for load in reversed(loads):
            load.stop()
        server.stop()


ALL = {"G1": g1, "G2": g2, "G3": g3, "G5": g5, "G6": g6, "G7": g7, "G8": g8}  # G4 comes with G1


def main():
    parser = argparse.ArgumentParser(prog="bench/peers")
    parser.add_argument("--quick", action="store_true", help="G1 alone, with fewer pairs")
    parser.add_argument("--only", default=",".join(ALL), help="such as G1,G3")
    parser.add_argument("--pairs", type=int, default=7)
    arguments = parser.parse_args()
    arguments.seconds = 8
    wanted = arguments.only.split(",")
    if arguments.quick:
        wanted, arguments.pairs, arguments.seconds = ["G1"], 3, 5
    for name in wanted:
        if name not in ALL:
            parser.error(f"{name} is none of {', '.join(ALL)}")
    WORK.mkdir(parents=True, exist_ok=True)
    os.nice(-10)  # and all that it starts: whatever else runs on the machine gives way
    world.make_network()
    results = {"began": time.strftime("%Y-%m-%d %H:%M"), "plugins": choose_plugin()}
    for name in wanted:
        try:
            ALL[name](results, arguments)
        except world.Failure as failure:
            print(f"{name} could not be measured: {failure}", flush=True)
        pathlib.Path(WORK, "results.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
