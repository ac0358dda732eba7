// Networks that let no UDP through.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Person, allMeet } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';

for (const kind of ['chromium', 'firefox']) {
  describe(`TCP alone, ${kind}`, () => {
    let server, ada, ben;
    before(async () => {
      server = await new Server().start();
      ada = await Person.arrive(0, 'chromium');
      ben = await Person.arrive(1, kind);
      ben.site.dropUdp();
    });
    after(async () => {
      for (const person of [ada, ben]) await person?.away();
      await server?.stop();
    });

    it('carries the call', async (t) => {
      for (const person of [ada, ben]) await person.enter(`${server.url}/r/tcp`);
      await allMeet([ada, ben], { timeout: 30_000 });
      assert.equal(await ada.protocol(), 'udp');
      assert.equal(await ben.protocol(), 'tcp');
      t.diagnostic(`from click to first picture: ${Math.round(await ben.firstPictureAfter())} ms`);
    });
  });
}
