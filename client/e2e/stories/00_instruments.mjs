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

// In the page: sends a made-up person from one connection to another. The descriptions are exchanged with all
// candidates in them: one that is told before the far end knows the description is refused.
async function loop(options) {
  const { camera, microphone } = window.__e2e;
  const [near, far] = (window.ends = [new RTCPeerConnection(), new RTCPeerConnection()]);
  const gathered = (end) =>
    new Promise((resolve) => {
      const look = () => end.iceGatheringState === 'complete' && resolve(end.localDescription);
      end.onicegatheringstatechange = look;
      look();
    });
  const stream = new MediaStream();
  far.ontrack = ({ track }) => {
    stream.addTrack(track);
    document.querySelector('#far').srcObject = stream;
  };
  window.senders = [camera(options), microphone(options)].map((track) => near.addTrack(track));
  await near.setLocalDescription();
  await far.setRemoteDescription(await gathered(near));
  await far.setLocalDescription();
  await near.setRemoteDescription(await gathered(far));
}

// Both ends are in one page, with nobody else in their network who could answer for names instead of addresses.
const plainAddresses = {
  args: ['--disable-features=WebRtcHideLocalIpsWithMdns'],
  preferences: { 'media.peerconnection.ice.obfuscate_host_addresses': false },
};

for (const kind of ['chromium', 'firefox']) {
  describe(`instruments in ${kind}`, () => {
    let site, browser, page;
    before(async () => {
      site = new Site();
      browser = await launch[kind](site, plainAddresses);
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

    it('connects the two ends', async () => {
      const states = () => page.evaluate(() => window.ends.map((end) => [end.connectionState, end.localDescription?.sdp]));
      await until('both ends connected', async () => {
        const now = await states();
        assert.ok(now.every(([state]) => state === 'connected'), JSON.stringify(now));
        return true;
      });
    });

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
      await until('the tone of person 3 alone', async () => assert.deepEqual(await heard(), [3]) ?? true);
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
