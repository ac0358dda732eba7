// Each video codec passes through, from a page that offers no other.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { Person, allMeet } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';

const picture = { width: 320, height: 180, fps: 15 };

for (const [codec, kinds] of [
  ['vp9', ['chromium', 'firefox']],
  ['av1', ['chromium', 'chromium']],
  ['h264', ['chromium', 'chromium']],
]) {
  describe(`a call in ${codec}, ${kinds.join(' and ')}`, () => {
    let server;
    const people = [];
    after(async () => {
      for (const person of people) await person.away();
      await server?.stop();
    });

    it('shows both, who came first to who came later too', async () => {
      server = await new Server().start();
      for (const [number, kind] of kinds.entries()) {
        people.push(await Person.arrive(number, kind, { picture, codec }));
        await people.at(-1).enter(`${server.url}/r/codec`);
      }
      await allMeet(people, { timeout: 30_000 });
      for (const person of people) assert.equal(await person.sentCodec(), codec);
    });
  });
}
