// The whole SDK but the browser: against a server, a peer connection and devices played by the test.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock';
import type { ClientMessage, Joined } from './messages';
import { Room } from './room';
import { SessionMemory } from './session';
import { FakeDevices, settle } from './testing/fake_devices';
import { FakePeerConnection } from './testing/fake_peer_connection';
import { FakeSocket } from './testing/fake_socket';
import { joined, person } from './testing/messages';
import { LocalMedia } from './tracks';

let sockets: FakeSocket[];
let peers: FakePeerConnection[];
let changeNetwork: () => void;
let media: LocalMedia;
let room: Room;
const stored = new Map<string, string>();

const socket = () => sockets.at(-1) as FakeSocket;
const peer = () => peers.at(-1) as FakePeerConnection;
const tracks = () => [media.state.microphone.track, media.state.camera.track];
const sent = (type: ClientMessage['t']) => socket().sent.filter(({ t }) => t === type);

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.stubGlobal('RTCRtpSender', { getCapabilities: () => null });
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => null });
  sockets = [];
  peers = [];
  stored.clear();
  media = new LocalMedia({ mediaDevices: new FakeDevices().asMediaDevices() });
  await media.start();
  room = new Room({
    name: 'tea',
    media,
    session: new SessionMemory('tea', {
      storage: {
        getItem: (key: string) => stored.get(key) ?? null,
        setItem: (key: string, value: string) => stored.set(key, value),
        removeItem: (key: string) => stored.delete(key),
      } as unknown as Storage,
    }),
    environment: {
      clock: systemClock,
      connect: () => {
        sockets.push(new FakeSocket());
        return socket().asWebSocket();
      },
      createPeerConnection: () => {
        peers.push(new FakePeerConnection());
        return peer().asPeerConnection();
      },
      watchNetwork: (onChange) => {
        changeNetwork = onChange;
        return () => {};
      },
      personSlots: 3,
    },
  });
});
afterEach(() => {
  room.leave();
  media.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Lets time pass, with a server that answers pings. */
async function pass(ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 100) {
    await vi.advanceTimersByTimeAsync(100);
    if (!socket().closed) socket().answerPings();
  }
}

async function enter(change: Partial<Joined> = {}): Promise<void> {
  socket().accept();
  socket().receive(joined(change));
  await settle();
}

async function answerOffer(): Promise<void> {
  const offer = sent('offer').at(-1);
  if (offer?.t !== 'offer') throw new Error('no offer');
  socket().receive({ t: 'answer', id: offer.id, sdp: 'answer' });
  await settle();
}

async function connect(): Promise<void> {
  room.join({ name: 'Ana' });
  await enter({ people: [person('bo')] });
  await answerOffer();
  peer().become('connected');
  await settle();
}

describe('joining', () => {
  it('says join, then what is sent, then offers the m-lines of the protocol', async () => {
    room.join({ name: 'Ana', token: 'v4.public.x' });
    expect(room.state.phase).toBe('joining');
    await enter();
    expect(socket().sent.map(({ t }) => t)).toEqual(['ping', 'join', 'publish', 'offer']);
    expect(sent('join')).toEqual([
      { t: 'join', version: 1, room: 'tea', name: 'Ana', token: 'v4.public.x' },
    ]);
    expect(sent('publish')).toEqual([
      { t: 'publish', microphone: true, camera: true, screen: false, screen_audio: false },
    ]);
    expect(peer().lines).toEqual([
      'audio sendonly',
      'video sendonly',
      'video sendonly',
      'audio sendonly',
      'audio recvonly',
      'video recvonly',
      'audio recvonly',
      'video recvonly',
      'audio recvonly',
      'video recvonly',
      'video recvonly',
      'audio recvonly',
    ]);
    await answerOffer();
    expect(peer().answers).toEqual(['answer']);
    peer().become('connected');
    expect(room.state.phase).toBe('connected');
  });

  it('has no more person slots than the server allows', async () => {
    room.join({ name: 'Ana' });
    await enter({ person_slots: 1 });
    expect(peer().lines).toHaveLength(4 + 2 + 2);
  });

  it('knows who is in which slot', async () => {
    await connect();
    socket().receive({ t: 'slots', slots: [{ slot: 1, person: 'bo' }], screen: null });
    expect(room.state.slots).toEqual([null, 'bo']);
    expect(room.slot(1)?.video).toMatchObject({ mid: 7 });
    expect(room.slot(1)?.audio).toMatchObject({ mid: 6 });
    expect(room.screenSlot).toMatchObject({ video: { mid: 10 }, audio: { mid: 11 } });
  });

  it('tries for as long as the server is away', async () => {
    room.join({ name: 'Ana' });
    for (let i = 0; i < 10; ++i) {
      socket().refuse();
      await vi.advanceTimersByTimeAsync(2000);
    }
    expect(room.state.phase).toBe('joining');
    await enter();
    expect(room.state.phase).toBe('connecting');
  });

  it('fails with the code of the server', async () => {
    room.join({ name: 'Ana' });
    socket().accept();
    const error = { code: 'room_full', message: 'Full.', fatal: true, retry_after_ms: 10_000 };
    socket().receive({ t: 'error', ...error });
    expect(room.state.failure).toEqual({
      code: 'room_full',
      message: 'Full.',
      retryAfterMs: 10_000,
    });
    await pass(10_000);
    expect(sockets).toHaveLength(1);
  });

  it('comes back by itself after an error that passes', async () => {
    await connect();
    socket().receive({
      t: 'error',
      code: 'shutting_down',
      message: 'Restarting.',
      fatal: true,
      retry_after_ms: 1500,
    });
    socket().breakDown();
    await vi.advanceTimersByTimeAsync(1400);
    expect(sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(sockets).toHaveLength(2);
  });
});

describe('muting and devices', () => {
  it('tells the server, and takes the camera off the wire', async () => {
    await connect();
    expect(peer().sent.slice(0, 2)).toEqual(tracks());
    await media.setMicrophone(false);
    await media.setCamera(false);
    await settle();
    expect(sent('publish').at(-1)).toMatchObject({ microphone: false, camera: false });
    expect(peer().sent[0]).toMatchObject({ enabled: false });
    expect(peer().sent[1]).toBeNull();
  });

  it('replaces the track when the device changes, without an offer', async () => {
    await connect();
    await media.choose('microphone', 'mic-2');
    await settle();
    expect(peer().sent[0]).toBe(media.state.microphone.track);
    expect(sent('offer')).toHaveLength(1);
  });

  it('sends a shared screen with its sound', async () => {
    await connect();
    await media.shareScreen();
    await settle();
    expect(peer().sent.slice(2)).toEqual([media.state.screen.track, media.state.screen.audio]);
    expect(sent('publish').at(-1)).toMatchObject({ screen: true, screen_audio: true });
  });
});

describe('when the WebSocket is lost', () => {
  it('media goes on, and the session with it', async () => {
    await connect();
    socket().breakDown();
    expect(room.state.phase).toBe('repairing');
    expect(peer().sent.slice(0, 2)).toEqual(tracks());
    await vi.advanceTimersByTimeAsync(0);
    await enter({ resumed: true, media: 'kept' });
    expect(sent('join')).toMatchObject([{ resume: 'secret', name: 'Ana' }]);
    expect(sent('offer')).toEqual([]);
    expect(peers).toHaveLength(1);
    expect(room.state.phase).toBe('connected');
  });

  it('an offer that was under way is made again', async () => {
    await connect();
    peer().become('failed');
    await settle();
    expect(sent('offer')).toHaveLength(2);
    socket().breakDown();
    await vi.advanceTimersByTimeAsync(0);
    await enter({ resumed: true, media: 'kept' });
    expect(sent('offer')).toHaveLength(1);
    await answerOffer();
    peer().become('connected');
    expect(room.state.phase).toBe('connected');
  });

  it('and the server was restarted: a new connection, within 5 s', async () => {
    await connect();
    const began = Date.now();
    socket().breakDown();
    for (let i = 0; i < 3; ++i) {
      await vi.advanceTimersByTimeAsync(i < 2 ? 500 : 1000);
      socket().refuse();
    }
    await vi.advanceTimersByTimeAsync(2000);
    await enter({ resumed: true, media: 'new' });
    expect(peers[0]?.closed).toBe(true);
    expect(room.state.phase).toBe('reconnecting');
    expect(peer().sent).toEqual([null, null, null, null]);
    await answerOffer();
    peer().become('connected');
    await settle();
    expect(Date.now() - began).toBeLessThan(5000);
    expect(room.state.phase).toBe('connected');
    expect(peer().sent.slice(0, 2)).toEqual(tracks());
  });
});

describe('when media is lost', () => {
  it('nothing is sent while the screen says "reconnecting", and all of it afterwards', async () => {
    await connect();
    peer().become('disconnected');
    await pass(900);
    expect(room.state.phase).toBe('connected');
    await pass(200);
    expect(room.state.phase).toBe('reconnecting');
    expect(peer().sent).toEqual([null, null, null, null]);
    // Not even what changes meanwhile.
    await media.choose('microphone', 'mic-2');
    await media.shareScreen();
    await settle();
    expect(peer().sent).toEqual([null, null, null, null]);
    await answerOffer();
    peer().become('connected');
    await settle();
    expect(peer().sent.slice(0, 2)).toEqual(tracks());
    expect(peer().sent[2]).toBe(media.state.screen.track);
  });

  it('ICE is restarted twice, then there is a new connection', async () => {
    await connect();
    peer().become('failed');
    await settle();
    expect(peer().restarts).toBe(1);
    await answerOffer();
    await pass(4000);
    expect(peer().restarts).toBe(2);
    await pass(4000);
    expect(peers).toHaveLength(2);
    expect(peers[0]?.closed).toBe(true);
    await settle();
    await answerOffer();
    peer().become('connected');
    expect(room.state.phase).toBe('connected');
  });

  it('another network means a restart at once, and a look at the WebSocket', async () => {
    await connect();
    await pass(2000);
    const pings = sent('ping').length;
    changeNetwork();
    await settle();
    expect(peer().restarts).toBe(1);
    expect(sent('ping')).toHaveLength(pings + 1);
    expect(room.state.phase).toBe('connected');
  });

  it('what a former connection says no longer counts', async () => {
    await connect();
    const former = peer();
    former.become('failed');
    await pass(8100);
    expect(peers).toHaveLength(2);
    former.become('connected');
    expect(room.state.phase).toBe('reconnecting');
  });

  it('an answer of no use leads to a new connection', async () => {
    await connect();
    changeNetwork();
    await pass(1000);
    peer().become('failed');
    await settle();
    const offer = sent('offer').at(-1);
    socket().receive({ t: 'answer', id: offer?.t === 'offer' ? offer.id : 0, sdp: 'nonsense' });
    await pass(10_000);
    expect(peers.length).toBeGreaterThan(1);
  });

  it('an offer that cannot be made leads to a new connection', async () => {
    await connect();
    peer().failOffers = true;
    peer().become('failed');
    await pass(10_000);
    expect(peers.length).toBeGreaterThan(1);
  });
});

describe('the session', () => {
  const session = () => JSON.parse([...stored.values()][0] ?? 'null') as Record<string, unknown>;

  it('is remembered with how one was muted, and forgotten on leaving', async () => {
    await connect();
    expect(session()).toMatchObject({ resume: 'secret', name: 'Ana', microphone: true });
    await media.setMicrophone(false);
    expect(session()).toMatchObject({ microphone: false, camera: true });
    room.leave();
    expect(session()).toBeNull();
    expect(socket().sent.at(-1)).toEqual({ t: 'leave' });
    expect(peer().closed).toBe(true);
    expect(room.state.phase).toBe('left');
    await media.setMicrophone(true);
    expect(session()).toBeNull();
  });

  it('goes on after a reload with a new connection, whatever the server kept', async () => {
    room.join({ name: 'Ana', resume: 'secret' });
    await enter({ resumed: true, media: 'kept' });
    expect(sent('join')).toMatchObject([{ resume: 'secret' }]);
    expect(sent('offer')).toHaveLength(1);
  });

  it('can be followed by another one', async () => {
    await connect();
    room.leave();
    room.join({ name: 'Ana' });
    await enter({ you: 'me-again' });
    expect(sent('join')).toMatchObject([{ name: 'Ana' }]);
    expect(sent('join')[0]).not.toHaveProperty('resume');
    await answerOffer();
    peer().become('connected');
    expect(room.state).toMatchObject({ phase: 'connected', you: 'me-again', people: [] });
  });
});

it('publishes a new state after every change, and the same one in between', async () => {
  const seen = new Set([room.state]);
  let calls = 0;
  const stop = room.subscribe(() => {
    calls += 1;
    seen.add(room.state);
  });
  await connect();
  expect(seen.size).toBe(calls + 1);
  const before = room.state;
  socket().receive({ t: 'answer', id: 99, sdp: 'stray' });
  expect(room.state.people).toBe(before.people);
  stop();
  room.leave();
  expect(seen.has(room.state)).toBe(false);
});
