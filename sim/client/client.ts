// The browsers of a simulated world, as far as the client's logic sees them. The SDK's Room runs here
// unchanged; what a browser would give it (clock, WebSocket, RTCPeerConnection, sessionStorage) is
// handed to the host, sim/client_script.cpp, which also calls what is exported here. It knows neither
// network nor server, and all time and all numbers come from outside, so that runs can be repeated.

import type { Person, Publish } from '../../client/sdk/src/messages';
import { type Environment, Room } from '../../client/sdk/src/room';
import { IDLE, type PersonSlots, SILENT } from '../../client/sdk/src/room_state';
import { SessionMemory } from '../../client/sdk/src/session';
import type { LocalMedia, LocalMediaState, Source } from '../../client/sdk/src/tracks';

/** What sim/client_script.cpp provides. Browsers, sockets, timers and peers are named by numbers. */
interface Host {
  connect(browser: number, socket: number): void;
  send(browser: number, socket: number, text: string): void;
  closeSocket(browser: number, socket: number): void;
  setTimer(browser: number, timer: number, ms: number): void;
  cancelTimer(browser: number, timer: number): void;
  openPeer(browser: number, peer: number): void;
  /**
   * The SDP. Person slots are `first`, then those that were added behind the screen slot; `redundant` are
   * the m-lines that prefer redundant sound, as bits.
   */
  offer(
    browser: number,
    peer: number,
    first: number,
    added: number,
    restart: boolean,
    redundant: number,
  ): string;
  /** False if the browser refuses it. */
  answer(browser: number, peer: number, sdp: string): boolean;
  /** `encodings`: those that are sent, as bits. */
  setSending(browser: number, peer: number, line: number, encodings: number): void;
  closePeer(browser: number, peer: number): void;
  changed(browser: number): void;
}

declare const host: Host;

/** Of the browser that is being called, ms. */
let now = 0;

// What would differ from run to run is not there: whoever uses it fails loudly. WeakRef tells when the
// collector came by.
for (const name of ['Date', 'WeakRef', 'FinalizationRegistry']) {
  Reflect.deleteProperty(globalThis, name);
}
Math.random = () => {
  throw new Error('Math.random in a simulation');
};
let uuids = 0;
Object.assign(globalThis, {
  crypto: { randomUUID: () => `uuid-${++uuids}` },
  // Of video no capabilities: the offer is the host's business, and Room then states no preference.
  RTCRtpSender: {
    getCapabilities: (kind: string) =>
      kind === 'audio' ? { codecs: [{ mimeType: 'audio/opus' }, { mimeType: 'audio/red' }] } : null,
  },
  RTCRtpReceiver: { getCapabilities: () => null },
});

/** Fails the simulation even where the caller would swallow the error. */
function fail(message: string): void {
  void Promise.reject(new Error(message));
}

/** A tab's sessionStorage: outlives its pages. */
class FakeStorage {
  private readonly values = new Map<string, string>();
  readonly getItem = (key: string): string | null => this.values.get(key) ?? null;
  readonly setItem = (key: string, value: string): void => void this.values.set(key, value);
  readonly removeItem = (key: string): void => void this.values.delete(key);
}

/** One end of a WebSocket; the host has the other. */
class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor(
    private readonly page: Page,
    private readonly id: number,
  ) {}

  send(text: string): void {
    if (this.page.sockets.has(this.id)) host.send(this.page.browser.id, this.id, text);
  }
  close(): void {
    if (this.page.sockets.delete(this.id)) host.closeSocket(this.page.browser.id, this.id);
  }
}

interface FakeEncoding {
  rid?: string;
  active?: boolean;
}

/**
 * One RTCRtpSender. As in Chromium a packet leaves if there is a track and an encoding is active; what
 * takes a browser some time takes one turn of the promise jobs here. Scalability modes it has none.
 */
class FakeSender {
  private track: MediaStreamTrack | null = null;
  /** The encodings that are sent, as bits. */
  private reported = 0;

  constructor(
    private readonly peer: FakePeer,
    private readonly line: number,
    private encodings: readonly FakeEncoding[],
  ) {}

  getParameters() {
    return { encodings: this.encodings.map(({ rid, active }) => ({ rid, active })) };
  }
  async setParameters({ encodings }: { encodings: readonly FakeEncoding[] }): Promise<void> {
    await Promise.resolve();
    this.peer.mustBeOpen();
    this.encodings = encodings;
    this.report();
  }
  async replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    await Promise.resolve();
    this.peer.mustBeOpen();
    this.track = track;
    this.report();
  }
  private report(): void {
    const sent = this.track === null ? [] : this.encodings;
    const on = sent.reduce((bits, { active }, i) => bits | (Number(active) << i), 0);
    if (on === this.reported) return;
    this.reported = on;
    this.peer.setSending(this.line, on);
  }
}

const SENDERS = ['audio sendonly', 'video sendonly', 'video sendonly', 'audio sendonly'];
const PERSON = ['audio recvonly', 'video recvonly'];
const SCREEN = ['video recvonly', 'audio recvonly'];

/** An RTCPeerConnection: the m-lines and the order of calls are looked at here, the rest is the host's. */
class FakePeer {
  onconnectionstatechange: (() => void) | null = null;
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: RTCSessionDescriptionInit | null = null;
  private readonly lines: string[] = [];
  private first: number | null = null;
  private restarting = false;
  private offered = false;
  private redundant = 0;

  constructor(
    private readonly page: Page,
    private readonly id: number,
  ) {}

  addTransceiver(
    kind: string,
    { direction, sendEncodings = [] }: { direction: string; sendEncodings?: FakeEncoding[] },
  ) {
    const line = this.lines.push(`${kind} ${direction}`) - 1;
    const encodings = sendEncodings.map((encoding) => ({ active: true, ...encoding }));
    return {
      sender: new FakeSender(this, line, encodings),
      receiver: {},
      setCodecPreferences: (codecs: readonly { mimeType: string }[]) => {
        if (codecs[0]?.mimeType === 'audio/red') this.redundant |= 1 << line;
        else this.redundant &= ~(1 << line);
      },
    };
  }
  restartIce(): void {
    this.restarting = true;
  }
  async createOffer(): Promise<RTCSessionDescriptionInit> {
    await Promise.resolve();
    this.mustBeOpen();
    const slots = (this.lines.length - SENDERS.length - SCREEN.length) / PERSON.length;
    // There are as many before the screen slot as the first offer had.
    this.first ??= slots;
    const people = (count: number) => Array.from({ length: count }, () => PERSON).flat();
    const added = slots - this.first;
    const expected = [...SENDERS, ...people(this.first), ...SCREEN, ...people(added)].join();
    if (this.lines.join() !== expected) fail(`m-lines ${this.lines.join()}, not ${expected}`);
    const sdp = host.offer(
      this.page.browser.id,
      this.id,
      this.first,
      added,
      this.restarting,
      this.redundant,
    );
    return { type: 'offer', sdp };
  }
  async setLocalDescription(description: RTCSessionDescriptionInit): Promise<void> {
    await Promise.resolve();
    this.mustBeOpen();
    this.localDescription = description;
    this.offered = true;
    this.restarting = false;
  }
  async setRemoteDescription({ sdp }: RTCSessionDescriptionInit): Promise<void> {
    await Promise.resolve();
    this.mustBeOpen();
    if (!this.offered) throw new Error('InvalidStateError: there is no offer to answer');
    if (!host.answer(this.page.browser.id, this.id, sdp ?? '')) throw new Error('refused');
    this.offered = false;
  }
  close(): void {
    if (this.page.peers.delete(this.id)) host.closePeer(this.page.browser.id, this.id);
    this.connectionState = 'closed';
  }

  setSending(line: number, encodings: number): void {
    host.setSending(this.page.browser.id, this.id, line, encodings);
  }
  mustBeOpen(): void {
    if (!this.page.peers.has(this.id)) throw new Error('InvalidStateError: closed');
  }
}

const SOURCE: Source = { on: false, status: 'closed', problem: null, track: null, deviceId: null };

/**
 * The devices, which never fail and open at once. As with LocalMedia a muted microphone keeps its track,
 * and a camera that is off has none.
 */
class FakeMedia implements Pick<LocalMedia, 'state' | 'publish' | 'subscribe'> {
  state: LocalMediaState = {
    microphone: SOURCE,
    camera: SOURCE,
    screen: { status: 'closed', problem: null, track: null, audio: null, content: 'text' },
    devices: { microphones: [], cameras: [], speakers: [] },
    speakerId: '',
  };
  private readonly listeners = new Set<() => void>();
  private readonly tracks = {
    microphone: {} as MediaStreamTrack,
    camera: {} as MediaStreamTrack,
    screen: {} as MediaStreamTrack,
    screen_audio: {} as MediaStreamTrack,
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  get publish(): Publish {
    const { microphone, camera, screen } = this.state;
    return {
      microphone: microphone.on && microphone.track !== null,
      camera: camera.on && camera.track !== null,
      screen: screen.track !== null,
      screen_audio: screen.audio !== null,
    };
  }
  set(wanted: Publish): void {
    const { state, tracks } = this;
    const microphone = wanted.microphone ? tracks.microphone : state.microphone.track;
    const source = (on: boolean, track: MediaStreamTrack | null): Source => {
      return { ...SOURCE, on, status: track === null ? 'closed' : 'live', track };
    };
    this.state = {
      ...state,
      microphone: source(wanted.microphone, microphone),
      camera: source(wanted.camera, wanted.camera ? tracks.camera : null),
      screen: {
        status: wanted.screen ? 'live' : 'closed',
        problem: null,
        track: wanted.screen ? tracks.screen : null,
        audio: wanted.screen && wanted.screen_audio ? tracks.screen_audio : null,
        content: 'text',
      },
    };
    for (const listener of [...this.listeners]) listener();
  }
}

/** A tab. Its numbers go on from page to page, so that what comes late for one page is none of another. */
class Browser {
  readonly storage = new FakeStorage();
  page: Page | null = null;
  private last = 0;
  constructor(readonly id: number) {}
  next(): number {
    return ++this.last;
  }
}

/** One load of the web client: all that is gone after a reload. */
class Page {
  readonly sockets = new Map<number, FakeSocket>();
  readonly timers = new Map<number, () => void>();
  readonly peers = new Map<number, FakePeer>();
  readonly networkListeners = new Set<() => void>();
  readonly media = new FakeMedia();
  room: Room | null = null;
  session: SessionMemory | null = null;

  constructor(
    readonly browser: Browser,
    private readonly personSlots: PersonSlots,
  ) {}

  enter(name: string): { room: Room; session: SessionMemory } {
    if (this.room !== null && this.room.name !== name) {
      throw new Error(`a page of room ${this.room.name} cannot join ${name}`);
    }
    const storage = this.browser.storage as unknown as Storage;
    this.session ??= new SessionMemory(name, { storage });
    if (this.room === null) {
      this.room = new Room({
        name,
        media: this.media as unknown as LocalMedia,
        session: this.session,
        environment: this.environment(),
      });
      this.room.subscribe(() => host.changed(this.browser.id));
    }
    return { room: this.room, session: this.session };
  }

  private environment(): Environment {
    const { browser } = this;
    return {
      clock: {
        now: () => now,
        after: (ms, callback) => {
          const timer = browser.next();
          this.timers.set(timer, callback);
          host.setTimer(browser.id, timer, ms);
          return () => {
            if (this.timers.delete(timer)) host.cancelTimer(browser.id, timer);
          };
        },
      },
      connect: () => {
        const id = browser.next();
        const socket = new FakeSocket(this, id);
        this.sockets.set(id, socket);
        host.connect(browser.id, id);
        return socket as unknown as WebSocket;
      },
      createPeerConnection: () => {
        const id = browser.next();
        const peer = new FakePeer(this, id);
        this.peers.set(id, peer);
        host.openPeer(browser.id, id);
        return peer as unknown as RTCPeerConnection;
      },
      watchNetwork: (onChange) => {
        this.networkListeners.add(onChange);
        return () => this.networkListeners.delete(onChange);
      },
      // Nobody guesses in here: it must only be another one each time.
      drawSecret: () => hex(browser.id) + hex(browser.next()),
      personSlots: this.personSlots,
    };
  }
}

/** Half of a secret. */
function hex(n: number): string {
  return n.toString(16).padStart(32, '0');
}

const browsers = new Map<number, Browser>();

/** The page of which something came; none if it is gone, and what came for it is lost. */
function pageOf(browser: number): Page | null {
  return browsers.get(browser)?.page ?? null;
}

/** The page that the host wants to act on: there must be one. */
function openPageOf(browser: number): Page {
  const page = pageOf(browser);
  if (page === null) throw new Error(`browser ${browser} has no open page`);
  return page;
}

/** The host's clock, before whatever it calls next. */
export function at(ms: number): void {
  now = ms;
}

export function openPage(id: number, first: number, most: number): void {
  let browser = browsers.get(id);
  if (browser === undefined) browsers.set(id, (browser = new Browser(id)));
  browser.page = new Page(browser, { first, most });
}

export function closePage(browser: number): void {
  const there = browsers.get(browser);
  if (there !== undefined) there.page = null;
}

/** As client/app does: with `recall`, back into the call that this tab was in, muted or not as it went. */
export async function join(
  browser: number,
  roomName: string,
  name: string,
  token: string,
  recall: boolean,
): Promise<void> {
  const page = openPageOf(browser);
  const { room, session } = page.enter(roomName);
  const before = recall ? await session.recall() : null;
  const optional = token === '' ? {} : { token };
  if (before === null) {
    room.join({ name, ...optional });
  } else {
    const { resume, attempt, microphone, camera } = before;
    page.media.set({ ...SILENT, microphone, camera });
    room.join({ name: before.name, resume, attempt, ...optional });
  }
}

export function leave(browser: number): void {
  openPageOf(browser).room?.leave();
}

export function publish(
  browser: number,
  microphone: boolean,
  camera: boolean,
  screen: boolean,
  screenAudio: boolean,
): void {
  openPageOf(browser).media.set({ microphone, camera, screen, screen_audio: screenAudio });
}

export function socketOpened(browser: number, socket: number): void {
  pageOf(browser)?.sockets.get(socket)?.onopen?.();
}

export function socketMessage(browser: number, socket: number, data: string): void {
  pageOf(browser)?.sockets.get(socket)?.onmessage?.({ data });
}

export function socketClosed(browser: number, id: number): void {
  const page = pageOf(browser);
  const socket = page?.sockets.get(id);
  page?.sockets.delete(id);
  socket?.onclose?.();
}

export function timerFired(browser: number, timer: number): void {
  const page = pageOf(browser);
  const callback = page?.timers.get(timer);
  page?.timers.delete(timer);
  callback?.();
}

export function connectionState(browser: number, id: number, state: RTCPeerConnectionState): void {
  const peer = pageOf(browser)?.peers.get(id);
  if (peer === undefined || peer.connectionState === state) return;
  peer.connectionState = state;
  peer.onconnectionstatechange?.();
}

export function networkChanged(browser: number): void {
  const listeners = pageOf(browser)?.networkListeners ?? [];
  for (const listener of [...listeners]) listener();
}

export function wake(browser: number): void {
  pageOf(browser)?.room?.wake();
}

/** `ClientScript::View`, as JSON. */
export function view(browser: number): string {
  const state = pageOf(browser)?.room?.state ?? IDLE;
  return JSON.stringify({
    phase: state.phase,
    you: state.you ?? '',
    ...state.publish,
    sending: state.sending,
    generation: state.generation,
    failure: state.failure?.code ?? '',
    notice: state.notice?.code ?? '',
    sharer: state.screen ?? '',
    speaker: state.speaker ?? '',
    slots: state.slots.map((person) => person ?? ''),
  });
}

/** Who else is there, as JSON. */
export function people(browser: number): string {
  return JSON.stringify({ people: (pageOf(browser)?.room?.state ?? IDLE).people.map(briefly) });
}

function briefly(person: Person) {
  const { id, name, microphone, camera, screen, screen_audio, connected } = person;
  return { id, name, microphone, camera, screen, screen_audio, connected };
}
