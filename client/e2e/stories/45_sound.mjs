// Packets of sound get lost, and nobody hears it.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Person, allMeet } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

const small = { width: 320, height: 180, fps: 10 };

describe('sound between two Chromiums', () => {
  let server, ada, ben;
  before(async () => {
    server = await new Server().start();
    ada = await Person.arrive(0, 'chromium', { picture: small });
    ben = await Person.arrive(1, 'chromium', { picture: small });
    for (const person of [ada, ben]) await person.enter(`${server.url}/r/sound`);
    await allMeet([ada, ben]);
  });
  afterEach(() => ben.site.heal());
  after(async () => {
    for (const person of [ada, ben]) await person?.away();
    await server?.stop();
  });

  /** What the only stream of sound that comes has come to. */
  const received = async (person) => {
    const streams = await person.stats('inbound-rtp');
    return streams.find(({ kind, packetsReceived }) => kind === 'audio' && packetsReceived > 0);
  };
  /** The share of the sound of so many seconds that was made up, and how large its packets were. */
  const listen = async (person, seconds) => {
    const first = await received(person);
    const last = await until('enough sound', async () => {
      const stream = await received(person);
      return stream.totalSamplesReceived > first.totalSamplesReceived + 48_000 * seconds && stream;
    }, { timeout: 1000 * (seconds + 30), every: 500 });
    const since = (key) => last[key] - first[key];
    const packets = since('packetsReceived');
    return {
      concealed: since('concealedSamples') / since('totalSamplesReceived'),
      lost: since('packetsLost') / (packets + since('packetsLost')),
      size: since('bytesReceived') / packets,
    };
  };
  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  it('on the way down, of thirty percent lost at most three are missed', async (t) => {
    const before = await listen(ben, 3);
    ben.site.lose('input', 30);
    await until('the frames to come again', async () => (await listen(ben, 2)).size > 2.5 * before.size, { timeout: 60_000 });
    const { concealed, lost } = await listen(ben, 20);
    t.diagnostic(`lost ${percent(lost)}, concealed ${percent(concealed)}; without losses ${percent(before.concealed)}`);
    assert.ok(lost > 0.2, `only ${percent(lost)} were lost`);
    assert.ok(concealed < 0.03, `${percent(concealed)} of the sound were concealed`);
  });

  it('on the way up, the browser is asked to send each frame twice, and no more is missed', async (t) => {
    const sent = async () => {
      const streams = await ben.stats('outbound-rtp');
      const { bytesSent, packetsSent } = streams.find(({ kind, packetsSent }) => kind === 'audio' && packetsSent > 0);
      return { bytesSent, packetsSent };
    };
    const size = async () => {
      const first = await sent();
      const last = await until('packets to leave', async () => {
        const now = await sent();
        return now.packetsSent > first.packetsSent + 50 && now;
      });
      return (last.bytesSent - first.bytesSent) / (last.packetsSent - first.packetsSent);
    };
    const plain = await size();
    ben.site.lose('output', 30);
    await until('packets twice as large', async () => (await size()) > 1.7 * plain, { timeout: 60_000 });
    const { concealed } = await listen(ada, 20);
    t.diagnostic(`of 30 % lost ${percent(concealed)} were concealed`);
    assert.ok(concealed < 0.03, `${percent(concealed)} of the sound were concealed`);
    ben.site.heal();
    await until('plain packets again', async () => (await size()) < 1.2 * plain, { timeout: 60_000 });
  });
});
