// A room as the application sees it: join, leave, and one immutable state to draw. Carries out what
// room_state.ts decides, and feeds back what came of it.

import { type Clock, systemClock } from './clock';
import type { PersonId, View } from './messages';
import { PeerConnection, type SlotMedia } from './peer_connection';
import { receivedLevel, watchNetwork } from './quirks';
import type { PersonSlots, RoomEffect, RoomInput, RoomState } from './room_state';
import { deadline, IDLE, isOver, reduce } from './room_state';
import { drawSecret, type Session, SessionMemory } from './session';
import { Signaling } from './signaling';
import { type Snapshot, snapshot } from './statistics';
import type { LocalMedia } from './tracks';

/** The world as a room needs it. Each has a sensible default; tests bring their own. */
export interface Environment {
  readonly clock: Clock;
  readonly connect: () => WebSocket;
  readonly createPeerConnection: () => RTCPeerConnection;
  /** Calls back when the device may be on another network. The result stops that. */
  readonly watchNetwork: (onChange: () => void) => () => void;
  /** A new secret of a session: 64 of 0–9 a–f, which nobody can guess. */
  readonly drawSecret: () => string;
  readonly personSlots: PersonSlots;
}

export interface RoomOptions {
  /** a–z 0–9 and -, 1 to 64 characters. */
  readonly name: string;
  /** What this device sends. The room does not close it. */
  readonly media: LocalMedia;
  readonly session?: SessionMemory;
  readonly environment?: Partial<Environment>;
}

export interface JoinOptions {
  /** Of the person: 1 to 64 characters, see cleanName(). */
  readonly name: string;
  /** The join token, where the room wants one. */
  readonly token?: string | undefined;
  /** From SessionMemory.recall(): goes on as the same participant. */
  readonly resume?: string | undefined;
  /** Comes with `resume`, and goes with it. */
  readonly attempt?: number | undefined;
}

/** The WebSocket of the server that served this page. */
export function signalingUrl(page: Location = location): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/ws`;
}

// A call begins with a short offer, which is what most calls need, and grows. Slots that are not shown cost
// next to nothing, and who has none is not heard.
const MOST_SLOTS = 48;
const DESKTOP_SLOTS: PersonSlots = { first: 8, most: MOST_SLOTS };
const PHONE_SLOTS: PersonSlots = { first: 4, most: MOST_SLOTS };

function defaultEnvironment(): Environment {
  const phone = globalThis.matchMedia?.('(pointer: coarse) and (max-width: 900px)').matches;
  return {
    clock: systemClock,
    connect: () => new WebSocket(signalingUrl()),
    createPeerConnection: () =>
      new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' }),
    watchNetwork,
    drawSecret,
    personSlots: phone ? PHONE_SLOTS : DESKTOP_SLOTS,
  };
}

export class Room {
  readonly name: string;
  readonly media: LocalMedia;
  private current: RoomState = IDLE;
  private peer: PeerConnection | null = null;
  private readonly environment: Environment;
  private readonly session: SessionMemory;
  private readonly signaling: Signaling;
  private readonly listeners = new Set<() => void>();
  private readonly queue: RoomInput[] = [];
  private running = false;
  private cancelTimer: () => void = () => {};
  private stopWatching: () => void = () => {};

  constructor(options: RoomOptions) {
    this.name = options.name;
    this.media = options.media;
    this.session = options.session ?? new SessionMemory(options.name);
    this.environment = { ...defaultEnvironment(), ...options.environment };
    this.signaling = new Signaling({
      clock: this.environment.clock,
      connect: this.environment.connect,
      onOpen: () => this.receive({ t: 'signaling_open' }),
      onMessage: (message) => this.receive({ t: 'message', message }),
      onLost: () => this.receive({ t: 'signaling_lost' }),
    });
  }

  /** Never changed in place: a new object after every change. */
  get state(): RoomState {
    return this.current;
  }

  /** Calls back after every change of `state`, until the result is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /**
   * Enters. Returns at once; `state` tells how it goes, and failures are in `state.failure`. After
   * leaving or failing, join again begins afresh.
   */
  join({ name, token, resume = this.environment.drawSecret(), attempt = 0 }: JoinOptions): void {
    const stopMedia = this.media.subscribe(() => this.mediaChanged());
    const stopNetwork = this.environment.watchNetwork(() => {
      this.signaling.probe();
      this.receive({ t: 'network_changed' });
    });
    this.stopWatching();
    this.stopWatching = () => {
      stopMedia();
      stopNetwork();
    };
    this.receive({
      t: 'join',
      request: { room: this.name, name, token, resume, attempt },
      publish: this.media.publish,
      personSlots: this.environment.personSlots,
    });
  }

  /** Goes for good: the others see it at once and the session cannot be resumed. */
  leave(): void {
    this.receive({ t: 'leave' });
  }

  /** To be called when the page comes to the foreground: looks whether the server is still there. */
  wake(): void {
    this.signaling.probe();
    this.receive({ t: 'tick' });
  }

  /** To be called whenever the page shows somebody else, or in another size. */
  show(view: View): void {
    this.receive({ t: 'view', view });
  }

  /** The tracks of person slot n, as long as `state.generation` stays the same. */
  slot(n: number): SlotMedia | null {
    return this.peer?.people[n] ?? null;
  }

  /** The tracks of the shared screen. */
  get screenSlot(): SlotMedia | null {
    return this.peer?.screen ?? null;
  }

  /** How loud a person is just now, 0 to 1. */
  level(person: PersonId): number {
    const slot = this.slot(this.current.slots.indexOf(person));
    return slot === null
      ? 0
      : receivedLevel(slot.audio, performance.timeOrigin + performance.now());
  }

  /** The counters of the moment; null while there is no peer connection. */
  async snapshot(now = Date.now()): Promise<Snapshot | null> {
    return this.peer === null ? null : snapshot(await this.peer.stats(), now);
  }

  private mediaChanged(): void {
    this.attachTracks();
    this.receive({ t: 'publish', publish: this.media.publish });
    // A reload comes back as muted, or as visible, as it went.
    const { phase, request } = this.current;
    if (request !== null && !isOver(phase)) this.remember(request);
  }

  private attachTracks(): void {
    const { microphone, camera, screen } = this.media.state;
    this.peer?.setTrack('microphone', microphone.track);
    this.peer?.setTrack('camera', camera.track);
    this.peer?.setTrack('screen', screen.track);
    this.peer?.setTrack('screen_audio', screen.audio);
  }

  /** Inputs one after the other: an effect may bring the next one about. */
  private receive(input: RoomInput): void {
    this.queue.push(input);
    if (this.running) return;
    this.running = true;
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      const { state, effects } = reduce(this.current, next, this.environment.clock.now());
      const changed = state !== this.current;
      this.current = state;
      for (const effect of effects) this.run(effect);
      if (changed) this.publishState();
    }
    this.running = false;
  }

  private publishState(): void {
    const { clock } = this.environment;
    this.cancelTimer();
    const due = deadline(this.current);
    if (due < Infinity) {
      this.cancelTimer = clock.after(Math.max(0, due - clock.now()), () =>
        this.receive({ t: 'tick' }),
      );
    }
    if (isOver(this.current.phase)) this.stopWatching();
    for (const listener of [...this.listeners]) listener();
  }

  private run(effect: RoomEffect): void {
    switch (effect.t) {
      case 'open_signaling':
        return this.signaling.open();
      case 'close_signaling':
        return this.signaling.close();
      case 'hold_signaling':
        return this.signaling.hold(effect.ms);
      case 'send':
        this.signaling.send(effect.message);
        return;
      case 'create_media':
        return this.createMedia(effect);
      case 'add_person_slots':
        this.orMediaError(this.peer?.addPersonSlots(effect.personSlots));
        return;
      case 'close_media':
        this.peer?.close();
        this.peer = null;
        return;
      case 'make_offer':
        return this.makeOffer(effect.id, effect.restart);
      case 'apply_answer': {
        const { generation } = this.current;
        const { personSlots } = effect;
        const answered = () => this.receive({ t: 'answered', generation, personSlots });
        this.orMediaError(this.peer?.answer(effect.sdp).then(answered));
        return;
      }
      case 'set_sending':
        this.peer?.setSending(effect.sending);
        return;
      case 'set_layers':
        this.peer?.setLayers(effect.source, effect.encodings);
        return;
      case 'set_redundancy':
        this.peer?.setRedundancy(effect.source, effect.redundant);
        return;
      case 'remember_session':
        return this.remember(effect);
      case 'forget_session':
        return this.session.forget();
    }
  }

  private createMedia(effect: RoomEffect & { t: 'create_media' }): void {
    const { generation, personSlots, simulcast } = effect;
    try {
      this.peer = new PeerConnection({
        create: this.environment.createPeerConnection,
        personSlots,
        simulcast,
        onConnection: (connection) => this.receive({ t: 'media', generation, connection }),
      });
    } catch {
      // Browsers have limits: on connections that nobody has collected yet, on m-lines.
      this.receive({ t: 'media_error', generation });
      return;
    }
    this.peer.setSending(this.current.sending);
    this.attachTracks();
  }

  private makeOffer(id: number, restart: boolean): void {
    this.orMediaError(
      this.peer?.offer(restart).then((sdp) => this.receive({ t: 'offer', id, sdp })),
    );
  }

  private orMediaError(work: Promise<void> | undefined): void {
    const { generation } = this.current;
    work?.catch(() => this.receive({ t: 'media_error', generation }));
  }

  private remember({ resume, attempt }: Pick<Session, 'resume' | 'attempt'>): void {
    const { microphone, camera } = this.media.state;
    this.session.remember({
      resume,
      attempt,
      name: this.current.request?.name ?? '',
      microphone: microphone.on,
      camera: camera.on,
    });
  }
}
