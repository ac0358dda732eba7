// Encoders and players that speak WHIP and WHEP, and nothing else: a plain page of another origin, and GStreamer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { hub } from '../lib/network.mjs';
import { made } from '../lib/page_media.mjs';
import { Person } from '../lib/person.mjs';
import { plainClient, plainPage } from '../lib/plain.mjs';
import { Server } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

const picture = { width: 320, height: 180, fps: 15 };

/** The picture that a plain page plays now. */
const shown = (person) => person.page.evaluate(() => window.__e2e.readPicture(document.querySelector('video')));
const heard = (person) => person.page.evaluate(() => {
  const stream = document.querySelector('video').srcObject;
  return stream ? window.__e2e.heardIn(stream) : [];
});
const plays = (player, number, options) =>
  until(`${player.name} (${player.kind}) to be shown person ${number}`, async () => {
    const seen = await shown(player);
    if (seen?.person !== number) throw new Error(`it is ${JSON.stringify(seen)}`);
    return true;
  }, options);

describe('WHIP and WHEP, from a plain page', () => {
  let server, plain, ada, stage, hall, viewer;
  const people = () => [ada, stage, hall, viewer];
  const publish = (person, path, token) =>
    person.page.evaluate((...all) => window.plain.publish(...all), server.url + path, token, made(person.number, picture));
  const play = (person, path, token) =>
    person.page.evaluate((...all) => window.plain.play(...all), server.url + path, token);
  const connected = (person, session) =>
    until(`${person.name} (${person.kind}) to be connected by ${session}`, () =>
      person.page.evaluate((which) => window.plain.state(window.plain[which]) === 'connected', session));
  let watching;

  before(async () => {
    server = await new Server().start();
    plain = await plainPage(server);
    ada = await Person.arrive(0, 'chromium', { picture });
    await ada.enter(`${server.url}/r/hall`);
    stage = await Person.arrive(1, 'chromium', { picture });
    hall = await Person.arrive(2, 'firefox', { picture });
    viewer = await Person.arrive(3, 'firefox', { picture, browser: hall.browser, site: hall.site });
    for (const person of [stage, hall, viewer]) {
      await person.page.goto(plain.url);
      await person.page.evaluate(plainClient);
    }
  });
  after(async () => {
    for (const person of people().reverse()) await person?.away();
    plain?.close();
    await server?.stop();
  });

  it('who publishes is a person of the room, with a name, a picture and a voice', async () => {
    for (const person of [stage, hall]) {
      const said = await publish(person, `/whip/hall?name=${encodeURIComponent(person.name)}`, `key of ${person.number}`);
      assert.equal(said.status, 201, said.body);
      await connected(person, 'publishing');
      watching ??= said.link.match(/<(.*)>/)[1];
    }
    for (const person of [stage, hall]) await ada.sees(person);
    await ada.hears([stage, hall]);
  });

  it('a player is shown whom it asks for, in Firefox and in Chromium, and nobody is told of it', async () => {
    const said = await play(viewer, watching);
    assert.equal(said.status, 201, said.body);
    await plays(viewer, stage.number);
    await until('the player to hear it', async () => (await heard(viewer)).includes(stage.number));
    assert.equal((await play(stage, '/whep/hall/speaker')).status, 201);
    await until('somebody to be shown', async () => [0, 1, 2].includes((await shown(stage))?.person));
    assert.equal(await ada.page.evaluate(() => document.querySelectorAll('[data-testid=tile]').length), 3);
  });

  it('the program follows who speaks, in the same stream', async () => {
    const speak = (person, loud) => person.page.evaluate((on) => void window.plain.speak(on), loud);
    await ada.press('microphone');
    for (const person of [stage, hall]) await speak(person, false);
    await until('nobody to be heard', async () => (await ada.heard()).length === 0);
    await speak(hall, true);
    await plays(stage, hall.number);
    const before = await stage.page.evaluate(() => window.plain.sources(window.plain.playing));
    await speak(hall, false);
    await speak(stage, true);
    await plays(stage, stage.number);
    assert.deepEqual(await stage.page.evaluate(() => window.plain.sources(window.plain.playing)), before);
  });

  it('ICE restarts by PATCH, and both go on', async () => {
    for (const [person, session] of [[stage, 'publishing'], [viewer, 'playing']]) {
      const said = await person.page.evaluate((which) => window.plain.restart(window.plain[which]), session);
      assert.equal(said.status, 200, said.body);
      assert.equal(said.etag, '"2"');
      await connected(person, session);
    }
    await ada.sees(stage);
    await plays(viewer, stage.number);
  });

  it('who publishes again with the same token is the same person', async () => {
    const before = await stage.page.evaluate(() => window.plain.publishing.location);
    const said = await publish(stage, '/whip/hall', `key of ${stage.number}`);
    assert.equal(said.status, 201, said.body);
    await connected(stage, 'publishing');
    await ada.sees(stage);
    assert.equal(await ada.page.evaluate(() => document.querySelectorAll('[data-testid=tile]').length), 3);
    await plays(viewer, stage.number);
    const gone = await stage.page.evaluate(async (url) => (await fetch(url, { method: 'DELETE' })).status, before);
    assert.equal(gone, 404);
  });

  it('DELETE ends a session', async () => {
    assert.equal(await viewer.page.evaluate(() => window.plain.end(window.plain.playing)), 200);
    assert.equal(await stage.page.evaluate(() => window.plain.end(window.plain.publishing)), 200);
    await until('the tile to go', async () => (await ada.tileOf(stage)) === null);
    await ada.sees(hall);
    assert.equal((await play(viewer, watching)).status, 404);
  });
});

describe('WHIP and WHEP, from GStreamer', () => {
  let server, ada;
  const programs = [];
  // Debian's own Python, which has the bindings.
  const gstreamer = (...words) => {
    const program = spawn('/usr/bin/python3', [fileURLToPath(new URL('../lib/gstreamer.py', import.meta.url)), ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    programs.push(program);
    const said = [];
    for (const stream of [program.stdout, program.stderr]) createInterface({ input: stream }).on('line', (line) => said.push(line));
    return { program, said };
  };
  const says = (one, wanted) =>
    until(`GStreamer to say ${wanted}`, () => {
      if (one.said.some((line) => wanted.test(line))) return true;
      throw new Error(one.said.slice(-5).join(' | '));
    }, { timeout: 30_000 });

  before(async () => {
    server = await new Server({ rooms: 'invite' }).start();
    ada = await Person.arrive(0, 'chromium', { picture });
    await ada.enter(server.invite('hall'));
  });
  after(async () => {
    for (const program of programs) program.kill('SIGKILL');
    await ada?.away();
    await server?.stop();
  });
  const token = (...words) => new URL(server.invite('hall', ...words)).hash.slice(1);

  it('publishes by invitation, and is shown', async () => {
    const encoder = gstreamer('publish', `https://${hub}:${server.port}/whip/hall`, token('--name', 'Encoder'));
    await says(encoder, /^201/);
    await until('its picture to be shown', () =>
      ada.page.evaluate(() => document.querySelector('[data-testid=tile][data-name=Encoder] video')?.videoWidth === 320));
  });

  it('plays what Ada sends', async () => {
    const player = gstreamer('play', `https://${hub}:${server.port}/whep/hall/speaker`, token());
    await says(player, /^201/);
    await says(player, /^audio \d+/);
    await says(player, /^video \d+/);
  });

  it('leaves when it ends', async () => {
    programs[0].kill('SIGINT');
    await until('its tile to go', async () => (await ada.tileOf({ name: 'Encoder' })) === null);
  });
});
