// Two people meet: the first promise.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { median } from '../lib/numbers.mjs';
import { Person, allMeet } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';
import { throughout, until } from '../lib/wait.mjs';

for (const [first, second] of [
  ['chromium', 'chromium'],
  ['firefox', 'firefox'],
  ['chromium', 'firefox'],
]) {
  describe(`two people, ${first} and ${second}`, () => {
    let server, ada, ben;
    let met = false;
    // Without a meeting there is nothing to wait for.
    const then = (name, story) =>
      it(name, (t) => {
        assert.ok(met, 'they never met');
        return story(t);
      });
    before(async () => {
      server = await new Server().start();
      ada = await Person.arrive(0, first);
      ben = await Person.arrive(1, second);
    });
    after(async () => {
      await ada?.away();
      await ben?.away();
      await server?.stop();
    });

    it('meet, see each other move and hear each other', async (t) => {
      await ada.enter(`${server.url}/r/hall`);
      await ben.enter(`${server.url}/r/hall`);
      await allMeet([ada, ben]);
      met = true;
      t.diagnostic(`from click to first picture: ${Math.round(await ben.firstPictureAfter())} ms`);
    });

    then('see every frame in order, right and young', async (t) => {
      for (const [one, other] of [[ada, ben], [ben, ada]]) {
        await one.beginWatching(other);
        const frames = await until('60 frames', async () => {
          const seen = await one.watched();
          return seen.length >= 60 && seen;
        });
        const mine = frames.filter(({ person }) => person === other.number);
        assert.equal(frames.filter(({ person }) => person !== null && person !== other.number).length, 0);
        assert.ok(mine.length > frames.length * 0.9, `${frames.length - mine.length} of ${frames.length} frames cannot be read`);
        for (let i = 1; i < mine.length; i++) assert.ok(mine[i].counter >= mine[i - 1].counter, 'frames go backwards');
        assert.ok(mine.at(-1).counter > mine[0].counter + 10);
        const off = median(mine.map(({ colourOff }) => colourOff));
        assert.ok(off < 60, `the colour is off by ${off}`);
        const { width, height } = mine.at(-1);
        assert.equal(Math.round((width / height) * 9), 16, `the picture is ${width} × ${height}`);
        t.diagnostic(`${other.kind} → ${one.kind}: ${width} × ${height}, ${median(mine.map(({ delay }) => delay))} ms old`);
      }
    });

    then('muting silences, unmuting restores', async () => {
      await ada.press('microphone');
      await ben.hears([]);
      await until('the tile to say so', async () => (await ben.tileOf(ada)).muted === 'true');
      await throughout('silence', async () => (await ben.heard()).length === 0, 1000);
      await ada.hears([ben]);
      await ada.press('microphone');
      await ben.hears([ada]);
      await until('the tile to say so', async () => (await ben.tileOf(ada)).muted === 'false');
    });

    then('a camera goes off and on', async () => {
      await ben.press('camera');
      await until('the tile to say so', async () => (await ada.tileOf(ben)).camera === 'off');
      assert.equal(await ada.pictureOf(ben), null);
      await ada.hears([ben]);
      await ben.press('camera');
      await ada.sees(ben);
      await ben.sees(ada);
    });

    then('a reloaded page is back by itself, as the same person', async () => {
      const before = await ada.tileOf(ben);
      await ben.page.reload();
      await ben.$('[data-testid=call-page]');
      await allMeet([ada, ben]);
      assert.equal((await ada.tileOf(ben)).person, before.person);
    });

    then('who leaves is gone, and who stays can be met again', async () => {
      await ben.leave();
      await until('the tile to go', async () => (await ada.tileOf(ben)) === null);
      await ada.hears([]);
      await ben.press('rejoin');
      // To the page before joining, or straight back: both are fine.
      const where = await ben.$('[data-testid=prejoin-page], [data-testid=call-page]');
      if ((await where.evaluate((element) => element.dataset.testid)) === 'prejoin-page') await ben.join();
      await allMeet([ada, ben]);
    });

    then('nothing went wrong on the way', async () => {
      assert.deepEqual([ada, ben].flatMap(({ said }) => said.filter((line) => line.startsWith('uncaught'))), []);
      assert.equal(await server.stop(), 0);
    });
  });
}
