// @vitest-environment happy-dom

import { LocalMedia } from '@liaison/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeDevices, settle } from '../../../../sdk/src/testing/fake_devices';
import { FakePeerConnection } from '../../../../sdk/src/testing/fake_peer_connection';
import { FakeSocket } from '../../../../sdk/src/testing/fake_socket';
import { joined, report } from '../../../../sdk/src/testing/messages';
import { MEASURE_MS, MEDIA_WITHIN_MS, PathCheck, SERVER_WITHIN_MS } from './path_check';

let sockets: FakeSocket[];
let peers: FakePeerConnection[];
let check: PathCheck;

/** The first goes by whatever way there is, the second by TCP. */
const FIRST = 0;
const SECOND = 1;

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.stubGlobal('RTCRtpSender', { getCapabilities: () => null });
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => null });
  sockets = [];
  peers = [];
  const media = new LocalMedia({ mediaDevices: new FakeDevices().asMediaDevices() });
  check = new PathCheck({
    media,
    environment: {
      connect: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket.asWebSocket();
      },
      createPeerConnection: () => {
        const peer = new FakePeerConnection();
        peers.push(peer);
        return peer.asPeerConnection();
      },
      watchNetwork: () => () => {},
    },
  });
  await settle();
});
afterEach(() => {
  check.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function pass(ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 250) {
    await vi.advanceTimersByTimeAsync(250);
    for (const socket of sockets) if (!socket.closed) socket.answerPings();
  }
}

async function enter(): Promise<void> {
  for (const socket of sockets) {
    socket.accept();
    socket.receive(joined());
  }
  await settle();
}

function become(which: number, protocol: string): void {
  const peer = peers[which] as FakePeerConnection;
  peer.getStats = () =>
    Promise.resolve(
      new Map<string, object>([
        ['p', { type: 'candidate-pair', selected: true, localCandidateId: 'l' }],
        ['l', { type: 'local-candidate', protocol }],
      ]),
    );
  peer.become('connected');
}

describe('the way to the server', () => {
  it('is measured once media gets through', async () => {
    expect(new Set(sockets.map(({ sent }) => sent.length))).toEqual(new Set([0]));
    await enter();
    const joins = sockets.map(({ sent }) => sent.find(({ t }) => t === 'join'));
    expect(joins[FIRST]).toMatchObject({
      room: expect.stringMatching(/^test-[0-9a-f-]{36}$/) as string,
    });
    expect(joins[FIRST]).not.toHaveProperty('token');
    become(FIRST, 'udp');
    become(SECOND, 'tcp');
    sockets[FIRST]?.receive(report({ rtt_ms: 30 }));
    await pass(1000);
    expect(check.state).toMatchObject({
      server: 'passed',
      udp: 'passed',
      tcp: 'passed',
      quality: 'running',
    });
    await pass(MEASURE_MS);
    expect(check.state).toMatchObject({ quality: 'passed', report: { rtt_ms: 30 } });
    expect(check.finished).toBe(true);
    // It does not stay in the room.
    expect(sockets.map(({ sent }) => sent.at(-1))).toEqual([{ t: 'leave' }, { t: 'leave' }]);
  });

  it('may lead over TCP alone', async () => {
    await enter();
    become(FIRST, 'tcp');
    sockets[FIRST]?.receive(report({ over_tcp: true }));
    await pass(MEASURE_MS + 500);
    expect(check.state).toMatchObject({ udp: 'failed', tcp: 'passed', quality: 'passed' });
  });

  it('may be closed to media', async () => {
    await enter();
    await pass(MEDIA_WITHIN_MS + 500);
    expect(check.state).toMatchObject({
      server: 'passed',
      udp: 'failed',
      tcp: 'failed',
      quality: 'failed',
    });
    expect(check.finished).toBe(true);
  });

  it('may be closed altogether', async () => {
    await pass(SERVER_WITHIN_MS + 500);
    expect(check.state).toMatchObject({ server: 'failed', failure: null, quality: 'failed' });
  });

  it('is open to invited people only, which is no failure', async () => {
    sockets[FIRST]?.accept();
    sockets[FIRST]?.receive({ t: 'error', code: 'token_required', message: 'm', fatal: true });
    await pass(500);
    expect(check.state).toMatchObject({
      server: 'passed',
      udp: 'skipped',
      tcp: 'skipped',
      quality: 'skipped',
    });
  });
});
