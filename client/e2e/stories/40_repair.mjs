// Something breaks, and the call repairs itself. While a page says that it reconnects, nothing leaves it.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Person, allMeet } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';
import { now, throughout, until } from '../lib/wait.mjs';

for (const kind of ['chromium', 'firefox']) {
  describe(`repair in ${kind}`, () => {
    let server, ada, ben;
    before(async () => {
      server = await new Server().start();
      ada = await Person.arrive(0, 'chromium');
      ben = await Person.arrive(1, kind);
      for (const person of [ada, ben]) await person.enter(`${server.url}/r/repair`);
      await allMeet([ada, ben]);
    });
    afterEach(() => ben.site.heal());
    after(async () => {
      for (const person of [ada, ben]) await person?.away();
      await server?.stop();
    });

    it('the WebSocket is lost: picture and sound go on without a gap', async (t) => {
      await ada.beginWatching(ben);
      ben.site.refuseTcp(server.port);
      await until('the page to notice', async () => (await ben.state()) === 'repairing');
      // For as long as it cannot come back, nothing of the call is missing.
      await throughout('the call to go on', async () => {
        await ada.hears([ben], { timeout: 1000 });
        await ben.hears([ada], { timeout: 1000 });
        return (await ben.state()) === 'repairing';
      }, 3000);
      ben.site.heal();
      await ben.connected();
      const longest = await ada.longestPause();
      t.diagnostic(`longest pause of the picture: ${Math.round(longest)} ms`);
      // Longer than any hiccup of a busy machine, shorter than any repair.
      assert.ok(longest < 1500, `the picture paused for ${longest} ms`);
      await allMeet([ada, ben]);
    });

    it('the network is gone for ten seconds: nothing is sent, then all is back', async (t) => {
      ben.site.blackhole();
      await until('the page to say that it reconnects', async () => (await ben.state()) === 'reconnecting', { timeout: 20_000 });
      const sent = ben.site.mediaBytesSent();
      await throughout('to reconnect', async () => (await ben.state()) === 'reconnecting', 10_000);
      assert.equal(ben.site.mediaBytesSent(), sent, 'media was sent while the page said that it reconnects');
      await until('the other to be told', async () => (await ada.tileOf(ben))?.connected === 'false', { timeout: 20_000 });
      const healed = now();
      ben.site.heal();
      await ben.connected({ timeout: 30_000 });
      await ada.sees(ben);
      t.diagnostic(`back ${Math.round(now() - healed)} ms after the network`);
      await allMeet([ada, ben]);
    });

    it('the server is killed and started again: all are back by themselves', async (t) => {
      await server.kill();
      await until('the page to notice', async () => (await ben.state()) !== 'connected', { timeout: 20_000 });
      await server.start();
      const up = now();
      const since = () => Math.round(now() - up);
      const back = async (person, other) => {
        await person.connected({ timeout: 30_000 });
        t.diagnostic(`${person.name} (${person.kind}): connected after ${since()} ms`);
        await person.sees(other);
        t.diagnostic(`${person.name} (${person.kind}): sees again after ${since()} ms`);
      };
      await Promise.all([back(ada, ben), back(ben, ada)]);
      const took = since();
      await allMeet([ada, ben]);
      assert.ok(took < 5000, `it took ${took} ms`);
    });

    it('the server is stopped in order and started again', async () => {
      assert.equal(await server.stop(), 0);
      await server.start();
      await allMeet([ada, ben], { timeout: 30_000 });
    });
  });
}

describe('an unplugged cable', () => {
  let server, ada, ben;
  before(async () => {
    server = await new Server().start();
    ada = await Person.arrive(0, 'chromium');
    ben = await Person.arrive(1, 'chromium');
    for (const person of [ada, ben]) await person.enter(`${server.url}/r/cable`);
    await allMeet([ada, ben]);
  });
  after(async () => {
    for (const person of [ada, ben]) await person?.away();
    await server?.stop();
  });

  it('is noticed, and the call is back when it is plugged in', async () => {
    ben.site.unplug();
    await until('the page to say that it reconnects', async () => (await ben.state()) === 'reconnecting', { timeout: 20_000 });
    ben.site.plug();
    await ben.connected({ timeout: 30_000 });
    await allMeet([ada, ben]);
  });
});
