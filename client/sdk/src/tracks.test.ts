import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeDevices, type FakeTrack, settle } from './testing/fake_devices';
import { isLive, LocalMedia, type LocalMediaOptions } from './tracks';

let devices: FakeDevices;

beforeEach(() => {
  devices = new FakeDevices();
});

function media(options: LocalMediaOptions = {}): LocalMedia {
  return new LocalMedia({ mediaDevices: devices.asMediaDevices(), ...options });
}
const trackOf = (local: LocalMedia, kind: 'microphone' | 'camera') =>
  local.state[kind].track as unknown as FakeTrack;
const live = () => devices.tracks.filter(({ readyState }) => readyState === 'live');

describe('starting', () => {
  it('opens both with one question', async () => {
    const local = media();
    await local.start();
    expect(devices.questions).toEqual(['audio+video']);
    expect(local.publish).toEqual({
      microphone: true,
      camera: true,
      screen: false,
      screen_audio: false,
    });
    expect(local.state.devices.speakers.map(({ id }) => id)).toEqual(['speaker-1']);
  });

  it('opens only what is wanted', async () => {
    const local = media({ camera: { on: false } });
    await local.start();
    expect(devices.questions).toEqual(['audio']);
    expect(local.publish.camera).toBe(false);
  });

  it('finds out which of the two cannot be had', async () => {
    devices.plugged.video = [];
    const local = media();
    await local.start();
    expect(local.state.camera).toMatchObject({ status: 'failed', problem: 'missing' });
    expect(local.state.microphone.status).toBe('live');
  });

  it('does not ask again after the question was closed', async () => {
    devices.failures = { audio: 'NotAllowedError' };
    const local = media();
    const query = () => Promise.resolve({ state: 'prompt' });
    vi.stubGlobal('navigator', { permissions: { query } });
    await local.start();
    expect(devices.questions).toHaveLength(1);
    expect(local.state.microphone.problem).toBe('dismissed');
    expect(local.state.camera.problem).toBe('dismissed');
    vi.unstubAllGlobals();
  });

  it('says so on a page without TLS', async () => {
    const local = media({ mediaDevices: undefined });
    await local.start();
    expect(local.state.microphone.problem).toBe('insecure');
    expect(local.state.camera.problem).toBe('insecure');
    expect(await local.shareScreen()).toBe(false);
    expect(local.state.screen).toMatchObject({ status: 'closed', problem: 'busy' });
  });

  it('takes what there is when the remembered device is gone', async () => {
    const local = media({ microphone: { deviceId: 'mic-9' } });
    await local.start();
    expect(trackOf(local, 'microphone').deviceId).toBe('mic-1');
  });
});

describe('during a call', () => {
  let local: LocalMedia;
  beforeEach(async () => {
    local = media();
    await local.start();
  });

  it('mutes at once and keeps the microphone open', async () => {
    const track = trackOf(local, 'microphone');
    await local.setMicrophone(false);
    expect(track).toMatchObject({ enabled: false, readyState: 'live' });
    expect(local.publish.microphone).toBe(false);
    await local.setMicrophone(true);
    expect(track.enabled).toBe(true);
    expect(trackOf(local, 'microphone')).toBe(track);
  });

  it('closes a camera that is off, and opens it again', async () => {
    const track = trackOf(local, 'camera');
    await local.setCamera(false);
    expect(track.readyState).toBe('ended');
    expect(local.state.camera).toMatchObject({ status: 'closed', track: null });
    expect(local.publish.camera).toBe(false);
    await local.setCamera(true);
    expect(local.publish.camera).toBe(true);
    expect(trackOf(local, 'camera')).not.toBe(track);
  });

  it('does not light a camera that was switched off again while opening', async () => {
    await local.setCamera(false);
    devices.slow = true;
    const opening = local.setCamera(true);
    await local.setCamera(false);
    devices.release();
    await opening;
    expect(local.state.camera).toMatchObject({ status: 'closed', track: null });
    expect(live().map(({ kind }) => kind)).toEqual(['audio']);
  });

  it('changes the device, muted as it was', async () => {
    await local.setMicrophone(false);
    const before = trackOf(local, 'microphone');
    await local.choose('microphone', 'mic-2');
    expect(before.readyState).toBe('ended');
    expect(trackOf(local, 'microphone')).toMatchObject({ deviceId: 'mic-2', enabled: false });
  });

  it('goes on with another microphone when one is unplugged', async () => {
    devices.plugged.audio = ['mic-2'];
    trackOf(local, 'microphone').end();
    await settle();
    expect(trackOf(local, 'microphone')).toMatchObject({ deviceId: 'mic-2', readyState: 'live' });
  });

  it('says when the only camera is unplugged, and takes it back by itself', async () => {
    devices.plugged.video = [];
    trackOf(local, 'camera').end();
    await settle();
    expect(local.state.camera).toMatchObject({ status: 'failed', problem: 'lost' });
    expect(isLive(local.state.camera)).toBe(false);
    devices.plugged.video = ['cam-1'];
    devices.change();
    await settle();
    expect(local.state.camera).toMatchObject({ status: 'live', problem: null });
  });

  it('toggling a device that failed tries again', async () => {
    devices.failures = { video: 'NotReadableError' };
    await local.retry('camera');
    expect(local.state.camera.problem).toBe('busy');
    devices.failures = {};
    expect(await local.toggle('camera')).toBe(true);
    expect(local.publish.camera).toBe(true);
    expect(await local.toggle('camera')).toBe(false);
    expect(await local.toggle('microphone')).toBe(false);
  });

  it('shares a screen with its sound until the browser ends it', async () => {
    expect(await local.shareScreen()).toBe(true);
    expect(local.publish).toMatchObject({ screen: true, screen_audio: true });
    (local.state.screen.track as unknown as FakeTrack).end();
    expect(local.publish).toMatchObject({ screen: false, screen_audio: false });
    expect(local.state.screen.status).toBe('closed');
  });

  it('tells the browser whether the screen shows text or motion, while it is shared too', async () => {
    await local.shareScreen();
    const screen = local.state.screen.track as unknown as FakeTrack;
    expect(screen.contentHint).toBe('detail');
    await local.optimiseScreen('motion');
    expect(screen).toMatchObject({
      contentHint: 'motion',
      constraints: { frameRate: { ideal: 30 } },
    });
    await local.optimiseScreen('text');
    expect(screen).toMatchObject({
      contentHint: 'detail',
      constraints: { frameRate: { ideal: 15 } },
    });
    local.stopScreen();
    await local.optimiseScreen('motion');
    await local.shareScreen();
    expect((local.state.screen.track as unknown as FakeTrack).contentHint).toBe('motion');
  });

  it('takes no for an answer when a screen is asked for', async () => {
    devices.failures = { screen: 'NotAllowedError' };
    expect(await local.shareScreen()).toBe(false);
    expect(local.state.screen).toMatchObject({ status: 'closed', problem: null });
  });

  it('closes everything at the end, even what comes late', async () => {
    await local.shareScreen();
    const screen = local.state.screen.track as unknown as FakeTrack;
    await local.setCamera(false);
    devices.slow = true;
    const opening = local.setCamera(true);
    local.close();
    devices.release();
    await opening;
    expect(live()).toEqual([]);
    expect(screen.readyState).toBe('ended');
  });

  it('pauses between two calls', async () => {
    local.pause();
    expect(live()).toEqual([]);
    await local.start();
    expect(local.publish).toMatchObject({ microphone: true, camera: true });
  });
});
