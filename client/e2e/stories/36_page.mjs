// A page full of people.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Crowd } from '../lib/crowd.mjs';
import { Extras } from '../lib/extras.mjs';
import { until } from '../lib/wait.mjs';

const laptop = { width: 1440, height: 900 };
/** As many as a page shows besides oneself. */
const most = 48;

describe('forty-nine people on one page', () => {
  const crowd = new Crowd('page');
  const patient = { timeout: 60_000, every: 500 };
  let viewer, extras;
  before(async () => {
    await crowd.begin();
    await crowd.arrive({ viewport: laptop });
    [viewer] = crowd.people;
    extras = await Extras.open(crowd.browser, crowd.server.url);
  });
  after(() => crowd.end());

  it('come one after another', async () => {
    for (let number = 1; number <= most; number++) await extras.come('page', number);
  });

  it('are all on the page, of one size, and seen to move', async () => {
    await Promise.all(extras.people.map((person) => viewer.sees(person, patient)));
    const [tiles, sizes, hidden] = await viewer.page.evaluate(() => {
      const rects = [...document.querySelectorAll('[data-testid=tile]')].map((tile) => tile.getBoundingClientRect());
      const inside = rects.filter(({ top, left, right, bottom }) => {
        return top >= 0 && left >= 0 && right <= innerWidth && bottom <= innerHeight;
      });
      const sizes = new Set(inside.map(({ width, height }) => `${Math.round(width)} x ${Math.round(height)}`));
      return [inside.length, [...sizes], document.querySelectorAll('[data-testid=hidden-people]').length];
    });
    assert.equal(tiles, most + 1);
    assert.equal(sizes.length, 1, sizes.join());
    assert.equal(hidden, 0);
  });

  it('are heard when they speak, whichever place they have', async () => {
    // In one of the first places, and in each lot that was added.
    const speakers = [2, 14, 30, 48].map((wanted) => extras.people.find(({ number }) => number === wanted));
    for (const one of speakers) await extras.speak(one);
    const wanted = speakers.map(({ number }) => number).join();
    await until('them to be heard, and nobody else', async () => {
      const heard = await viewer.page.evaluate((persons) => {
        const streams = window.__e2e.played().map((element) => element.srcObject);
        return [...new Set(streams.flatMap((stream) => window.__e2e.heardIn(stream, persons)))].sort((a, b) => a - b);
      }, most + 1);
      if (heard.join() !== wanted) throw new Error(`heard ${heard}`);
      return true;
    }, patient);
  });

  it('over one connection, which was given places three times', async (t) => {
    const [connections, lines, bytes] = await viewer.page.evaluate(() => {
      const [connection, ...others] = window.__e2e.connections;
      const { length } = connection.localDescription.sdp;
      return [1 + others.length, connection.getTransceivers().length, length];
    });
    t.diagnostic(`its offer has ${Math.round(bytes / 1024)} KiB`);
    assert.equal(connections, 1);
    assert.equal(lines, 4 + 2 * most + 2);
    // There may be other reasons to offer again.
    const sizes = [...new Set(await viewer.offers())];
    assert.deepEqual(sizes, [8, 16, 32, 48].map((slots) => 4 + 2 * slots + 2));
  });

  it('one who goes leaves the page to the others', async () => {
    const gone = extras.people.shift();
    await extras.leave(gone);
    await until('the tile to go', async () => (await viewer.tileOf(gone)) === null);
    await viewer.sees(extras.people.at(-1), patient);
  });
});
