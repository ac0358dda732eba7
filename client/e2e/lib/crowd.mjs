// Many people in one call: a server, one site and one Chromium for all of them, and pictures so small that one machine carries them.
import { launch } from './browsers.mjs';
import { Site } from './network.mjs';
import { Person, allMeet } from './person.mjs';
import { Server } from './server.mjs';

const tiny = { width: 320, height: 180, fps: 5 };

export class Crowd {
  /** Who is in the call. Whoever leaves is taken out by the story. */
  people = [];
  #room;
  #arrived = 0;

  constructor(room) {
    this.#room = room;
  }

  async begin() {
    this.server = await new Server().start();
    this.site = new Site();
    this.browser = await launch.chromium(this.site);
  }

  async end() {
    await this.browser?.close();
    this.site?.remove();
    await this.server?.stop();
  }

  /** The next one enters the room; `viewport` is another than that of a desktop. */
  async arrive({ viewport } = {}) {
    const { site, browser } = this;
    const person = await Person.arrive(this.#arrived++, 'chromium', { site, browser, picture: tiny });
    if (viewport) await person.page.setViewport(viewport);
    await person.enter(`${this.server.url}/r/${this.#room}`);
    this.people.push(person);
  }

  /** Everybody sees and hears everybody, which takes as many together a while. */
  allMeet() {
    return allMeet(this.people, { timeout: 60_000 });
  }
}
