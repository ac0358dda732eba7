import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock';
import type { ServerMessage } from './messages';
import { Signaling } from './signaling';
import { FakeSocket } from './testing/fake_socket';

let sockets: FakeSocket[];
let openedAt: number[];
let messages: ServerMessage[];
let lost: number;
let signaling: Signaling;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  sockets = [];
  openedAt = [];
  messages = [];
  lost = 0;
  signaling = new Signaling({
    clock: systemClock,
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      openedAt.push(Date.now());
      return socket.asWebSocket();
    },
    onOpen: () => {},
    onMessage: (message) => messages.push(message),
    onLost: () => (lost += 1),
  });
});
afterEach(() => {
  signaling.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const last = () => sockets.at(-1) as FakeSocket;
const pings = (socket: FakeSocket) => socket.sent.filter((message) => message.t === 'ping');

/** Answers every ping of the latest socket for a while, one step at a time. */
function live(ms: number): void {
  for (let passed = 0; passed < ms; passed += 100) {
    vi.advanceTimersByTime(100);
    last().answerPings();
  }
}

describe('connecting again', () => {
  it('waits 0, 0.5, 1, 2, then every 2 s while the server refuses', () => {
    signaling.open();
    for (let i = 0; i < 6; ++i) {
      last().refuse();
      vi.advanceTimersByTime(2000);
    }
    const pauses = openedAt.slice(1).map((at, i) => at - 2000 * i);
    expect(pauses).toEqual([0, 500, 1000, 2000, 2000, 2000]);
    expect(lost).toBe(0);
  });

  it('starts from 0 again after a connection that worked', () => {
    signaling.open();
    last().refuse();
    vi.advanceTimersByTime(0);
    last().accept();
    live(6000);
    last().breakDown();
    vi.advanceTimersByTime(0);
    expect(sockets).toHaveLength(3);
    expect(lost).toBe(1);
  });

  it('does not hammer a server that accepts and breaks down at once', () => {
    signaling.open();
    for (let i = 0; i < 20 && Date.now() < 10_000; ++i) {
      last().accept();
      last().breakDown();
      vi.advanceTimersByTime(500);
    }
    expect(sockets.length).toBeLessThan(9);
  });

  it('gives up a connection that does not open within 5 s', () => {
    signaling.open();
    vi.advanceTimersByTime(5000);
    expect(sockets[0]?.closed).toBe(true);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
  });

  it('holds back for as long as the server asked', () => {
    signaling.open();
    last().accept();
    signaling.hold(3000);
    last().breakDown();
    vi.advanceTimersByTime(2999);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
  });

  it('tries at once when the network is back', () => {
    signaling.open();
    for (let i = 0; i < 5; ++i) {
      last().refuse();
      vi.advanceTimersByTime(i < 4 ? 2000 : 0);
    }
    const before = sockets.length;
    signaling.probe();
    vi.advanceTimersByTime(0);
    expect(sockets).toHaveLength(before + 1);
  });

  it('stops for good when closed', () => {
    signaling.open();
    last().refuse();
    signaling.close();
    vi.advanceTimersByTime(10_000);
    expect(sockets).toHaveLength(1);
    expect(lost).toBe(0);
  });
});

describe('the heartbeat', () => {
  beforeEach(() => {
    signaling.open();
    last().accept();
  });

  it('pings every 2 s', () => {
    live(10_000);
    expect(pings(last())).toHaveLength(6);
    expect(new Set(pings(last()).map((ping) => ping.t === 'ping' && ping.id)).size).toBe(6);
  });

  it('calls the connection dead after 5 s without an answer', () => {
    live(4100); // The last answered ping was sent at 4 s, the first unanswered one comes at 6 s.
    vi.advanceTimersByTime(6800);
    expect(lost).toBe(0);
    vi.advanceTimersByTime(200);
    expect(lost).toBe(1);
    expect(sockets[0]?.closed).toBe(true);
    vi.advanceTimersByTime(0);
    expect(sockets).toHaveLength(2);
  });

  it('takes any message as a sign of life', () => {
    for (let i = 0; i < 10; ++i) {
      vi.advanceTimersByTime(2500);
      last().receive({ t: 'speaker', person: null });
    }
    expect(lost).toBe(0);
    expect(messages.filter((message) => message.t === 'speaker')).toHaveLength(10);
  });

  it('answers the pings of the server', () => {
    last().receive({ t: 'ping', id: 99 });
    expect(last().sent).toContainEqual({ t: 'pong', id: 99 });
  });

  it('does not die of timers that were held back for a minute', () => {
    live(4000);
    vi.setSystemTime(Date.now() + 60_000); // Nothing runs meanwhile, as in the background.
    vi.advanceTimersByTime(2000);
    expect(lost).toBe(0);
    live(10_000);
    expect(lost).toBe(0);
  });

  it('is driven by messages alone where no timer runs', () => {
    live(2000);
    const before = pings(last()).length;
    for (let i = 0; i < 30; ++i) {
      vi.setSystemTime(Date.now() + 1000);
      last().receive({ t: 'speaker', person: null });
      last().answerPings();
    }
    expect(pings(last()).length - before).toBeGreaterThanOrEqual(14);
  });

  it('after a sleep finds a dead connection within 2 s', () => {
    live(4000);
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(2000); // The timer that was due in at most 2 s fires, late.
    vi.advanceTimersByTime(2000);
    expect(lost).toBe(1);
  });

  it('when asked to look finds a dead connection within 2 s', () => {
    live(4000);
    signaling.probe();
    vi.advanceTimersByTime(2000);
    expect(lost).toBe(1);
  });
});

it('ignores what is not of this protocol', () => {
  signaling.open();
  last().accept();
  for (const data of ['', '{}', '{"t":"later"}', '{"t":"speaker","person":7}', new Blob([])]) {
    last().receiveRaw(data);
  }
  expect(messages).toEqual([]);
  expect(lost).toBe(0);
});

it('says so when a message cannot be sent', () => {
  expect(signaling.send({ t: 'leave' })).toBe(false);
  signaling.open();
  expect(signaling.send({ t: 'leave' })).toBe(false);
  last().accept();
  expect(signaling.send({ t: 'leave' })).toBe(true);
});
