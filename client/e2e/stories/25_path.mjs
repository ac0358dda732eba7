// What people are told of their connection: before the call, during it, and when it does not carry everything.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Person, allMeet } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

const small = { width: 640, height: 360, fps: 10 };

/** The text of an element, without what only decorates it. */
const text = (person, selector) =>
  person.page.evaluate((wanted) => document.querySelector(wanted)?.innerText.trim() ?? null, selector);

for (const kind of ['chromium', 'firefox']) {
  describe(`the connection test in ${kind}`, () => {
    let server, ada;
    before(async () => {
      server = await new Server().start();
      ada = await Person.arrive(0, kind, { picture: small });
      await ada.open(`${server.url}/r/test`);
    });
    after(async () => {
      await ada?.away();
      await server?.stop();
    });

    const finished = () => ada.page.evaluate(() => document.querySelector('[data-testid=check]')?.dataset.finished === 'true');
    const marks = async () => {
      await until('the test to be over', finished, { timeout: 60_000 });
      return ada.page.evaluate(() =>
        Object.fromEntries([...document.querySelectorAll('[data-testid=check] > li')].map((line) =>
          [line.dataset.testid.replace('check-', ''), line.dataset.level])));
    };

    it('finds that all is well', async () => {
      await ada.press('check-open');
      const found = await marks();
      // How good a call would be depends on what else the machine does; that it was measured does not.
      assert.ok(['good', 'fair', 'poor'].includes(found.quality), JSON.stringify(found));
      assert.deepEqual({ ...found, quality: null }, {
        microphone: 'good', camera: 'good', server: 'good', udp: 'good', tcp: 'good', quality: null,
      });
    });

    it('says what a firewall does, and that the call works all the same', async () => {
      ada.site.dropUdp();
      await ada.press('check-again');
      await until('the test to begin again', async () => !(await finished()));
      const { server: reached, udp, tcp } = await marks();
      assert.deepEqual({ reached, udp, tcp }, { reached: 'good', udp: 'fair', tcp: 'good' });
      assert.match(await text(ada, '[data-testid=check-udp]'), /UDP/);
      ada.site.heal();
    });
  });
}

describe('a path that does not carry all', () => {
  let server, ada, ben;
  before(async () => {
    server = await new Server().start();
    ada = await Person.arrive(0, 'chromium', { picture: small });
    ben = await Person.arrive(1, 'chromium', { picture: small });
    for (const person of [ada, ben]) await person.enter(`${server.url}/r/narrow`);
    await allMeet([ada, ben]);
  });
  after(async () => {
    for (const person of [ada, ben]) await person?.away();
    await server?.stop();
  });

  const paused = () => text(ben, '[data-testid=tile][data-name=Ada] [data-testid=paused]');

  it('loses the picture, says why, and keeps the sound', async () => {
    ben.site.narrow(70);
    const why = await until('the tile to say why it shows nobody', paused, { timeout: 40_000 });
    assert.match(why, /connection/i);
    await ben.hears([ada]);
  });

  it('has it back when it carries more', async () => {
    ben.site.widen();
    await until('the picture to be on again', async () => (await paused()) === null, { timeout: 40_000 });
    await ben.sees(ada);
  });

  it('is described in figures, each with its limit, which can be taken away', async () => {
    await ben.press('connection-state');
    const rows = await until('figures', () =>
      ben.page.evaluate(() => {
        const found = [...document.querySelectorAll('.statistics-rows tbody tr')].map((row) => ({
          id: row.dataset.testid,
          value: row.querySelector('.statistics-value').innerText.trim(),
          limit: row.querySelector('.statistics-limit').innerText.trim(),
          level: row.dataset.level,
        }));
        return found.some(({ id, level }) => id === 'stats-round_trip' && level !== 'unknown') && found;
      }));
    assert.deepEqual(rows.map(({ id }) => id.replace('stats-', '')).sort(),
      ['bandwidth', 'frozen', 'lost', 'received', 'repaired', 'round_trip', 'sent']);
    for (const { id, value, limit } of rows) assert.ok(value && limit, `${id}: "${value}", "${limit}"`);
    const report = await ben.page.evaluate(async () => {
      const make = URL.createObjectURL;
      const made = new Promise((resolve) => {
        URL.createObjectURL = (blob) => (resolve(blob), make(blob));
      });
      document.querySelector('[data-testid=download-report]').click();
      return JSON.parse(await (await made).text());
    });
    assert.match(report.browser, /Chrome/);
    assert.ok(report.call);
  });
});
