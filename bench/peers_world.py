"""The machine that bench/peers measures on: two namespaces joined by a veth pair, the servers, and what loads them."""

import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIAISON = ROOT / "build/release/liaison"
WORK = ROOT / "build/peers"
SERVER = "10.78.0.1"
# Where the crowd receives, whose media is thrown away before any socket; and where media arrives.
CROWD, WATCHER = "10.78.0.2", "10.78.0.3"
SERVER_CPU, OTHER_CPU = "0", "1"

# RTP and RTCP both begin with 0b10 (RFC 7983); RTCP has a packet type of 192 to 223 (RFC 5761). RTP to the crowd ends here.
SINK = f"""
table ip sink {{
  counter rtp {{ }}
  chain arrivals {{
    type filter hook prerouting priority raw;
    ip daddr {CROWD} meta l4proto udp @th,64,8 & 0xc0 == 0x80 @th,72,8 != 192-223 counter name rtp drop
  }}
}}
"""


class Failure(Exception):
    """A measurement that could not be made, and why."""


def run(*command, **more):
    return subprocess.run(command, check=True, text=True, **more)


def make_network():
    run("mount", "-t", "tmpfs", "none", "/run")
    os.mkdir("/run/netns")
    for name in ("servers", "clients"):
        run("ip", "netns", "add", name)
    run("ip", "link", "add", "s0", "netns", "servers", "type", "veth", "peer", "name", "c0", "netns", "clients")
    for name, link, addresses in (("servers", "s0", [SERVER]), ("clients", "c0", [CROWD, WATCHER])):
        for address in addresses:
            run("ip", "-n", name, "addr", "add", address + "/24", "dev", link)
        run("ip", "-n", name, "link", "set", link, "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
    run("ip", "netns", "exec", "clients", "nft", "-f", "-", input=SINK)


class Sunk:
    """How much RTP the crowd was sent: bytes of IP, and messages of the kernel, of which each may be a run of datagrams."""

    def __init__(self):
        answer = run("ip", "netns", "exec", "clients", "nft", "-j", "list", "counter", "ip", "sink", "rtp", capture_output=True)
        counter = json.loads(answer.stdout)["nftables"][-1]["counter"]
        self.bytes, self.messages = counter["bytes"], counter["packets"]

    def packets_since(self, before, datagram):
        """`datagram`: the size of the UDP payloads, which all have. A run has one IP and UDP header for all of it."""
        return (self.bytes - before.bytes - 28 * (self.messages - before.messages)) / datagram


def calibrate():
    """The time of work that is always the same, on the processor of the servers: who else runs there makes it longer."""
    os.sched_setaffinity(0, {int(SERVER_CPU)})
    block = bytes(1 << 20)
    best = 1e9
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(8):
            hashlib.sha256(block).digest()
        for _ in range(20_000):
            os.getppid()
        best = min(best, time.perf_counter() - begin)
    os.sched_setaffinity(0, {int(OTHER_CPU)})
    return best


class Process:
    def __init__(self, name, space, cpu, command, **more):
        self.log = open(WORK / f"{name}.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(["ip", "netns", "exec", space, "taskset", "-c", cpu, *map(str, command)], text=True,
                                        **{"stdout": self.log, "stderr": self.log, **more})
        self.pid = self.process.pid  # ip and taskset become what they start

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Server(Process):
    """One server that is being measured."""

    def cpu(self):
        """Seconds of processor time of all its threads: schedstat is what stat rounds to hundredths."""
        total = 0
        for task in glob.glob(f"/proc/{self.pid}/task/*/schedstat"):
            try:
                total += int(pathlib.Path(task).read_text().split()[0])
            except (OSError, IndexError):
                pass  # a thread that has just ended
        return total / 1e9

    def memory(self):
        """Bytes that are in memory and its own."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return 1024 * int(re.search(r"^Rss: +(\d+)", text, re.M).group(1))


class Liaison(Server):
    name = "ours"
    flags = ["--insecure"]

    def __init__(self):
        data = WORK / "data"
        shutil.rmtree(data, ignore_errors=True)
        run(LIAISON, "init", "--self-signed", "--data", data, stdout=subprocess.DEVNULL)
        super().__init__("liaison", "servers", SERVER_CPU,
                         [LIAISON, "serve", "--data", data, "--listen", f"{SERVER}:8443", "--media-address", SERVER, "--workers", "1",
                          "--requests-per-address", "100000"], stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def whip(self, room):
        return f"https://{SERVER}:8443/whip/{room}"

    def whep(self, room):
        return f"https://{SERVER}:8443/whep/{room}"


class Janus(Server):
    """Debian's, with the plugins that are used and HTTP alone; `loops` event loops, or a thread for each client."""
    flags = []

    def __init__(self, name, loops, plugin):
        folder = WORK / "janus"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        library = glob.glob("/usr/lib/*/janus")[0]
        unused = {kind: ",".join(sorted(path.name for path in pathlib.Path(library, kind).glob("*.so")
                                        if not re.search("streaming|videoroom|http", path.name)))
                  for kind in ("plugins", "transports")}
        event_loops = f"event_loops = {loops}" if loops else ""
        (folder / "janus.jcfg").write_text(f"""
general: {{
  configs_folder = "{folder}" plugins_folder = "{library}/plugins" transports_folder = "{library}/transports"
  events_folder = "{library}/events" loggers_folder = "{folder}" debug_level = 2 {event_loops}
}}
nat: {{ ice_enforce_list = "{SERVER}" }}
plugins: {{ disable = "{unused['plugins']}" }}
transports: {{ disable = "{unused['transports']}" }}
""")
        (folder / "janus.transport.http.jcfg").write_text('general: { json = "compact" base_path = "/janus" http = true port = 8088 ip = "127.0.0.1" }\n')
        for name_of_plugin in ("streaming", "videoroom"):
            (folder / f"janus.plugin.{name_of_plugin}.jcfg").write_text("general: { }\n")
        super().__init__(f"janus-{name}", "servers", SERVER_CPU, ["janus", "-F", folder])
        self.name = f"janus-{name}"
        for _ in range(100):
            asked = subprocess.run(["ip", "netns", "exec", "servers", "python3", "-c",
                                    "import urllib.request as u; u.urlopen('http://127.0.0.1:8088/janus/info', timeout=2)"],
                                   capture_output=True, check=False)
            if asked.returncode == 0:
                break
            time.sleep(0.1)
        self.shim = Process(f"{self.name}-shim", "servers", OTHER_CPU,
                            [sys.executable, ROOT / "bench/janus_shim.py", f"{SERVER}:8000", "http://127.0.0.1:8088/janus", plugin],
                            stdout=subprocess.PIPE)
        if self.shim.process.stdout.readline() != "ready\n":
            sys.exit(f"peers: the shim did not start; see {WORK}/{self.name}-shim.log")

    def whip(self, room):
        return f"http://{SERVER}:8000/whip/{room}"

    def whep(self, room):
        return f"http://{SERVER}:8000/whep/{room}"

    def stop(self):
        self.shim.stop()
        super().stop()


class Load(Process):
    """`liaison bench`, until it is stopped; what it says each second is kept."""

    def __init__(self, server, name, address, *flags):
        super().__init__(name, "clients", OTHER_CPU, [LIAISON, "bench", "--json", "--seconds", "0", "--from", address, *server.flags, *flags],
                         stdout=subprocess.PIPE)
        self.said = []
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.said.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.said.append(None)
            self.changed.notify_all()

    def wait(self, what, condition, seconds=60):
        """The first line that fulfils the condition, from now on."""
        begin, end = len(self.said), time.monotonic() + seconds
        while True:
            failed = False
            with self.changed:
                for line in self.said[max(begin - 1, 0):]:
                    failed = failed or line is None or line["failed"] > 0
                    if line and not line["failed"] and condition(line):
                        return line
                begin = len(self.said)
                if not failed and not self.changed.wait(max(end - time.monotonic(), 0)):
                    raise Failure(f"no {what} within {seconds} s: {self.said[-1:]}")
            if failed:
                self.stop()  # at the end it says what was wrong
                raise Failure(f"no {what}: " + pathlib.Path(self.log.name).read_text(encoding="utf-8").strip())

    def since(self, count):
        """The lines after the first `count`, as sums of what was counted."""
        lines = [line for line in self.said[count:] if line and not line["whole"]]
        return {key: sum(line[key] for line in lines) for key in ("sent", "received", "bytes", "lost", "skipped", "seconds")} | {"lines": lines}
