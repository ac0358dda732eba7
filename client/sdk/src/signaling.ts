// The WebSocket: keeps one open, finds out that it is dead before the system does, and connects
// again. It carries messages and knows what none of them means except ping and pong.
//
// Pages in the background get their timers late (once a second, or once a minute), and a laptop's
// lid stops them altogether. So a late timer is never taken as proof of a dead connection: it makes
// a fresh ping, and only a pong missing after that counts. Whatever the server says counts as a sign
// of life, and every message from it also drives the heartbeat, since messages are never throttled.

import type { Clock } from './clock';
import type { ClientMessage, ServerMessage } from './messages';
import { BadMessage, encode, parseServerMessage } from './messages';

/** Pauses before connecting again, ms. The last one repeats. */
export const BACK_OFF_MS: readonly number[] = [0, 500, 1000, 2000];
export const PING_EVERY_MS = 2000;
/** No pong within this: dead. */
export const PONG_WITHIN_MS = 5000;
/** The same, when there is reason to doubt: the network changed, or the timers stood still. */
export const PROBE_WITHIN_MS = 2000;
/** A connection not open within this is given up. */
export const OPEN_WITHIN_MS = 5000;
/** A connection that lived this long was a success: the next pause is the shortest again. */
export const PROVEN_AFTER_MS = 5000;
/** A timer later than this was held back. */
const LATE_MS = 1500;

export interface SignalingOptions {
  readonly clock: Clock;
  /** Makes a WebSocket to the server. */
  readonly connect: () => WebSocket;
  readonly onOpen: () => void;
  readonly onMessage: (message: ServerMessage) => void;
  /** Once for each connection that was open. */
  readonly onLost: () => void;
}

export class Signaling {
  private socket: WebSocket | null = null;
  private wanted = false;
  private failures = 0;
  private heldUntil = 0;
  private openedAt: number | null = null;
  private pingId = 0;
  /** When the oldest unanswered ping counts as unanswered for good. */
  private pongBy = Infinity;
  private pingAt = Infinity;
  private cancelTimer: () => void = () => {};

  constructor(private readonly options: SignalingOptions) {}

  /** Connects, and connects again after every loss, until close(). */
  open(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.failures = 0;
    this.heldUntil = 0;
    this.connect();
  }

  /** What was sent before still arrives. Nothing is reported after this. */
  close(): void {
    this.wanted = false;
    this.drop();
  }

  /** False if there is no connection: the message is gone. */
  send(message: ClientMessage): boolean {
    if (this.openedAt === null || this.socket === null) return false;
    this.socket.send(encode(message));
    return true;
  }

  /** Connects again no sooner than in `ms`: the server asked for it. */
  hold(ms: number): void {
    this.heldUntil = this.options.clock.now() + ms;
  }

  /** Something changed (network, visibility): finds out now rather than at the next ping. */
  probe(): void {
    if (!this.wanted) return;
    if (this.openedAt !== null) {
      this.ping(PROBE_WITHIN_MS);
    } else if (this.socket === null) {
      this.failures = 0;
      this.retry();
    }
  }

  private connect(): void {
    this.cancelTimer();
    const { clock, connect } = this.options;
    const socket = connect();
    this.socket = socket;
    socket.onopen = () => this.opened();
    socket.onmessage = (event: MessageEvent<unknown>) => this.received(event.data);
    socket.onclose = () => this.lost();
    this.cancelTimer = clock.after(OPEN_WITHIN_MS, () => this.lost());
  }

  private opened(): void {
    this.openedAt = this.options.clock.now();
    this.pongBy = Infinity;
    this.ping(PONG_WITHIN_MS);
    this.options.onOpen();
  }

  private received(data: unknown): void {
    let message: ServerMessage;
    try {
      message = parseServerMessage(String(data));
    } catch (error) {
      // From a newer server, or nonsense: neither is a reason to end a call.
      if (error instanceof BadMessage) return;
      throw error;
    }
    this.pongBy = Infinity;
    if (message.t === 'ping') this.send({ t: 'pong', id: message.id });
    this.beat();
    this.options.onMessage(message);
  }

  private ping(within: number): void {
    const now = this.options.clock.now();
    this.send({ t: 'ping', id: ++this.pingId });
    this.pongBy = Math.min(this.pongBy, now + within);
    this.pingAt = now + PING_EVERY_MS;
    this.schedule();
  }

  private beat(): void {
    if (this.openedAt !== null && this.options.clock.now() >= this.pingAt) {
      this.ping(PONG_WITHIN_MS);
    }
  }

  private schedule(): void {
    this.cancelTimer();
    const { clock } = this.options;
    const due = Math.min(this.pingAt, this.pongBy);
    this.cancelTimer = clock.after(Math.max(0, due - clock.now()), () => this.wake(due));
  }

  private wake(due: number): void {
    const now = this.options.clock.now();
    if (now > due + LATE_MS) {
      // Timers stood still; the answer may be waiting behind this very call.
      this.pongBy = Infinity;
      this.ping(PROBE_WITHIN_MS);
    } else if (now >= this.pongBy) {
      this.lost();
    } else {
      this.beat();
      this.schedule();
    }
  }

  /** Forgets the socket, without a word to anybody. */
  private drop(): void {
    this.cancelTimer();
    const { socket } = this;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.socket = null;
    this.openedAt = null;
    this.pongBy = Infinity;
    this.pingAt = Infinity;
  }

  private lost(): void {
    const { openedAt } = this;
    if (openedAt !== null && this.options.clock.now() - openedAt >= PROVEN_AFTER_MS) {
      this.failures = 0;
    }
    this.drop();
    if (openedAt !== null) this.options.onLost();
    if (this.wanted) this.retry();
  }

  private retry(): void {
    const { clock } = this.options;
    const pause = BACK_OFF_MS[Math.min(this.failures, BACK_OFF_MS.length - 1)] ?? 0;
    this.failures += 1;
    this.cancelTimer();
    this.cancelTimer = clock.after(Math.max(pause, this.heldUntil - clock.now()), () =>
      this.connect(),
    );
  }
}
