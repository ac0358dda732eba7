// The whole SDK but the browser: against a server, a peer connection and devices played by the test.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock';
import type { ClientMessage, Joined } from './messages';
import { Room } from './room';
import { SessionMemory } from './session';
import { FakeDevices, settle } from './testing/fake_devices';
import { FakePeerConnection } from './testing/fake_peer_connection';
import { FakeSocket } from './testing/fake_socket';
import { joined, person, report } from './testing/messages';
import { LocalMedia } from './tracks';

let sockets: FakeSocket[];
let peers: FakePeerConnection[];
let refusePeers: number;
let changeNetwork: () => void;
let drawn: number;
let media: LocalMedia;
let room: Room;
const stored = new Map<string, string>();

const socket = () => sockets.at(-1) as FakeSocket;
const peer = () => peers.at(-1) as FakePeerConnection;
const secret = (n: number) => String(n).padStart(64, '0');
const tracks = () => [media.state.microphone.track, media.state.camera.track];
const sent = (type: ClientMessage['t']) => socket().sent.filter(({ t }) => t === type);

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.stubGlobal('RTCRtpSender', { getCapabilities: () => null });
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => null });
  sockets = [];
  peers = [];
  refusePeers = 0;
  drawn = 0;
  stored.clear();
  media = new LocalMedia({ mediaDevices: new FakeDevices().asMediaDevices() });
  await media.start();
  room = new Room({
    name: 'tea',
    media,
    session: new SessionMemory('tea', { storage: storage() }),
    environment: {
      clock: systemClock,
      connect: () => {
        sockets.push(new FakeSocket());
        return socket().asWebSocket();
      },
      createPeerConnection: () => {
        if (refusePeers-- > 0) throw new Error('too many');
        peers.push(new FakePeerConnection());
        return peer().asPeerConnection();
      },
      watchNetwork: (onChange) => {
        changeNetwork = onChange;
        return () => {};
      },
      drawSecret: () => secret(++drawn),
      personSlots: { first: 3, most: 20 },
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

function storage(): Storage {
  return {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  } as unknown as Storage;
}

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
      {
        t: 'join',
        version: 1,
        room: 'tea',
        name: 'Ana',
        token: 'v4.public.x',
        resume: secret(1),
        attempt: 1,
      },
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

  it('tries again where the browser makes no connection', async () => {
    refusePeers = 1;
    room.join({ name: 'Ana' });
    await enter();
    expect(room.state.phase).toBe('connecting');
    expect(peers).toHaveLength(0);
    await pass(1500);
    expect(peers).toHaveLength(1);
    await answerOffer();
    peer().become('connected');
    expect(room.state.phase).toBe('connected');
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

  it('goes on with what an unanswered join has made', async () => {
    room.join({ name: 'Ana', token: 'v4.public.x' });
    socket().accept();
    const [first] = sent('join');
    expect(first).toMatchObject({ token: 'v4.public.x', resume: secret(1), attempt: 1 });
    socket().breakDown();
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets).toHaveLength(2);
    await enter({ resumed: true, resume: secret(1) });
    expect(sent('join')).toEqual([{ ...first, attempt: 2 }]);
    expect(sent('offer')).toHaveLength(1);
    expect(room.state.phase).toBe('connecting');
  });

  it('takes the secret that the server draws instead', async () => {
    await connect();
    socket().breakDown();
    await vi.advanceTimersByTimeAsync(0);
    socket().accept();
    expect(sent('join')).toMatchObject([{ resume: 'secret' }]);
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

describe('person slots', () => {
  const people = (n: number) => Array.from({ length: n }, (_, i) => person(`p${i}`));
  const count = () => (peer().lines.length - 4 - 2) / 2;

  it('are doubled behind the others when more people come, by one offer', async () => {
    await connect();
    socket().receive({ t: 'people', changed: people(4), left: [] });
    await settle();
    expect(count()).toBe(6);
    expect(peer().lines.slice(10)).toEqual([
      'video recvonly',
      'audio recvonly',
      ...Array.from({ length: 3 }, () => ['audio recvonly', 'video recvonly']).flat(),
    ]);
    expect(peers).toHaveLength(1);
    expect(sent('offer')).toHaveLength(2);
    expect(peer().restarts).toBe(0);
    await answerOffer();
    socket().receive({ t: 'slots', slots: [{ slot: 3, person: 'p1' }], screen: 'p0' });
    expect(room.slot(3)).toMatchObject({ audio: { mid: 12 }, video: { mid: 13 } });
    expect(room.screenSlot).toMatchObject({ video: { mid: 10 }, audio: { mid: 11 } });
    // Who goes leaves a slot behind.
    socket().receive({ t: 'people', changed: [], left: ['bo', 'p0', 'p1', 'p2'] });
    socket().receive({ t: 'people', changed: people(4), left: [] });
    await settle();
    expect(sent('offer')).toHaveLength(2);
  });

  it('are no more than device and server allow', async () => {
    room.join({ name: 'Ana' });
    await enter({ person_slots: 8, people: people(5) });
    // Nobody waits for a second offer where one is enough.
    expect(count()).toBe(6);
    await answerOffer();
    socket().receive({ t: 'people', changed: people(90), left: [] });
    await settle();
    expect(count()).toBe(8);
    expect(sent('offer')).toHaveLength(2);
  });

  it('wait for the offer that is under way', async () => {
    room.join({ name: 'Ana' });
    await enter({ people: people(1) });
    socket().receive({ t: 'people', changed: people(4), left: [] });
    socket().receive({ t: 'people', changed: people(9), left: [] });
    await settle();
    expect(sent('offer')).toHaveLength(1);
    await answerOffer();
    expect(sent('offer')).toHaveLength(2);
    expect(count()).toBe(12);
  });

  it('are all there again on a new connection', async () => {
    await connect();
    socket().receive({ t: 'people', changed: people(4), left: [] });
    await settle();
    await answerOffer();
    peer().become('failed');
    await pass(9000);
    expect(peers).toHaveLength(2);
    expect(count()).toBe(6);
  });
});

describe('what is shown', () => {
  const view = (width: number) => ({
    people: [{ person: 'bo', width, height: 90 }],
    screen: null,
  });

  it('is said when it changes, and again to a server that has not heard it', async () => {
    room.join({ name: 'Ana' });
    room.show(view(160));
    await enter({ people: [person('bo')] });
    expect(sent('view')).toEqual([{ t: 'view', ...view(160) }]);
    room.show(view(161));
    room.show(view(320));
    expect(sent('view')).toHaveLength(1);
    await pass(300);
    expect(sent('view').at(-1)).toEqual({ t: 'view', ...view(320) });
    socket().breakDown();
    room.show({ people: [], screen: null });
    await vi.advanceTimersByTimeAsync(0);
    await enter({ resumed: true, media: 'kept' });
    expect(sent('view')).toEqual([{ t: 'view', people: [], screen: null }]);
  });

  it('and held back by the server is known', async () => {
    await connect();
    const paused = { people: [{ person: 'bo', reason: 'bandwidth' as const }], screen: null };
    socket().receive({ t: 'paused', ...paused });
    expect(room.state.paused).toEqual(paused);
  });
});

describe('encodings', () => {
  const answered = async (name: string, simulcast = true) => {
    const offer = sent('offer').at(-1);
    const camera = ['m=video 9 X 96 97', `a=rtpmap:96 ${name}/90000`];
    if (simulcast) camera.push('a=simulcast:recv q;h;f');
    const sdp = ['v=0', 'm=audio 9 X 111', ...camera, ''].join('\r\n');
    socket().receive({ t: 'answer', id: offer?.t === 'offer' ? offer.id : 0, sdp });
    await settle();
  };
  const demand = (active: boolean[], spatial_layers = 3) => {
    const encodings = ['q', 'h', 'f'].map((rid, i) => {
      return { rid, active: active[i] ?? false, spatial_layers };
    });
    socket().receive({ t: 'layers', source: 'camera', encodings });
  };
  const camera = () => peer().senders[1];
  const connected = async () => {
    room.join({ name: 'Ana' });
    await enter();
    await answered('VP8');
    peer().become('connected');
  };
  const active = () => camera()?.encodings.map((encoding) => encoding.active);

  it('of the camera are three sizes, of which those run that somebody wants', async () => {
    await connected();
    expect(active()).toEqual([true, true, true]);
    demand([true, true, false]);
    await settle();
    expect(active()).toEqual([true, true, false]);
    demand([false, false, false]);
    await settle();
    expect(active()).toEqual([false, false, false]);
    demand([true, true, true]);
    await settle();
    expect(active()).toEqual([true, true, true]);
  });

  it('rest without a picture, whatever is wanted of them', async () => {
    await connected();
    await media.setCamera(false);
    await settle();
    demand([true, true, true]);
    await settle();
    expect(active()).toEqual([false, false, false]);
    demand([true, false, false]);
    await media.setCamera(true);
    await settle();
    expect(active()).toEqual([true, false, false]);
    expect(camera()?.track).toBe(media.state.camera.track);
  });

  it('are layers of one with VP9, where the browser can', async () => {
    room.join({ name: 'Ana' });
    await enter();
    await answered('VP9');
    expect(camera()?.encodings).toMatchObject([
      { active: true, scalabilityMode: 'L3T3_KEY', scaleResolutionDownBy: 1 },
      { active: false },
      { active: false },
    ]);
    demand([true, false, false], 2);
    await settle();
    expect(camera()?.encodings[0]).toMatchObject({
      scalabilityMode: 'L2T3_KEY',
      scaleResolutionDownBy: 2,
    });
    demand([true, false, false], 1);
    await settle();
    expect(camera()?.encodings[0]).toMatchObject({
      scalabilityMode: 'L1T3',
      scaleResolutionDownBy: 4,
    });
  });

  it('are three again where it cannot after all', async () => {
    room.join({ name: 'Ana' });
    await enter();
    peer().refusedModes = ['L3T3_KEY'];
    await answered('VP9');
    expect(active()).toEqual([true, true, true]);
    expect(camera()?.encodings[2]).toMatchObject({ scaleResolutionDownBy: 1 });
  });

  it('are one of full size where the server takes no more', async () => {
    room.join({ name: 'Ana' });
    await enter({ simulcast: undefined });
    expect(camera()?.encodings).toMatchObject([{ active: true, scaleResolutionDownBy: 1 }]);
    expect(camera()?.encodings[0]?.rid).toBeUndefined();
    await answered('VP9', false);
    expect(camera()?.encodings).toMatchObject([{ active: true, scalabilityMode: 'L1T3' }]);
    demand([false, false, false]);
    await settle();
    expect(active()).toEqual([false]);
  });

  it('are one of full size where the answer takes no more after all', async () => {
    room.join({ name: 'Ana' });
    await enter();
    const sender = camera();
    // As Chromium does it.
    for (const encoding of sender?.encodings ?? []) encoding.active = false;
    await answered('VP8', false);
    expect(active()).toEqual([true, false, false]);
    expect(camera()?.encodings[0]).toMatchObject({ scaleResolutionDownBy: 1 });
    demand([false, false, false]);
    await settle();
    expect(active()).toEqual([false, false, false]);
  });

  it('of a screen follow what it shows', async () => {
    await connect();
    await media.shareScreen();
    await settle();
    expect(peer().senders[2]?.encodings).toMatchObject([{ active: true, maxFramerate: 15 }]);
    await media.optimiseScreen('motion');
    await settle();
    expect(peer().senders[2]?.encodings).toMatchObject([{ active: true, maxFramerate: 30 }]);
    socket().receive({
      t: 'layers',
      source: 'screen',
      encodings: [{ rid: '', active: false, spatial_layers: 1 }],
    });
    await settle();
    expect(peer().senders[2]?.encodings).toMatchObject([{ active: false }]);
  });
});

describe('redundant sound', () => {
  it('is offered while it is wanted, and only for that source', async () => {
    const codecs = ['audio/opus', 'audio/red'].map((mimeType) => ({ mimeType }));
    vi.stubGlobal('RTCRtpSender', {
      getCapabilities: (kind: string) => (kind === 'audio' ? { codecs } : null),
    });
    await connect();
    const first = () => peer().codecs.map((list) => list[0]?.mimeType);
    expect(first().slice(0, 4)).toEqual(['audio/opus', undefined, undefined, 'audio/opus']);
    const offers = sent('offer').length;
    socket().receive({ t: 'redundancy', source: 'microphone', wanted: true });
    await settle();
    expect(first().slice(0, 4)).toEqual(['audio/red', undefined, undefined, 'audio/opus']);
    expect(sent('offer')).toHaveLength(offers + 1);
    await answerOffer();
    socket().receive({ t: 'redundancy', source: 'microphone', wanted: false });
    await settle();
    expect(first()[0]).toBe('audio/opus');
    expect(sent('offer')).toHaveLength(offers + 2);
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

  it('what the server said of the path before is not said of the lost one', async () => {
    await connect();
    socket().receive(report({ rtt_ms: 20 }));
    expect(room.state.connection?.rtt_ms).toBe(20);
    peer().become('disconnected');
    await pass(1100);
    expect(room.state.phase).toBe('reconnecting');
    expect(room.state.connection).toBeNull();
    // Nor is it a part of the mean of what comes after.
    socket().receive(report({ rtt_ms: 900 }));
    expect(room.state.connection).toBeNull();
    peer().become('connected');
    socket().receive(report({ rtt_ms: 40 }));
    expect(room.state.connection?.rtt_ms).toBe(40);
    socket().breakDown();
    expect(room.state.phase).toBe('repairing');
    expect(room.state.connection).toBeNull();
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

  it('is remembered from the first try, for who reloads while joining', async () => {
    room.join({ name: 'Ana' });
    expect(session()).toMatchObject({ resume: secret(1), name: 'Ana', microphone: true });
    await media.setMicrophone(false);
    expect(session()).toMatchObject({ resume: secret(1), microphone: false });
  });

  it('counts its joins, from page to page', async () => {
    const memory = new SessionMemory('tea', { storage: storage() });
    room.join({ name: 'Ana' });
    expect(await memory.recall()).toMatchObject({ resume: secret(1), attempt: 0 });
    socket().accept();
    // Before anything could answer it.
    expect(await memory.recall()).toMatchObject({ resume: secret(1), attempt: 1 });
    await media.setMicrophone(false);
    socket().breakDown();
    await vi.advanceTimersByTimeAsync(0);
    await enter({ resumed: true, resume: secret(1) });
    expect(sent('join')).toMatchObject([{ resume: secret(1), attempt: 2 }]);
    expect(await memory.recall()).toMatchObject({ resume: secret(1), attempt: 2 });
  });

  it('goes on counting where the page before was', async () => {
    room.join({ name: 'Ana', resume: 'secret', attempt: 4 });
    await enter({ resumed: true });
    expect(sent('join')).toMatchObject([{ resume: 'secret', attempt: 5 }]);
    room.leave();
    room.join({ name: 'Ana' });
    await enter();
    expect(sent('join')).toMatchObject([{ resume: secret(1), attempt: 1 }]);
  });

  it('that was refused is forgotten', async () => {
    room.join({ name: 'Ana' });
    socket().accept();
    socket().receive({ t: 'error', code: 'token_used', message: 'Used.', fatal: true });
    expect(session()).toBeNull();
    room.join({ name: 'Ana' });
    socket().accept();
    expect(sent('join')).toMatchObject([{ resume: secret(2) }]);
  });

  it('can be followed by another one', async () => {
    await connect();
    room.leave();
    room.join({ name: 'Ana' });
    await enter({ you: 'me-again' });
    expect(sent('join')).toMatchObject([{ name: 'Ana', resume: secret(2) }]);
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
