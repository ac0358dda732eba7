// A person at a browser: what they do with the page, and what they see and hear of the others.
import { launch } from './browsers.mjs';
import { Site } from './network.mjs';
import { made, pageMedia } from './page_media.mjs';
import { now, until } from './wait.mjs';

const names = ['Ada', 'Ben', 'Chloé', 'Дарья', '恩泽', 'Fatou', 'Göran'];

const tile = (name) => `[data-testid=tile][data-name="${name}"][data-screen=false][data-self=false]`;

export class Person {
  /**
   * Sits down at a browser of `kind`, in a site of their own unless one is given. `site: null` is where we are. `number` (0 … 6) decides
   * name, picture and tone; `picture` its size; `codec` limits the video codecs of the page to one.
   */
  static async arrive(number, kind, { site, browser, picture, codec, ...options } = {}) {
    const person = new Person();
    person.number = number;
    person.name = names[number];
    person.kind = kind;
    person.site = site === undefined ? new Site() : site;
    person.ownsSite = site === undefined;
    person.ownsBrowser = !browser;
    person.browser = browser ?? (await launch[kind](person.site, options));
    // A context of its own is a window of its own, which is in front, and shares nothing.
    person.page = await (browser ? (await browser.createBrowserContext()).newPage() : person.browser.newPage());
    person.said = [];
    person.page.on('console', (message) => person.said.push(`${message.type()}: ${message.text()}`));
    person.page.on('pageerror', (error) => person.said.push(`uncaught: ${error.message}`));
    await person.page.evaluateOnNewDocument(pageMedia, { ...made(number, picture), codec });
    return person;
  }

  $(selector) {
    return this.page.waitForSelector(selector, { timeout: 20_000 });
  }

  async press(testId) {
    await (await this.$(`[data-testid=${testId}]`)).click();
  }

  /** Opens a room by its address, as far as the page before joining. */
  async open(url) {
    await this.page.goto(url);
    await this.$('[data-testid=prejoin-page]');
  }

  /** From the page before joining into the call; gives when the button was pressed. */
  async join() {
    const field = await this.$('[data-testid=name]');
    if (!(await field.evaluate((element) => element.value))) await field.type(this.name);
    await until(`${this.name} to have a picture of their own`, () =>
      this.page.evaluate(() => window.__e2e.readPicture(document.querySelector('[data-testid=preview-video]')) !== null));
    // Pressed in the page itself, for the sake of the measurement.
    this.joinedAt = now();
    await this.page.evaluate(() => {
      window.__e2e.pressedAt = performance.now();
      document.querySelector('[data-testid=join]').click();
    });
    await this.$('[data-testid=call-page]');
  }

  async enter(url) {
    await this.open(url);
    await this.join();
  }

  async leave() {
    await this.press('leave');
    await this.$('[data-testid=left-page]');
  }

  /** The state of the connection, as the page knows it: connected, repairing, reconnecting, … */
  state() {
    return this.page.evaluate(() => document.querySelector('[data-testid=connection-state]')?.dataset.state ?? null);
  }

  connected(options) {
    return until(`${this.name} (${this.kind}) to be connected`, async () => {
      const state = await this.state();
      if (state !== 'connected') throw new Error(`it is ${state}`);
      return true;
    }, options);
  }

  /** The facts of another person's tile, or null where there is none. */
  tileOf(other) {
    return this.page.evaluate((selector) => {
      const found = document.querySelector(selector);
      return found && { ...found.dataset };
    }, tile(other.name));
  }

  /** The picture of another person as it is shown now: who, which frame, how old; null where there is none. */
  pictureOf(other) {
    return this.page.evaluate(
      (selector) => window.__e2e.readPicture(document.querySelector(`${selector} video`)), tile(other.name));
  }

  /** Waits until the picture of another is shown, theirs, and moving. */
  async sees(other, options) {
    let first = null;
    return until(`${this.name} (${this.kind}) to see ${other.name} (${other.kind}) move`, async () => {
      const seen = await this.pictureOf(other);
      if (!seen) {
        first = null;
        return false;
      }
      if (seen.person !== other.number) throw new Error(`it is person ${seen.person}`);
      // A camera that was switched on again counts from the beginning, and the last picture of before may have been first.
      if (first === null || seen.counter < first.counter) first = seen;
      return seen.counter > first.counter + 3 && seen;
    }, options);
  }

  /** Which persons' tones the page plays aloud now. */
  heard() {
    return this.page.evaluate(() => [
      ...new Set(window.__e2e.played().flatMap((element) => window.__e2e.heardIn(element.srcObject))),
    ].sort());
  }

  hears(others, options) {
    const wanted = JSON.stringify(others.map((other) => other.number).sort());
    return until(`${this.name} (${this.kind}) to hear exactly ${wanted}`, async () => {
      const heard = JSON.stringify(await this.heard());
      if (heard !== wanted) throw new Error(`heard ${heard}`);
      return true;
    }, options);
  }

  /** Begins to note every frame of another that is shown. */
  async beginWatching(other) {
    await this.page.evaluate((selector) => {
      window.__e2e.watching = window.__e2e.watch(document.querySelector(`${selector} video`));
      window.__e2e.watching.length = 0;
      window.__e2e.watchingSince = performance.now();
    }, tile(other.name));
  }

  /** The frames noted so far. */
  watched() {
    return this.page.evaluate(() => window.__e2e.watching);
  }

  /** The longest time in ms without a new picture since beginWatching, up to now. */
  longestPause() {
    return this.page.evaluate(() => {
      const { watching, watchingSince } = window.__e2e;
      const times = [watchingSince, ...watching.map(({ at }) => at), performance.now()];
      return Math.max(...times.slice(1).map((time, i) => time - times[i]));
    });
  }

  /** ms from pressing the button to the first picture of somebody else; the page must be prepared before. */
  firstPictureAfter() {
    return this.page.evaluate(() => window.__e2e.firstPicture - window.__e2e.pressedAt);
  }

  /** The m-lines of each offer that the page has made. */
  offers() {
    return this.page.evaluate(() => window.__e2e.offers);
  }

  stats(type) {
    return this.page.evaluate((wanted) => window.__e2e.stats(wanted), type);
  }

  /** The transport that media takes: "udp" or "tcp". */
  async protocol() {
    const stats = await this.stats();
    const pair = stats.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
    const local = stats.find(({ id }) => id === pair?.localCandidateId);
    return local?.protocol;
  }

  /** The video codec that is being sent, in lower case. */
  async sentCodec() {
    const stats = await this.stats();
    const sent = stats.find(({ type, kind, bytesSent }) => type === 'outbound-rtp' && kind === 'video' && bytesSent > 0);
    return stats.find(({ id }) => id === sent?.codecId)?.mimeType.split('/')[1].toLowerCase();
  }

  /** The phase and all that the page said, for when something went wrong. */
  async account() {
    return `${this.name} (${this.kind}): ${await this.state().catch(() => '?')}\n  ${this.said.slice(-20).join('\n  ')}`;
  }

  async away() {
    await (this.ownsBrowser ? this.browser.close() : this.page.browserContext().close());
    if (this.ownsSite) this.site.remove();
  }
}

/** Everybody sees everybody else move, and hears exactly the others. */
export async function allMeet(people, options) {
  for (const one of people) {
    const others = people.filter((other) => other !== one);
    for (const other of others) await one.sees(other, options);
    await one.hears(others, options);
  }
}
