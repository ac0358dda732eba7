// Before the stories: the instruments they use see, hear and cut what they should. Two connections in one
// page, no server.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';

import { launch } from '../lib/browsers.mjs';
import { Site, hub } from '../lib/network.mjs';
import { made, pageMedia } from '../lib/page_media.mjs';
import { until } from '../lib/wait.mjs';

let server;
before(async () => {
  server = http.createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>instruments</title><video id=far autoplay playsinline></video>');
  });
  await new Promise((resolve) => server.listen(8000, hub, resolve));
});
after(() => server.close());

// In the page: sends a made-up person from one connection to another.
async function loop(options) {
  const { camera, microphone } = window.__e2e;
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
  near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
  far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate);
  const stream = new MediaStream();
  far.ontrack = ({ track }) => {
    stream.addTrack(track);
    document.querySelector('#far').srcObject = stream;
  };
  window.senders = [camera(options), microphone(options)].map((track) => near.addTrack(track));
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription);
}

for (const kind of ['chromium', 'firefox']) {
  describe(`instruments in ${kind}`, () => {
    let site, browser, page;
    before(async () => {
      site = new Site();
      browser = await launch[kind](site);
      page = await browser.newPage();
      await page.evaluateOnNewDocument(pageMedia, made(3));
      await page.goto(`http://${hub}:8000/`);
      await page.evaluate(loop, made(3));
    });
    after(async () => {
      await browser?.close();
      site?.remove();
    });
    const seen = () => page.evaluate(() => window.__e2e.readPicture(document.querySelector('#far')));
    const heard = () => page.evaluate(() => window.__e2e.played().flatMap((element) => window.__e2e.heardIn(element.srcObject)));

    it('reads person, counter and colour out of the far picture', async () => {
      const first = await until('a picture', seen);
      assert.equal(first.person, 3);
      const later = await until('a later picture', async () => {
        const picture = await seen();
        return picture?.counter > first.counter + 20 && picture;
      });
      assert.ok(later.delay < 2000, `the delay is ${later.delay} ms`);
      assert.ok(later.colourOff < 60, `the colour is off by ${later.colourOff}`);
    });

    it('hears the tone of that person, and only it', async () => {
      await until('the tone of person 3', async () => (await heard()).includes(3));
      assert.deepEqual(await heard(), [3]);
    });

    it('hears the silence after the sender stops', async () => {
      await page.evaluate(() => window.senders[1].replaceTrack(null));
      await until('silence', async () => (await heard()).length === 0);
    });
  });
}

describe('the network', () => {
  let site, browser, page;
  before(async () => {
    site = new Site();
    browser = await launch.chromium(site);
    page = await browser.newPage();
    await page.goto(`http://${hub}:8000/`);
  });
  after(async () => {
    await browser?.close();
    site?.remove();
  });
  const reaches = () =>
    page.evaluate(() => fetch(`/?${Math.random()}`, { signal: AbortSignal.timeout(1500) }).then(() => true, () => false));

  for (const [name, cut, mend] of [
    ['an unplugged cable', () => site.unplug(), () => site.plug()],
    ['a black hole', () => site.blackhole(), () => site.heal()],
    ['refused TCP', () => site.refuseTcp(8000), () => site.heal()],
  ]) {
    it(`is cut by ${name} and mended`, async () => {
      assert.ok(await reaches());
      cut();
      assert.ok(!(await reaches()));
      mend();
      await until('the page to reach the server again', reaches);
    });
  }
});
