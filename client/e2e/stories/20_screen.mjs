// Somebody shares a screen.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';

import { Person, allMeet } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

// In the page: a rough print of what the screen slot shows, or null.
const print = () => {
  const video = document.querySelector('[data-testid=screen-video]');
  if (!video?.videoWidth) return null;
  const canvas = Object.assign(document.createElement('canvas'), { width: 32, height: 18 });
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 32, 18);
  const { data } = context.getImageData(0, 0, 32, 18);
  return { size: [video.videoWidth, video.videoHeight], pixels: [...data].filter((_, index) => index % 4 !== 3) };
};
const varied = ({ pixels }) => Math.max(...pixels) - Math.min(...pixels) > 40;

describe('sharing a screen', () => {
  let server, ada, ben, chloe;
  before(async () => {
    server = await new Server().start();
    ada = await Person.arrive(0, 'chromium');
    ben = await Person.arrive(1, 'chromium');
    chloe = await Person.arrive(2, 'firefox');
    for (const person of [ada, ben, chloe]) await person.enter(`${server.url}/r/screens`);
    await allMeet([ada, ben, chloe]);
  });
  after(async () => {
    for (const person of [ada, ben, chloe]) await person?.away();
    await server?.stop();
  });

  it('the others see it move, and still see who shares', async () => {
    await ada.press('screen');
    for (const person of [ben, chloe]) {
      const first = await until(`${person.name} to see the screen`, async () => {
        const seen = await person.page.evaluate(print);
        return seen && varied(seen) && seen;
      });
      await until('it to move', async () => JSON.stringify((await person.page.evaluate(print))?.pixels) !== JSON.stringify(first.pixels));
      await person.sees(ada);
    }
  });

  it('its sound is played beside the voices', async () => {
    for (const person of [ben, chloe]) {
      await until(`${person.name} to hear the screen`, () =>
        person.page.evaluate(() => {
          const element = document.querySelector('[data-testid=sound-screen]');
          if (!element?.srcObject || element.paused || element.muted) return false;
          return window.__e2e.loudness(element.srcObject) > -60;
        }), { timeout: 30_000 });
      assert.ok((await person.heard()).includes(0), 'the voice of who shares');
    }
  });

  it('it ends for everybody when it ends', async () => {
    await ada.press('screen');
    for (const person of [ben, chloe]) {
      await until(`${person.name} to see no screen`, () =>
        person.page.evaluate(() => document.querySelector('[data-testid=screen-video]') === null));
    }
    await allMeet([ada, ben, chloe]);
  });
});

describe('sharing a screen from Firefox', () => {
  let server, xvfb, ada, ben;
  before(async () => {
    server = await new Server().start();
    xvfb = spawn('Xvfb', [':77', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], { stdio: 'ignore' });
    ada = await Person.arrive(0, 'firefox', { display: ':77' });
    ben = await Person.arrive(1, 'chromium');
    for (const person of [ada, ben]) await person.enter(`${server.url}/r/screens`);
    await allMeet([ada, ben]);
  });
  after(async () => {
    for (const person of [ada, ben]) await person?.away();
    xvfb?.kill();
    await server?.stop();
  });

  it('the other sees a real screen', async () => {
    await ada.press('screen');
    const seen = await until('the screen', async () => {
      const shown = await ben.page.evaluate(print);
      return shown && varied(shown) && shown;
    });
    assert.equal(Math.round((seen.size[0] / seen.size[1]) * 10), 16, `it is ${seen.size}`);
  });
});
