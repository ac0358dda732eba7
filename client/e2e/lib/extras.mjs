// Extras: people without a page, who only send a picture and, when they are to speak, a tone. All of them are one
// page of one browser, so that many find room on one machine. They speak docs/protocol.md with what a browser has,
// and nothing of ours.
import { made, pageMedia } from './page_media.mjs';
import { until } from './wait.mjs';

/** bit/s. All of them together must find room where everything shares two processors. */
const bitrates = { audio: 16_000, video: 30_000 };

/** Runs in their page. */
async function come(room, { name, number, picture, bitrates }) {
  const socket = new WebSocket(`wss://${location.host}/ws`);
  const say = (message) => socket.send(JSON.stringify(message));
  window.extras ??= [];
  const silent = { microphone: false, camera: true, screen: false, screen_audio: false };
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
  const told = new Promise((resolve, reject) => {
    socket.onopen = () => say({ t: 'join', version: 1, room, name });
    socket.onerror = () => reject(new Error(`${name} has no connection to the server`));
    socket.onmessage = async ({ data }) => {
      const message = JSON.parse(data);
      if (message.t === 'ping') say({ t: 'pong', id: message.id });
      if (message.t === 'error') reject(new Error(`${name} is told: ${message.message}`));
      if (message.t === 'joined') {
        say({ t: 'publish', ...silent });
        const [microphone, camera] = ['audio', 'video', 'video', 'audio'].map((kind) =>
          connection.addTransceiver(kind, {
            direction: 'sendonly',
            sendEncodings: [{ maxBitrate: bitrates[kind] }],
          }),
        );
        // No person slots, and the screen slot, which there always is.
        for (const kind of ['video', 'audio']) connection.addTransceiver(kind, { direction: 'recvonly' });
        window.extras.push({
          number,
          connection,
          say,
          speak: async () => {
            await microphone.sender.replaceTrack(window.__e2e.microphone(picture));
            say({ t: 'publish', ...silent, microphone: true });
          },
        });
        await camera.sender.replaceTrack(window.__e2e.camera(picture));
        await connection.setLocalDescription(await connection.createOffer());
        say({ t: 'offer', id: 1, sdp: connection.localDescription.sdp });
      }
      if (message.t === 'answer') {
        await connection.setRemoteDescription({ type: 'answer', sdp: message.sdp });
        resolve();
      }
    };
  });
  await told;
}

export class Extras {
  /** As Person has them, as far as somebody who sees them must know. */
  people = [];

  /** Their page is in a window of its own of `browser`, at the server at `url`; each sends `fps` pictures a second. */
  static async open(browser, url, { fps = 2 } = {}) {
    const extras = new Extras();
    extras.picture = { width: 160, height: 90, fps };
    extras.page = await (await browser.createBrowserContext()).newPage();
    await extras.page.evaluateOnNewDocument(pageMedia, null);
    await extras.page.goto(url);
    return extras;
  }

  /** Another one enters the room, and can be seen; `number` decides picture and tone. */
  async come(room, number) {
    const person = { number, name: `Extra ${number}`, kind: 'extra' };
    await this.page.evaluate(come, room, { ...person, picture: made(number, this.picture), bitrates });
    this.people.push(person);
    await until(`${person.name} to be connected`, () =>
      this.page.evaluate((wanted) => {
        const { connection } = window.extras.find(({ number }) => number === wanted);
        return connection.connectionState === 'connected';
      }, number));
  }

  /** Their microphone is open from now on. */
  async speak({ number }) {
    await this.page.evaluate((wanted) => window.extras.find(({ number }) => number === wanted).speak(), number);
  }

  async leave({ number }) {
    await this.page.evaluate((wanted) => {
      const { connection, say } = window.extras.find(({ number }) => number === wanted);
      say({ t: 'leave' });
      connection.close();
    }, number);
  }
}
