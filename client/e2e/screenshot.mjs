// Takes the picture of the README from the real server and real browsers; the people are drawn.
//   MAIN=screenshot.mjs client/e2e/run
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { launch } from './lib/browsers.mjs';
import { Site } from './lib/network.mjs';
import { Person } from './lib/person.mjs';
import { Server } from './lib/server.mjs';
import { until } from './lib/wait.mjs';

const client = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const portraits = execFileSync(
  path.join(client, 'node_modules/.bin/esbuild'),
  ['--bundle', '--format=iife', '--global-name=portraits', path.join(client, 'app/fixtures/portraits.ts')],
  { encoding: 'utf8' },
);

const server = await new Server().start();
const site = new Site();
const browser = await launch.chromium(site);
const people = [];
for (const number of [0, 1, 2, 3]) {
  const person = await Person.arrive(number, 'chromium', { site, browser });
  people.push(person);
  await person.page.setViewport({ width: 1280, height: 720 });
  await person.page.evaluateOnNewDocument(`${portraits}
    window.portraits = portraits;
    navigator.mediaDevices.getUserMedia = async ({ audio, video }) => new MediaStream([
      ...(video ? [portraits.portrait(${number})] : []), ...(audio ? [portraits.sound(${number === 1})] : [])]);`);
  await person.open(`${server.url}/r/demo`);
  await (await person.$('[data-testid=name]')).type(person.name);
  await person.press('join');
  await person.connected({ timeout: 60_000 });
}
const [first] = people;
await until('three sharp pictures', () =>
  first.page.evaluate(() => {
    const videos = [...document.querySelectorAll('[data-testid=tile-video]')];
    return videos.length === 3 && videos.every(({ videoWidth }) => videoWidth >= 480);
  }), { timeout: 90_000 });
await first.page.screenshot({ path: path.join(client, '../docs/images/call.png') });
await browser.close();
await server.stop();
process.exit();
