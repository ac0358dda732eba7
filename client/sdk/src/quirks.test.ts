import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  addSendTransceiver,
  deniedBySystem,
  dismissed,
  knowsLayers,
  offerExtensions,
  receivedLevel,
  setCodecPreferences,
  setEncodings,
  setSpeaker,
} from './quirks';
import { watchNetwork } from './quirks';
import { FakePeerConnection } from './testing/fake_peer_connection';

afterEach(() => vi.unstubAllGlobals());

describe('the network', () => {
  function network(type: string | undefined) {
    const connection = Object.assign(new EventTarget(), { type });
    const page = new EventTarget();
    vi.stubGlobal('window', page);
    vi.stubGlobal('navigator', { connection });
    const onChange = vi.fn();
    const stop = watchNetwork(onChange);
    const become = (next: string | undefined) => {
      connection.type = next;
      connection.dispatchEvent(new Event('change'));
    };
    return { page, onChange, stop, become };
  }

  it('has changed when it is another kind, not when it is another speed', () => {
    const { onChange, become } = network('wifi');
    become('wifi');
    expect(onChange).not.toHaveBeenCalled();
    become('cellular');
    become('cellular');
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it('has changed when it is there again, until nobody listens', () => {
    const { page, onChange, stop, become } = network(undefined);
    become(undefined);
    page.dispatchEvent(new Event('online'));
    expect(onChange).toHaveBeenCalledTimes(1);
    stop();
    page.dispatchEvent(new Event('online'));
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it('may be without navigator.connection', () => {
    vi.stubGlobal('window', new EventTarget());
    vi.stubGlobal('navigator', {});
    expect(watchNetwork(() => {})).not.toThrow();
  });
});

describe('encodings', () => {
  const wish = [{ active: true, maxBitrate: 1, scalabilityMode: 'L1T3' }];

  function sender(pc: FakePeerConnection) {
    const fake = pc.asPeerConnection();
    return addSendTransceiver(fake, 'video', wish).sender;
  }

  it('are asked for with fewer layers where the browser refuses more', () => {
    const pc = new FakePeerConnection();
    expect(sender(pc).getParameters().encodings).toMatchObject([{ scalabilityMode: 'L1T3' }]);
    pc.refusedModes = ['L1T3'];
    expect(sender(pc).getParameters().encodings).toMatchObject([{ scalabilityMode: 'L1T2' }]);
    expect(knowsLayers(sender(pc))).toBe(true);
    pc.refusedModes = ['L1T3', 'L1T2'];
    expect(sender(pc).getParameters().encodings).toEqual([{ active: true, maxBitrate: 1 }]);
    expect(pc.lines).toHaveLength(4);
    pc.refusedModes = [];
    pc.layered = false;
    expect(knowsLayers(sender(pc))).toBe(false);
  });

  it('are found by their rid, and lose a mode that is no longer wanted', async () => {
    const pc = new FakePeerConnection();
    const fake = pc.addTransceiver('video', {
      direction: 'sendonly',
      sendEncodings: [{ rid: 'h', scalabilityMode: 'L1T3' }, { rid: 'q' }],
    }).sender;
    const encodings = [
      { rid: 'q', active: false, maxBitrate: 2 },
      { rid: 'h', active: true, maxBitrate: 3 },
    ];
    await setEncodings(fake as unknown as RTCRtpSender, { encodings });
    expect(fake.encodings).toEqual([
      { rid: 'h', active: true, maxBitrate: 3 },
      { rid: 'q', active: false, maxBitrate: 2 },
    ]);
  });
});

it('header extensions are a wish', () => {
  const list = [
    { uri: 'a', direction: 'sendrecv' },
    { uri: 'b', direction: 'stopped' },
    { uri: 'c', direction: 'stopped' },
  ];
  let set: unknown = null;
  const chromium = {
    getHeaderExtensionsToNegotiate: () => list.map((one) => ({ ...one })),
    setHeaderExtensionsToNegotiate: (extensions: unknown) => (set = extensions),
  };
  offerExtensions(chromium as unknown as RTCRtpTransceiver, ['b']);
  expect(set).toEqual([list[0], { uri: 'b', direction: 'sendrecv' }, list[2]]);
  const refusing = {
    ...chromium,
    setHeaderExtensionsToNegotiate: () => {
      throw new DOMException('', 'InvalidModificationError');
    },
  };
  for (const other of [refusing, {}]) {
    expect(() => offerExtensions(other as unknown as RTCRtpTransceiver, ['b'])).not.toThrow();
  }
});

it('levels are of packets that came just now', () => {
  const receiver = (source?: object) =>
    ({ getSynchronizationSources: () => (source ? [source] : []) }) as unknown as RTCRtpReceiver;
  expect(receivedLevel(receiver({ audioLevel: 0.4, timestamp: 9900 }), 10_000)).toBe(0.4);
  expect(receivedLevel(receiver({ audioLevel: 0.4, timestamp: 9000 }), 10_000)).toBe(0);
  expect(receivedLevel(receiver({ timestamp: 9900 }), 10_000)).toBe(0);
  expect(receivedLevel(receiver(), 10_000)).toBe(0);
});

it('codec preferences are a wish', () => {
  const codec = { mimeType: 'video/VP8', clockRate: 90_000 };
  const refusing = {
    setCodecPreferences: () => {
      throw new DOMException('', 'InvalidModificationError');
    },
  };
  for (const transceiver of [refusing, {}]) {
    const wish = () => setCodecPreferences(transceiver as unknown as RTCRtpTransceiver, [codec]);
    expect(wish).not.toThrow();
  }
});

it('a speaker that is gone leaves the sound where it is', async () => {
  const element = (setSinkId?: () => Promise<void>) =>
    ({ sinkId: '', setSinkId }) as unknown as HTMLMediaElement;
  expect(await setSpeaker(element(), 'x')).toBe(false);
  expect(
    await setSpeaker(
      element(() => Promise.reject(new Error('gone'))),
      'x',
    ),
  ).toBe(false);
  expect(
    await setSpeaker(
      element(() => Promise.resolve()),
      'x',
    ),
  ).toBe(true);
});

it('words tell who refused', () => {
  expect(deniedBySystem('Permission denied by system')).toBe(true);
  expect(deniedBySystem('Permission denied')).toBe(false);
  expect(dismissed('Permission dismissed')).toBe(true);
});
