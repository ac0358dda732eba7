// More people than person slots: the offer grows while the call goes on.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Crowd } from '../lib/crowd.mjs';
import { Extras } from '../lib/extras.mjs';

describe('a phone, which begins with four person slots', () => {
  const crowd = new Crowd('slots');
  const patient = { timeout: 60_000 };
  let phone, extras;
  before(async () => {
    await crowd.begin();
    await crowd.arrive({ viewport: { width: 390, height: 844, isMobile: true, hasTouch: true } });
    [phone] = crowd.people;
    extras = await Extras.open(crowd.browser, crowd.server.url, { fps: 10 });
  });
  after(() => crowd.end());

  const comes = async (number) => {
    await extras.come('slots', number);
    await extras.speak(extras.people.at(-1));
  };
  const meetsAll = async () => {
    for (const person of extras.people) await phone.sees(person, patient);
    await phone.hears(extras.people, patient);
  };

  /** What the phone's only connection receives, by m-line: a for audio, v for video. */
  const received = () =>
    phone.page.evaluate(() => {
      const [connection, ...others] = [...window.__e2e.connections];
      const kinds = connection.getTransceivers().map(({ receiver }) => receiver.track.kind[0]);
      return kinds.slice(4).join('') + others.map(() => ' and another').join('');
    });

  it('meets four others', async () => {
    for (const number of [1, 2, 3, 4]) await comes(number);
    await meetsAll();
    // Four persons (audio, video), then the screen (video, audio).
    assert.equal(await received(), 'avavavavva');
  });

  it('gets as many more when a fifth comes, behind the others, and sees and hears them all, and nothing stops for that', async (t) => {
    await phone.beginWatching(extras.people[0]);
    await comes(5);
    await meetsAll();
    const pause = await phone.longestPause();
    assert.equal(await received(), 'avavavavvaavavavav');
    t.diagnostic(`longest pause of a picture: ${Math.round(pause)} ms`);
    assert.ok(pause < 1500, `the picture stood still for ${Math.round(pause)} ms`);
  });

  it('has room for a sixth', async () => {
    await comes(6);
    await meetsAll();
    assert.equal(await received(), 'avavavavvaavavavav');
  });
});
