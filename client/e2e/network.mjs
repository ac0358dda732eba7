// Real Chromium on bad networks: what bench/network plays in the simulator, in real time, over the same links (bench/network_relay.cpp).
// Writes a file for each network, for bench/network_plot.py. CELLS="step loss_10" picks some by the beginnings of their names.
//   MAIN=network.mjs client/e2e/run
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

import { launch } from './lib/browsers.mjs';
import { Site, hub } from './lib/network.mjs';
import { Person } from './lib/person.mjs';
import { Server } from './lib/server.mjs';
import { now, until } from './lib/wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const relayProgram = process.env.RELAY ?? path.join(root, 'build/sim/bench/network_relay');
const out = process.env.OUT ?? path.join(root, 'build/network/chromium');

const every = 250;
// As small as Chromium still sends three encodings of, so that two cores encode and show all of it.
const camera = { width: 960, height: 540, fps: 15, noise: true };
const nothing = { rate: 0, queue: 300, delay: 30, jitter: 0, loss: 0, bad_loss: 0, becomes_bad: 0, becomes_good: 1 };

/** Between a site and the hub: everything that goes from one to the other. */
class Relay {
  lines = [];

  async begin(site) {
    this.process = spawn(relayProgram, [site.name, site.address, hub], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = readline.createInterface({ input: this.process.stdout });
    await once(lines, 'line');
    lines.on('line', (line) => {
      const [, rate, queue, peak, lost, overflowed, bytes] = line.split(' ').map(Number);
      this.lines.push({ at: now(), rate, queue, peak, lost: lost + overflowed, bytes });
    });
    return this;
  }

  /** Only what comes down has a rate. */
  set(options) {
    const { up = {}, down = {}, ...both } = options;
    const say = (way, values) =>
      this.process.stdin.write(`${way} ${Object.entries({ ...nothing, ...values }).flat().join(' ')}\n`);
    say('up', { ...both, rate: 0, ...up });
    say('down', { ...both, ...down });
  }

  end() {
    this.process.stdin.end();
  }
}

/** Notes when each picture of each tile is presented; runs in the page. */
function notePictures() {
  const shown = (window.__shown = new Map());
  const look = () => {
    for (const tile of document.querySelectorAll('[data-testid=tile][data-self=false][data-screen=false]')) {
      const video = tile.querySelector('video');
      if (!video || shown.has(video)) continue;
      const times = [];
      shown.set(video, times);
      const next = () => {
        times.push(performance.now());
        video.requestVideoFrameCallback(next);
      };
      video.requestVideoFrameCallback(next);
    }
    requestAnimationFrame(look);
  };
  look();
}

/** Of the smallest encoding, which is always sent. */
async function framesSent(publisher) {
  const sent = await publisher.stats('outbound-rtp');
  return sent.find(({ kind, rid }) => kind === 'video' && rid === 'q')?.framesSent ?? 0;
}

/** What is to be known four times a second; runs in the page. */
async function look() {
  const inbound = await window.__e2e.stats('inbound-rtp');
  const tiles = [];
  for (const tile of document.querySelectorAll('[data-testid=tile][data-self=false][data-screen=false]')) {
    const video = tile.querySelector('video');
    const id = video?.srcObject?.getVideoTracks()[0]?.id;
    const stats = inbound.find((entry) => entry.trackIdentifier === id) ?? {};
    const pictures = window.__shown.get(video)?.splice(0) ?? [];
    tiles.push({
      name: tile.dataset.name, paused: tile.dataset.paused === 'true', pictures, height: stats.frameHeight ?? 0, fps: stats.framesPerSecond ?? 0,
    });
  }
  const sum = (kind, name) => inbound.filter((entry) => entry.kind === kind).reduce((total, entry) => total + (entry[name] ?? 0), 0);
  return {
    now: performance.now(), tiles: tiles.sort((a, b) => (a.name < b.name ? -1 : 1)),
    bytes: inbound.reduce((total, entry) => total + entry.bytesReceived + entry.headerBytesReceived, 0),
    repaired: sum('video', 'retransmittedPacketsReceived') + sum('audio', 'retransmittedPacketsReceived'),
    concealed: sum('audio', 'concealedSamples') - sum('audio', 'silentConcealedSamples'),
    samples: sum('audio', 'totalSamplesReceived'),
  };
}

/** A viewer whose doings are written down. */
class Observation {
  samples = [];
  late = 0;
  gaps = []; // of pictures: { from, to } in s since the beginning
  #last = new Map();

  constructor(viewer, relay, competitor) {
    Object.assign(this, { viewer, relay, competitor });
  }

  async begin() {
    await this.viewer.page.evaluate(notePictures);
    this.before = await this.viewer.page.evaluate(look);
    this.begun = now();
    this.pageBegun = this.before.now;
    this.line = this.relay.lines.length;
    return this;
  }

  get time() {
    return (now() - this.begun) / 1000;
  }

  async run(seconds) {
    const end = this.samples.length * every + seconds * 1000;
    for (let due = (this.samples.length + 1) * every; due <= end + 1; due += every) {
      await until('the next look', () => now() - this.begun >= due, { every: 5, timeout: every + 5_000 });
      await this.#sample(due / 1000);
    }
  }

  async #sample(time) {
    const seen = await this.viewer.page.evaluate(look);
    // A page that does not come to answer does not come to show pictures either.
    if (now() - this.begun > time * 1000 + 500) ++this.late;
    const lines = this.relay.lines.slice(this.line);
    this.line += lines.length;
    const elapsed = Math.max(1, seen.now - this.before.now);
    const last = this.relay.lines.at(-1);
    const first = lines.length ? this.relay.lines[this.line - lines.length - 1] ?? last : last;
    let frozen = 0;
    const layers = seen.tiles.map((tile) => {
      for (const at of tile.pictures) {
        const before = this.#last.get(tile.name);
        if (before && !before.paused) this.gaps.push({ from: before.at, to: (at - this.pageBegun) / 1000 });
        this.#last.set(tile.name, { at: (at - this.pageBegun) / 1000, paused: false });
      }
      const latest = this.#last.get(tile.name);
      if (latest && tile.paused) latest.paused = true;
      const wait = latest ? (seen.now - this.pageBegun) / 1000 - latest.at : 0;
      if (!tile.paused) frozen = Math.max(frozen, wait * 1000);
      if (!latest || tile.paused || wait > 0.5) return 0;
      const encoding = tile.height > 0.75 * camera.height ? 2 : tile.height > 0.375 * camera.height ? 1 : 0;
      return 2 * encoding + (tile.fps > 0.7 * camera.fps ? 2 : 1);
    });
    this.samples.push({
      time,
      capacity: (last?.rate ?? 0) / 1000,
      estimate: (this.viewer.estimate ?? 0) / 1000,
      delivered: ((seen.bytes - this.before.bytes) * 8) / elapsed,
      queue: lines.length ? Math.min(...lines.map(({ queue }) => queue)) : 0,
      queue_peak: lines.length ? Math.max(...lines.map(({ peak }) => peak)) : 0,
      standing: lines.map(({ queue }) => queue),
      layers,
      paused: seen.tiles.filter(({ paused }) => paused).length,
      frozen,
      lost: Math.max(0, (last?.lost ?? 0) - (first?.lost ?? 0)),
      repaired: seen.repaired - this.before.repaired,
      other: this.competitor ? this.competitor.take(elapsed) : 0,
      concealed: seen.concealed - this.before.concealed,
      heard: seen.samples - this.before.samples,
      bytes: seen.bytes - this.before.bytes,
    });
    this.before = seen;
  }

  between(from, to) {
    return this.samples.filter(({ time }) => time > from + 0.01 && time < to + 0.01);
  }

  /** ms; the longest of those that touch this time. What still lasts counts until then. */
  longestGap(from, to) {
    const open = [...this.#last.values()].filter(({ paused }) => !paused).map(({ at }) => ({ from: at, to: this.samples.at(-1).time }));
    const lengths = [...this.gaps, ...open].filter((gap) => gap.to > from && gap.from < to).map((gap) => gap.to - gap.from);
    return 1000 * Math.max(0, ...lengths);
  }
}

const mean = (values) => (values.length ? values.reduce((a, b) => a + b, 0) / values.length : 0);
const quantile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.round(share * (sorted.length - 1))] : 0;
};
const figure = (atMost, name, unit, value, target = null) => ({
  name, unit, median: value, worst: value, target, at_most: atMost, met: target === null || (atMost ? value <= target : value >= target),
});
const atMost = (...rest) => figure(true, ...rest);
const atLeast = (...rest) => figure(false, ...rest);
const standing = (samples) => samples.flatMap((sample) => sample.standing);

/** TCP from the hub to the site, as fast as it goes. */
class Download {
  #bytes = 0;

  async begin(site) {
    // Node cannot choose how a connection shares a path, and a namespace of its own may not change what is usual.
    const pour =
      `import socket; s = socket.socket(); s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic'); ` +
      `s.bind(('${hub}', 0)); s.listen(); print(s.getsockname()[1], flush=True); c, _ = s.accept()\nwhile True: c.sendall(bytes(65536))`;
    this.server = spawn('python3', ['-c', pour], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [port] = await once(readline.createInterface({ input: this.server.stdout }), 'line');
    const drink =
      `let n = 0; require('net').connect(${port}, '${hub}').on('data', (d) => (n += d.length)); ` +
      `setInterval(() => { console.log(n); n = 0; }, 100);`;
    this.client = spawn('ip', ['netns', 'exec', site.name, process.execPath, '-e', drink], { stdio: ['ignore', 'pipe', 'inherit'] });
    readline.createInterface({ input: this.client.stdout }).on('line', (line) => {
      this.#bytes += Number(line);
      this.total = (this.total ?? 0) + Number(line);
    });
    return this;
  }

  /** kbit/s since the last time. */
  take(elapsed) {
    const bytes = this.#bytes;
    this.#bytes = 0;
    return (bytes * 8) / elapsed;
  }

  end() {
    this.client?.kill();
    this.server?.kill();
  }
}

// ── The networks ──

async function step(call, { high, low, ...both }) {
  const [fall, rise, end] = [15, 30, 50];
  call.relay.set({ ...both, rate: high });
  await call.calm();
  const seen = await call.observe();
  await seen.run(fall);
  call.relay.set({ ...both, rate: low });
  await seen.run(rise - fall);
  call.relay.set({ ...both, rate: high });
  await seen.run(end - rise);
  const layers = ({ layers: all }) => all.reduce((a, b) => a + b, 0);
  const before = mean(seen.between(fall - 6, fall).map(layers));
  let drained = rise - fall;
  let calm = null;
  for (const { time, queue } of seen.between(fall, rise)) {
    if (queue >= 50) calm = null;
    else calm ??= time;
    if (calm !== null && time - calm >= 1) {
      drained = calm - fall;
      break;
    }
  }
  let back = end - rise;
  for (let at = rise; at + 1 <= end; at += every / 1000) {
    if (mean(seen.between(at, at + 1).map(layers)) < 0.9 * before) continue;
    back = at - rise;
    break;
  }
  const low_ = standing(seen.between(fall + 1, rise));
  return { seen, figures: [
    atMost('queue is under 50 ms after', 's', drained, 1),
    atMost('standing queue from 1 s after the fall, p95', 'ms', quantile(low_, 0.95), 50),
    atMost('longest freeze at the fall', 'ms', seen.longestGap(fall, fall + 5), 300),
    atMost('longest freeze until the rise', 'ms', seen.longestGap(fall, rise), 300),
    atMost('pictures paused while it is low', '%', 100 * mean(seen.between(fall, rise).map(({ paused, layers: all }) => paused / Math.max(1, all.length)))),
    atMost('90 % of the layers are back after', 's', back, 5),
    atLeast('estimate while it is low, of capacity', '%', 100 * mean(seen.between(fall + 5, rise).map(({ estimate, capacity }) => estimate / capacity))),
  ] };
}

async function steady(call, { targets = {}, ...both }) {
  call.relay.set(both);
  const seen = await call.observe();
  await seen.run(40);
  const samples = seen.between(12, 40);
  const sum = (name) => samples.reduce((total, sample) => total + sample[name], 0);
  const figures = [];
  if (both.rate) {
    const share = samples.map(({ estimate, capacity }) => Math.min(1, estimate / capacity));
    figures.push(
      atLeast('estimate, of capacity', '%', 100 * mean(share), targets.estimate ?? null),
      atMost('standing queue, p95', 'ms', quantile(standing(samples), 0.95), targets.queue ?? null),
    );
  }
  figures.push(
    atMost('longest freeze', 'ms', seen.longestGap(12, 40)),
    atMost('pictures paused', '%', (100 * sum('paused')) / Math.max(1, samples.reduce((total, { layers }) => total + layers.length, 0))),
    atMost('speech concealed', '%', (100 * sum('concealed')) / Math.max(1, sum('heard')), targets.concealed ?? null),
  );
  return { seen, figures };
}

async function tcp(call, both) {
  call.relay.set(both);
  const others = [await call.observe(call.viewers[1])];
  const seen = await call.observe();
  const run = (seconds) => Promise.all([seen, ...others].map((one) => one.run(seconds)));
  await run(10);
  const download = await new Download().begin(call.site);
  seen.competitor = download;
  await run(15);
  const tcpBefore = download.total ?? 0;
  await run(25);
  download.end();
  const bits = both.rate * 25;
  const share = (one) => (one.between(25, 50).reduce((total, { bytes }) => total + bytes, 0) * 8) / bits;
  return { seen, figures: [
    atLeast('share of the poorer of our flows', '%', 100 * Math.min(...[seen, ...others].map(share)), 25),
    atLeast('share of TCP', '%', (100 * (download.total - tcpBefore) * 8) / bits),
    atMost('longest freeze', 'ms', seen.longestGap(25, 50)),
  ] };
}

const cells = [
  ['step_2500_600', '2.5 → 0.6 → 2.5 Mbit/s, 60 ms, two pictures', (call) => step(call, { high: 2_500_000, low: 600_000 })],
  ['step_4000_500', '4 → 0.5 → 4 Mbit/s, 60 ms, two pictures', (call) => step(call, { high: 4_000_000, low: 500_000 })],
  ['loss_5', '1 Mbit/s, 60 ms, 5 % lost both ways', (call) => steady(call, { rate: 1_000_000, loss: 0.05 })],
  ['loss_10', '1 Mbit/s, 60 ms, 10 % lost both ways', (call) => steady(call, { rate: 1_000_000, loss: 0.1, targets: { estimate: 70 } })],
  ['loss_30', '1 Mbit/s, 60 ms, 30 % lost both ways', (call) => steady(call, { rate: 1_000_000, loss: 0.3, targets: { concealed: 3 } })],
  ['bursts', '1 Mbit/s, 60 ms, 3 % lost both ways in bursts of ten',
    (call) => steady(call, { rate: 1_000_000, bad_loss: 0.8, becomes_bad: 0.004, becomes_good: 0.1 })],
  ...[20, 100, 300].map((ms) => [`delay_${ms}`, `1 Mbit/s, ${ms} ms`, (call) => steady(call, { rate: 1_000_000, delay: ms / 2, targets: { queue: 80 } })]),
  ['jitter', '1 Mbit/s, 60 ms and up to 30 more', (call) => steady(call, { rate: 1_000_000, jitter: 30, targets: { queue: 80 } })],
  ['tcp', 'two of our flows and one TCP with CUBIC, 3 Mbit/s, 60 ms, queue of 100 ms',
    (call) => tcp(call, { rate: 3_000_000, queue: 100 }), { viewers: 2 }],
];

/** Two who publish from where the network is good, and who views them from behind a relay. */
async function play(number, play_, { viewers = 1 } = {}) {
  const server = await new Server({ 'log-level': 'info', 'media-address': [hub] }).start();
  const good = new Site();
  const site = new Site();
  const relay = await new Relay().begin(site);
  relay.set({});
  const browsers = [await launch.chromium(good), await launch.chromium(site)];
  const url = `${server.url}/r/network-${number}`;
  const people = [];
  const enter = async (i, browser, at, picture, viewport) => {
    const person = await Person.arrive(i, 'chromium', { site: at, browser, picture });
    await person.page.setViewport(viewport);
    const devtools = await person.page.createCDPSession();
    await devtools.send('Network.enable');
    devtools.on('Network.webSocketFrameReceived', ({ response }) => {
      if (!response.payloadData.startsWith('{')) return;
      const message = JSON.parse(response.payloadData);
      if (message.t === 'connection') person.estimate = message.bandwidth_down ?? person.estimate;
    });
    await person.enter(url);
    people.push(person);
    return person;
  };
  try {
    const publishers = [];
    for (const i of [0, 1]) publishers.push(await enter(i, browsers[0], good, camera, { width: 400, height: 300 }));
    const watching = [];
    for (let i = 0; i < viewers; i++) {
      watching.push(await enter(2 + i, browsers[1], site, { width: 320, height: 180, fps: 5 }, { width: 1900, height: 900 }));
    }
    for (const viewer of watching) for (const other of publishers) await viewer.sees(other, { timeout: 60_000 });
    const call = {
      relay, site, viewers: watching,
      observe: (viewer = watching[0]) => new Observation(viewer, relay).begin(),
      // The pictures have become as large as the path lets them.
      calm: () => until('the path to be full', async () => {
        const { tiles } = await watching[0].page.evaluate(look).catch(() => ({ tiles: [] }));
        return tiles.some(({ height }) => height > 0.75 * camera.height);
      }, { timeout: 40_000, every: 500 }),
    };
    await watching[0].page.evaluate(notePictures);
    const sent = () => Promise.all(publishers.map(framesSent));
    const [before, begun] = [await sent(), now()];
    const result = await play_(call);
    const due = (camera.fps * (now() - begun)) / 1000;
    const least = Math.min(...(await sent()).map((frames, i) => (frames - before[i]) / due));
    // Otherwise it is the machine that was measured.
    const { late, samples } = result.seen;
    if (least < 0.8 || late > 0.02 * samples.length) {
      throw new Error(`the cameras have sent ${Math.round(100 * least)} % of their pictures, and the page was late ${late} times: this machine is too slow, or busy`);
    }
    return result;
  } finally {
    for (const person of people) await person.away().catch(() => {});
    for (const browser of browsers) await browser.close().catch(() => {});
    relay.end();
    await server.stop();
    for (const one of [good, site]) one.remove();
  }
}

mkdirSync(out, { recursive: true });
const wanted = (process.env.CELLS ?? '').split(' ').filter(Boolean);
let failed = false;
for (const [number, [name, tells, play_, options]] of cells.entries()) {
  if (wanted.length && !wanted.some((beginning) => name.startsWith(beginning))) continue;
  try {
    const { seen, figures } = await play(number, play_, options);
    for (const { name: what, unit, worst, target, at_most: most, met } of figures) {
      const verdict = target === null ? '' : `${most ? '≤' : '≥'} ${target} ${unit}  ${met ? 'met' : 'missed'}`;
      console.log(`${name.padEnd(16)} ${what.padEnd(46)} ${worst.toFixed(1).padStart(8)} ${unit.padEnd(3)} ${verdict}`);
    }
    const samples = seen.samples.map(({ standing: _, ...sample }) => sample);
    writeFileSync(path.join(out, `${name}.json`), JSON.stringify({ cell: name, tells, seeds: 1, figures, samples }));
  } catch (error) {
    failed = true;
    console.error(`${name}: ${error.stack}`);
  }
}
process.exit(failed ? 1 : 0);
