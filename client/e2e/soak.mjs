// Two people talk for as long as asked: a line a minute, and in the end whether anything grew, drifted or failed.
//   MAIN=soak.mjs MINUTES=60 client/e2e/run
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { median } from './lib/numbers.mjs';
import { Person, allMeet } from './lib/person.mjs';
import { Server } from './lib/server.mjs';
import { now, until } from './lib/wait.mjs';

const minutes = Number(process.env.MINUTES ?? 10);
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** What one person gets of the other just now. */
async function look(person, other) {
  const sent = sum((await other.stats('outbound-rtp')).filter(({ kind }) => kind === 'audio').map(({ packetsSent }) => packetsSent));
  const delays = [];
  for (let i = 0; i < 15; i++) {
    const picture = await person.pictureOf(other);
    if (picture) delays.push(picture.delay);
  }
  const inbound = await person.stats('inbound-rtp');
  const of = (kind, name) => sum(inbound.filter((entry) => entry.kind === kind).map((entry) => entry[name] ?? 0));
  return {
    sent,
    state: await person.state(),
    delay: median(delays) ?? null,
    frames: of('video', 'framesDecoded'),
    audio: of('audio', 'packetsReceived'),
    lost: of('audio', 'packetsLost') + of('video', 'packetsLost'),
    // Seconds that sound waits in the jitter buffer.
    buffered: of('audio', 'jitterBufferDelay') / Math.max(1, of('audio', 'jitterBufferEmittedCount')),
  };
}

describe(`two people for ${minutes} minutes`, () => {
  let server, ada, ben;
  before(async () => {
    server = await new Server({ 'log-level': 'info' }).start();
    ada = await Person.arrive(0, 'chromium', { picture: { width: 320, height: 180 } });
    ben = await Person.arrive(1, 'firefox', { picture: { width: 320, height: 180 } });
  });
  after(async () => {
    await ada?.away();
    await ben?.away();
    await server?.stop();
  });

  it('nothing grows, drifts or fails', async () => {
    for (const person of [ada, ben]) await person.enter(`${server.url}/r/soak`);
    await allMeet([ada, ben]);
    const begun = now();
    const resident = [];
    const delays = { [ada.name]: [], [ben.name]: [] };
    let last = {};
    for (let minute = 1; minute <= minutes; minute++) {
      await until('the next minute', () => now() >= begun + minute * 60_000, { timeout: 70_000, every: 250 });
      resident.push(server.residentKilobytes());
      const parts = [];
      for (const [one, other] of [[ada, ben], [ben, ada]]) {
        const seen = await look(one, other);
        const before = last[one.name] ?? { sent: 0, frames: 0, audio: 0 };
        const sent = seen.sent - before.sent;
        const got = seen.audio - before.audio;
        last = { ...last, [one.name]: seen };
        parts.push(`${one.name}: ${seen.state}, picture ${seen.delay} ms old, ${seen.frames - before.frames} frames, ` +
          `${got} of ${sent} audio packets, sound waits ${Math.round(seen.buffered * 1000)} ms, ${seen.lost} lost in all`);
        delays[one.name].push(seen.delay);
        assert.equal(seen.state, 'connected');
        assert.ok(seen.frames > before.frames, 'no new frames');
        assert.ok(sent > 1000, `${other.name} sent only ${sent} audio packets in a minute`);
        // Who came first has sent before there was anybody to hear.
        assert.ok(minute === 1 || got > sent * 0.98, `${got} of ${sent} audio packets came in a minute`);
      }
      console.log(`minute ${minute}: ${resident.at(-1)} kB; ${parts.join('; ')}`);
    }
    await allMeet([ada, ben]);
    const tenth = Math.max(1, Math.floor(minutes / 10));
    const early = median(resident.slice(tenth, 2 * tenth + 1));
    const late = median(resident.slice(-tenth));
    console.log(`resident memory after warm-up ${early} kB, at the end ${late} kB`);
    assert.ok(late < early * 1.05, `the server grew from ${early} kB to ${late} kB`);
    for (const [name, seen] of Object.entries(delays)) {
      const first = median(seen.slice(0, tenth + 1));
      const end = median(seen.slice(-tenth - 1));
      console.log(`${name}: picture ${first} ms old at first, ${end} ms at the end`);
      assert.ok(end < first + 150, `the picture of ${name} drifted from ${first} ms to ${end} ms`);
    }
    for (const person of [ada, ben]) assert.deepEqual(person.said.filter((line) => line.startsWith('uncaught')), []);
    assert.equal(await server.metric('liaison_joins_total'), 2);
    assert.equal(await server.metric('liaison_resumes_total'), 0, 'somebody had to come back');
  });
});
