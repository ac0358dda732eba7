// @vitest-environment happy-dom
// From the page before the call to the page after it, with server, devices and connection played by
// the test.

import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeDevices } from '../../../../sdk/src/testing/fake_devices';
import { FakePeerConnection } from '../../../../sdk/src/testing/fake_peer_connection';
import { FakeSocket } from '../../../../sdk/src/testing/fake_socket';
import { joined, person, report } from '../../../../sdk/src/testing/messages';
import { App } from '../../app';
import { setPreference } from '../../preferences';

let root: Root;
let devices: FakeDevices;
let sockets: FakeSocket[];
let peers: FakePeerConnection[];

class FakeAudioContext {
  state = 'suspended';
  createAnalyser = () => ({ fftSize: 0 });
  createMediaStreamSource = () => ({ connect: () => {}, disconnect: () => {} });
  resume = () => Promise.resolve();
  close = () => Promise.resolve();
}
class FakeResizeObserver {
  constructor(private readonly callback: () => void) {}
  observe = () => this.callback();
  disconnect = () => {};
}

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.stubGlobal('AudioContext', FakeAudioContext);
  vi.stubGlobal('ResizeObserver', FakeResizeObserver);
  vi.stubGlobal('MediaStream', class {});
  vi.stubGlobal('RTCRtpSender', { getCapabilities: () => null });
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => null });
  vi.stubGlobal(
    'RTCPeerConnection',
    class extends FakePeerConnection {
      constructor() {
        super();
        peers.push(this);
      }
    },
  );
  vi.stubGlobal(
    'WebSocket',
    class extends FakeSocket {
      constructor() {
        super();
        sockets.push(this);
      }
    },
  );
  sockets = [];
  peers = [];
  devices = new FakeDevices();
  Object.defineProperty(navigator, 'mediaDevices', { value: devices, configurable: true });
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(1280);
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(720);
  Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', { value: null, writable: true });
  vi.spyOn(HTMLMediaElement.prototype, 'play').mockResolvedValue();
  setPreference('name', '');
  sessionStorage.clear();
});
afterEach(async () => {
  await act(async () => root.unmount());
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const find = (testId: string) => document.querySelector<HTMLElement>(`[data-testid="${testId}"]`);
const tiles = () => [...document.querySelectorAll<HTMLElement>('[data-testid="tile"]')];
const socket = () => sockets.at(-1) as FakeSocket;
const sent = (type: string) => socket().sent.filter(({ t }) => t === type);

async function open(path: string): Promise<void> {
  history.replaceState(null, '', path);
  document.body.innerHTML = '<div id="app"></div>';
  root = createRoot(document.getElementById('app') as HTMLElement);
  await act(async () => root.render(<App />));
  await act(async () => {});
}
async function click(testId: string): Promise<void> {
  await act(async () => find(testId)?.click());
}
async function type(testId: string, text: string): Promise<void> {
  await act(async () => {
    const input = find(testId) as HTMLInputElement;
    // The setter of the prototype: React watches the one of the element.
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, text);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  });
}
async function press(key: string, event = 'keydown'): Promise<void> {
  await act(async () => {
    document.body.dispatchEvent(new KeyboardEvent(event, { key, bubbles: true }));
  });
}
async function letIn(...people: ReturnType<typeof person>[]): Promise<void> {
  await act(async () => {
    socket().accept();
    socket().receive(joined({ people }));
  });
  await act(async () => socket().receive({ t: 'answer', id: 1, sdp: 'answer' }));
  await act(async () => {
    peers.at(-1)?.become('connected');
    const slots = people.map(({ id }, slot) => ({ slot, person: id }));
    socket().receive({ t: 'slots', slots, screen: null });
  });
}
async function enter(...people: ReturnType<typeof person>[]): Promise<void> {
  await open('/r/tea');
  await type('name', 'Ana');
  await click('join');
  await letIn(...people);
}

describe('before the call', () => {
  it('shows one’s own picture, and sends nothing', async () => {
    await open('/r/tea');
    expect(find('prejoin-page')).not.toBeNull();
    expect(find('preview-video')).not.toBeNull();
    expect(sockets).toEqual([]);
  });

  it('asks for a name', async () => {
    await open('/r/tea');
    await click('join');
    expect(find('prejoin-page')?.textContent).toContain('Please type your name');
    expect(sockets).toEqual([]);
  });

  it('helps when the camera is busy, and lets one in without', async () => {
    devices.failures = { video: 'NotReadableError' };
    await open('/r/tea');
    expect(find('camera-help')?.dataset['problem']).toBe('busy');
    expect(find('join')?.textContent).toBe('Join without camera');
    devices.failures = {};
    await click('camera-retry');
    expect(find('camera-help')).toBeNull();
    expect(find('preview-video')).not.toBeNull();
  });

  it('says once what both suffer from', async () => {
    devices.failures = { audio: 'NotAllowedError', video: 'NotAllowedError' };
    await open('/r/tea');
    expect(document.querySelectorAll('.notice')).toHaveLength(1);
    expect(find('both-help')).not.toBeNull();
    expect(find('join')?.textContent).toBe('Join to watch and listen');
  });

  it('does not take a name that no room can have', async () => {
    await open('/r/Not%20A%20Room');
    expect(find('bad-room-page')).not.toBeNull();
  });
});

describe('in the call', () => {
  it('shows everybody, with what is known of them', async () => {
    await enter(person('bo', { microphone: false }), person('cy', { connected: false }));
    const [bo, cy, self] = tiles();
    expect(bo?.dataset).toMatchObject({ person: 'bo', muted: 'true', connected: 'true' });
    expect(bo?.getAttribute('aria-label')).toBe('Person bo: muted');
    expect(bo?.querySelector('video')).not.toBeNull();
    expect(cy?.dataset).toMatchObject({ person: 'cy', connected: 'false' });
    expect(cy?.textContent).toContain('Reconnecting');
    expect(self?.dataset).toMatchObject({ self: 'true', person: 'me', role: 'self' });
    expect(find('sound-person-0')).not.toBeNull();
    expect(find('connection-state')?.dataset['state']).toBe('connected');
  });

  it('tells the server who is shown, and that nobody is on a page that is hidden', async () => {
    await enter(person('bo'), person('cy'));
    const shown = () => {
      const last = sent('view').at(-1);
      return last?.t === 'view' ? last.people.map(({ person: id }) => id) : null;
    };
    // At most five times a second.
    const said = () => act(() => new Promise<void>((resolve) => setTimeout(resolve, 250)));
    await said();
    expect(shown()).toEqual(['bo', 'cy']);
    const state = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    await act(async () => document.dispatchEvent(new Event('visibilitychange')));
    await said();
    expect(shown()).toEqual([]);
    state.mockReturnValue('visible');
    await act(async () => document.dispatchEvent(new Event('visibilitychange')));
    await said();
    expect(shown()).toEqual(['bo', 'cy']);
  });

  it('says why a picture is held back, in place of one that stands still', async () => {
    await enter(person('bo'), person('cy'));
    const pause = (...ids: string[]) =>
      act(async () => {
        const people = ids.map((id) => ({ person: id, reason: 'bandwidth' as const }));
        socket().receive({ t: 'paused', people, screen: null });
      });
    await pause('bo');
    const [bo, cy] = tiles();
    expect(bo?.querySelector('video')).toBeNull();
    expect(bo?.textContent).toContain('Picture paused: your connection is too slow');
    expect(bo?.getAttribute('aria-label')).toContain('picture paused');
    expect(cy?.querySelector('video')).not.toBeNull();
    // The sound goes on.
    expect(find('sound-person-0')).not.toBeNull();
    await pause();
    expect(bo?.querySelector('video')).not.toBeNull();
  });

  it('takes the token out of the address once it has been used', async () => {
    await open('/r/tea#v4.public.abc');
    await type('name', 'Ana');
    await click('join');
    expect(location.hash).toBe('#v4.public.abc');
    await letIn();
    expect(sent('join')).toMatchObject([{ token: 'v4.public.abc' }]);
    expect(location.hash).toBe('');
  });

  it('shows initials where there is no camera', async () => {
    await enter(person('bo', { camera: false, name: 'Bo Li' }));
    expect(tiles()[0]?.dataset['camera']).toBe('off');
    expect(tiles()[0]?.querySelector('video')).toBeNull();
    expect(tiles()[0]?.textContent).toContain('BL');
  });

  it('mutes and unmutes by button and by key', async () => {
    await enter(person('bo'));
    await click('microphone');
    expect(sent('publish').at(-1)).toMatchObject({ microphone: false });
    expect(find('microphone')?.dataset['state']).toBe('off');
    await press('m');
    expect(sent('publish').at(-1)).toMatchObject({ microphone: true });
    await press('v');
    expect(sent('publish').at(-1)).toMatchObject({ camera: false });
    expect(find('self-video')).toBeNull();
  });

  it('lets one speak while the space bar is held', async () => {
    await enter(person('bo'));
    await press('m');
    await press(' ');
    expect(sent('publish').at(-1)).toMatchObject({ microphone: true });
    await press(' ', 'keyup');
    expect(sent('publish').at(-1)).toMatchObject({ microphone: false });
  });

  it('stages a shared screen', async () => {
    await enter(person('bo', { screen: true }));
    await act(async () => socket().receive({ t: 'slots', slots: [], screen: 'bo' }));
    expect(tiles()[0]?.dataset).toMatchObject({ screen: 'true', role: 'stage', person: 'bo' });
    expect(find('screen-video')).not.toBeNull();
    expect(find('sound-screen')).not.toBeNull();
  });

  it('says how one’s own connection is, and why', async () => {
    await enter(person('bo'));
    await act(async () => socket().receive(report({ loss_up: 0.08 })));
    expect(find('connection-state')?.dataset['level']).toBe('poor');
    expect(find('connection-state')?.textContent).toContain('your upload loses 8 % of packets');
  });

  it('says that nothing is sent while it reconnects', async () => {
    await enter(person('bo'));
    await act(async () => peers.at(-1)?.become('failed'));
    expect(find('banner')?.dataset['state']).toBe('reconnecting');
    expect(find('banner')?.textContent).toContain('Nothing that you say or show is sent');
    expect(tiles().at(-1)?.dataset['connected']).toBe('false');
    expect(peers.at(-1)?.sent).toEqual([null, null, null, null]);
  });

  it('asks for a tap where the browser holds the sound back', async () => {
    const play = vi.spyOn(HTMLMediaElement.prototype, 'play');
    play.mockRejectedValue(new DOMException('', 'NotAllowedError'));
    await enter(person('bo'));
    expect(find('hear')).not.toBeNull();
    play.mockResolvedValue();
    await click('hear');
    expect(find('hear')).toBeNull();
  });

  it('shows the link while nobody else is there', async () => {
    await enter();
    expect(find('room-link')?.textContent).toContain('/r/tea');
  });

  it('lists the people', async () => {
    await enter(person('bo'), person('cy'));
    await press('p');
    const names = [...document.querySelectorAll('.person-row')].map((row) => row.textContent);
    expect(names).toHaveLength(3);
    expect(names[0]).toContain('Ana (you)');
    await press('p');
    expect(find('people-panel')).toBeNull();
  });
});

describe('after the call', () => {
  it('leaves by the button, closes the devices, and comes back', async () => {
    await enter(person('bo'));
    await click('leave');
    expect(socket().sent.at(-1)).toEqual({ t: 'leave' });
    expect(find('left-page')).not.toBeNull();
    expect(devices.tracks.every(({ readyState }) => readyState === 'ended')).toBe(true);
    await click('rejoin');
    expect(find('prejoin-page')).not.toBeNull();
    expect((find('name') as HTMLInputElement).value).toBe('Ana');
  });

  it('asks before leaving by the key', async () => {
    await enter(person('bo'));
    await press('l');
    expect(find('call-page')).not.toBeNull();
    await click('leave-confirm');
    expect(find('left-page')).not.toBeNull();
  });

  it('explains why the server said no', async () => {
    await open('/r/tea');
    await type('name', 'Ana');
    await click('join');
    const error = { t: 'error', code: 'token_required', message: 'm', fatal: true } as const;
    await act(async () => {
      socket().accept();
      socket().receive(error);
    });
    expect(find('failure')?.dataset['code']).toBe('token_required');
    expect(find('failure')?.textContent).toContain('You need an invitation');
    await click('retry');
    expect(find('prejoin-page')).not.toBeNull();
  });

  it('a reload while joining goes on joining, with the same link', async () => {
    await open('/r/tea#v4.public.abc');
    await type('name', 'Ana');
    await click('join');
    await act(async () => socket().accept());
    const [before] = sent('join');
    const stored = { ...sessionStorage };
    await act(async () => root.unmount());
    for (const [key, value] of Object.entries(stored)) sessionStorage.setItem(key, String(value));
    sockets = [];
    await open('/r/tea#v4.public.abc');
    expect(find('call-page')).not.toBeNull();
    await act(async () => socket().accept());
    expect(before).toMatchObject({ token: 'v4.public.abc', attempt: 1 });
    expect(sent('join')).toEqual([{ ...before, attempt: 2 }]);
  });

  it('a reload goes straight back, as muted as before', async () => {
    await enter(person('bo'));
    await press('m');
    // A page that goes has no time to say anything.
    const stored = { ...sessionStorage };
    await act(async () => root.unmount());
    for (const [key, value] of Object.entries(stored)) sessionStorage.setItem(key, String(value));
    sockets = [];
    await open('/r/tea');
    expect(find('call-page')).not.toBeNull();
    await letIn(person('bo'));
    expect(sent('join')).toMatchObject([{ name: 'Ana', resume: 'secret', attempt: 2 }]);
    expect(sent('publish').at(-1)).toMatchObject({ microphone: false, camera: true });
  });
});
