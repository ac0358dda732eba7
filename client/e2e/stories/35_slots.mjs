// More people than person slots: the offer grows while the call goes on.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Crowd } from '../lib/crowd.mjs';

const phone = { width: 390, height: 844, isMobile: true, hasTouch: true };

describe('a phone, which begins with four person slots', () => {
  const crowd = new Crowd('slots');
  before(() => crowd.begin());
  after(() => crowd.end());

  /** What the phone's only connection receives, by m-line: a for audio, v for video. */
  const received = () =>
    crowd.people[0].page.evaluate(() => {
      const [connection, ...others] = [...window.__e2e.connections];
      const kinds = connection.getTransceivers().map(({ receiver }) => receiver.track.kind[0]);
      return kinds.slice(4).join('') + others.map(() => ' and another').join('');
    });

  it('meets four others', async () => {
    await crowd.arrive({ viewport: phone });
    while (crowd.people.length < 5) await crowd.arrive();
    await crowd.allMeet();
    // Four persons (audio, video), then the screen (video, audio).
    assert.equal(await received(), 'avavavavva');
  });

  it('gets as many more when a fifth comes, behind the others, and sees and hears them all', async () => {
    await crowd.arrive();
    await crowd.allMeet();
    assert.equal(await received(), 'avavavavvaavavavav');
  });

  it('does not stop for that', async (t) => {
    const [first, second] = crowd.people;
    await first.beginWatching(second);
    await crowd.arrive();
    await crowd.allMeet();
    const frames = await first.watched();
    t.diagnostic(`${frames.length} pictures meanwhile`);
    assert.ok(frames.length > 5);
  });
});
