import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  deniedBySystem,
  dismissed,
  receivedLevel,
  replaceTrack,
  setCodecPreferences,
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

it('a sender without a track has its encodings rest', async () => {
  const pc = new FakePeerConnection();
  const { sender } = pc.addTransceiver('video', { direction: 'sendonly' });
  const set = vi.spyOn(sender, 'setParameters');
  const track = {} as MediaStreamTrack;
  await replaceTrack(sender as unknown as RTCRtpSender, track);
  expect(set).not.toHaveBeenCalled();
  await replaceTrack(sender as unknown as RTCRtpSender, null);
  expect([sender.track, sender.active]).toEqual([null, false]);
  await replaceTrack(sender as unknown as RTCRtpSender, track);
  expect([sender.track, sender.active]).toEqual([track, true]);
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
