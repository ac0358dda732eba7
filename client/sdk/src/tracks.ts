// What this device sends: microphone, camera, shared screen. Opens and closes devices as the person
// wishes, follows what is plugged in and out, and says in one value how things stand. It knows
// nothing of rooms; a Room takes its tracks from here.
//
// Muting keeps the microphone open and silent (track.enabled), so that unmuting is instant; a camera
// that is off is closed, and its light goes out.

import type { Device, DeviceList, InputKind } from './devices';
import { listDevices, NO_DEVICES, openBoth, openDevice } from './devices';
import { DeviceError, type DeviceProblem } from './errors';
import type { Publish } from './messages';
import type { ScreenContent } from './publishing';
import { displayMedia, deniedBySystem } from './quirks';

export interface Source {
  /** What the person wants. */
  readonly on: boolean;
  /** How far that wish is fulfilled. A muted microphone may be live. */
  readonly status: 'closed' | 'opening' | 'live' | 'failed';
  readonly problem: DeviceProblem | null;
  readonly track: MediaStreamTrack | null;
  /** The device chosen by the person; null leaves it to the browser. */
  readonly deviceId: string | null;
}

/** Whether it is on, as a button shows it: what has failed is as good as off. */
export function isLive(source: Source): boolean {
  return source.on && source.status !== 'failed';
}

export interface ScreenSource {
  readonly status: 'closed' | 'opening' | 'live';
  readonly problem: DeviceProblem | null;
  readonly track: MediaStreamTrack | null;
  /** The sound of what is shared, where there is any. */
  readonly audio: MediaStreamTrack | null;
  /** What it is encoded for. Stays for the next one that is shared. */
  readonly content: ScreenContent;
}

export interface LocalMediaState {
  readonly microphone: Source;
  readonly camera: Source;
  readonly screen: ScreenSource;
  readonly devices: DeviceList;
  /** Where sound comes out; "" is the system's choice. */
  readonly speakerId: string;
}

export interface LocalMediaOptions {
  readonly microphone?: Partial<Pick<Source, 'on' | 'deviceId'>>;
  readonly camera?: Partial<Pick<Source, 'on' | 'deviceId'>>;
  readonly speakerId?: string;
  /** Undefined on a page without TLS. */
  readonly mediaDevices?: MediaDevices | undefined;
}

const CLOSED: Source = { on: true, status: 'closed', problem: null, track: null, deviceId: null };
const NO_SCREEN: ScreenSource = {
  status: 'closed',
  problem: null,
  track: null,
  audio: null,
  content: 'text',
};
/** What a track is told of it: text must stay sharp at the cost of smoothness, motion the other way round. */
const HINTS = { text: 'detail', motion: 'motion' } as const;

export class LocalMedia {
  private current: LocalMediaState;
  private readonly listeners = new Set<() => void>();
  private readonly media: MediaDevices | undefined;
  /** Openings under way; an older one that comes late is thrown away. */
  private readonly attempts: Record<InputKind, number> = { microphone: 0, camera: 0 };
  private closed = false;

  constructor(options: LocalMediaOptions = {}) {
    this.media =
      'mediaDevices' in options ? options.mediaDevices : globalThis.navigator?.mediaDevices;
    this.current = {
      microphone: { ...CLOSED, ...options.microphone },
      camera: { ...CLOSED, ...options.camera },
      screen: NO_SCREEN,
      devices: NO_DEVICES,
      speakerId: options.speakerId ?? '',
    };
    this.media?.addEventListener?.('devicechange', this.devicesChanged);
    void this.refresh();
  }

  get state(): LocalMediaState {
    return this.current;
  }

  /** Calls back after every change, until the result is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** What is being sent now. */
  get publish(): Publish {
    const { microphone, camera, screen } = this.current;
    return {
      microphone: microphone.on && microphone.track !== null,
      camera: camera.on && camera.track !== null,
      screen: screen.track !== null,
      screen_audio: screen.audio !== null,
    };
  }

  /** Opens whatever is wanted, with one question to the person if possible. */
  async start(): Promise<void> {
    const { microphone, camera } = this.current;
    const both = [microphone, camera].every((s) => s.on && s.status !== 'live');
    if (!both) {
      if (microphone.on) await this.open('microphone');
      if (camera.on) await this.open('camera');
      return;
    }
    const attempts = [this.begin('microphone'), this.begin('camera')] as const;
    try {
      const opened = await openBoth(this.media, microphone.deviceId, camera.deviceId);
      this.arrived('microphone', attempts[0], opened.microphone);
      this.arrived('camera', attempts[1], opened.camera);
    } catch (error) {
      const code = error instanceof DeviceError ? error.code : 'busy';
      if (code === 'dismissed' || code === 'insecure' || code === 'system') {
        this.failed('microphone', attempts[0], code);
        this.failed('camera', attempts[1], code);
      } else {
        // One of the two is there, perhaps.
        await this.open('microphone');
        await this.open('camera');
      }
    }
    await this.refresh();
  }

  /** Unmutes or mutes. Never rejects: see `state.microphone.problem`. */
  async setMicrophone(on: boolean): Promise<void> {
    const { microphone } = this.current;
    if (microphone.track) microphone.track.enabled = on;
    this.change('microphone', { on });
    if (on && microphone.track === null) await this.open('microphone');
  }

  /** Switches the camera on or off; off closes it. */
  async setCamera(on: boolean): Promise<void> {
    this.change('camera', { on });
    if (on) {
      if (this.current.camera.track === null) await this.open('camera');
    } else {
      this.attempts.camera += 1;
      this.stop('camera');
      this.change('camera', { status: 'closed', problem: null });
    }
  }

  /** On if it was off or had failed, else off. Resolves to what is wanted from now on. */
  async toggle(kind: InputKind): Promise<boolean> {
    const { on, status } = this.current[kind];
    const next = !on || status === 'failed';
    if (kind === 'microphone') await this.setMicrophone(next);
    else await this.setCamera(next);
    return next;
  }

  /** Uses this device from now on; null leaves it to the browser. */
  async choose(kind: InputKind, deviceId: string | null): Promise<void> {
    this.change(kind, { deviceId });
    if (this.current[kind].track !== null || this.current[kind].on) await this.open(kind);
  }

  chooseSpeaker(speakerId: string): void {
    this.set({ speakerId });
  }

  /** Tries a device again that failed. */
  async retry(kind: InputKind): Promise<void> {
    this.change(kind, { on: true });
    await this.open(kind);
  }

  /** Asks the person for a screen. False if there will be none; saying no is no problem. */
  async shareScreen(): Promise<boolean> {
    const { status, content } = this.current.screen;
    if (status !== 'closed') return false;
    this.set({ screen: { ...NO_SCREEN, content, status: 'opening' } });
    try {
      if (this.media === undefined) throw new TypeError('no media devices on a page without TLS');
      const stream = await this.media.getDisplayMedia(displayMedia(content));
      const track = stream.getVideoTracks()[0] ?? null;
      if (track === null) throw new DOMException('no track', 'NotFoundError');
      if (this.closed) throw new DOMException('closed', 'AbortError');
      const audio = stream.getAudioTracks()[0] ?? null;
      track.contentHint = HINTS[content];
      track.addEventListener('ended', () => {
        if (this.current.screen.track === track) this.stopScreen();
      });
      this.set({ screen: { status: 'live', problem: null, track, audio, content } });
      return true;
    } catch (error) {
      const { name, message } = error as Error;
      const refused = name === 'NotAllowedError' && !deniedBySystem(message);
      const problem = refused ? null : name === 'NotAllowedError' ? 'system' : 'busy';
      this.set({ screen: { ...NO_SCREEN, content, problem } });
      return false;
    }
  }

  /** What the screen mostly shows: it may change while it is shared. */
  async optimiseScreen(content: ScreenContent): Promise<void> {
    const { screen } = this.current;
    if (screen.content === content) return;
    if (screen.track !== null) screen.track.contentHint = HINTS[content];
    this.set({ screen: { ...screen, content } });
    try {
      await screen.track?.applyConstraints(displayMedia(content).video);
    } catch {
      // It goes on with the pictures a second that it has.
    }
  }

  stopScreen(): void {
    const { track, audio, content } = this.current.screen;
    track?.stop();
    audio?.stop();
    this.set({ screen: { ...NO_SCREEN, content } });
  }

  /** Closes every device for now; start() opens again what is wanted. */
  pause(): void {
    for (const kind of ['microphone', 'camera'] as const) {
      this.attempts[kind] += 1;
      this.stop(kind);
      this.change(kind, { status: 'closed', problem: null });
    }
    this.stopScreen();
  }

  /** Closes every device for good. */
  close(): void {
    this.closed = true;
    this.media?.removeEventListener?.('devicechange', this.devicesChanged);
    this.pause();
    this.listeners.clear();
  }

  private set(change: Partial<LocalMediaState>): void {
    this.current = { ...this.current, ...change };
    for (const listener of [...this.listeners]) listener();
  }

  private change(kind: InputKind, change: Partial<Source>): void {
    this.set({ [kind]: { ...this.current[kind], ...change } });
  }

  private begin(kind: InputKind): number {
    // The old device first: some can be opened only once.
    this.stop(kind);
    this.change(kind, { status: 'opening', problem: null });
    return ++this.attempts[kind];
  }

  private async open(kind: InputKind): Promise<void> {
    const attempt = this.begin(kind);
    try {
      const track = await openDevice(this.media, kind, this.current[kind].deviceId);
      this.arrived(kind, attempt, track);
    } catch (error) {
      this.failed(kind, attempt, error instanceof DeviceError ? error.code : 'busy');
    }
    await this.refresh();
  }

  private arrived(kind: InputKind, attempt: number, track: MediaStreamTrack): void {
    if (this.closed || attempt !== this.attempts[kind]) {
      track.stop();
      return;
    }
    track.addEventListener('ended', () => void this.ended(kind, track));
    if (kind === 'microphone') track.enabled = this.current.microphone.on;
    this.change(kind, { status: 'live', problem: null, track });
  }

  private failed(kind: InputKind, attempt: number, problem: DeviceProblem): void {
    if (!this.closed && attempt === this.attempts[kind]) {
      this.change(kind, { status: 'failed', problem });
    }
  }

  /** Unplugged, or taken away: whatever else there is takes over. */
  private async ended(kind: InputKind, track: MediaStreamTrack): Promise<void> {
    if (this.current[kind].track !== track) return;
    await this.open(kind);
    if (this.current[kind].problem === 'missing') this.change(kind, { problem: 'lost' });
  }

  private stop(kind: InputKind): void {
    const { track } = this.current[kind];
    if (track === null) return;
    this.change(kind, { track: null });
    track.stop();
  }

  private readonly devicesChanged = (): void => {
    void this.refresh().then(() => {
      for (const kind of ['microphone', 'camera'] as const) {
        const { on, problem } = this.current[kind];
        const there = this.devicesOf(kind).length > 0;
        if (on && there && (problem === 'missing' || problem === 'lost')) void this.open(kind);
      }
    });
  };

  private devicesOf(kind: InputKind): readonly Device[] {
    const { devices } = this.current;
    return kind === 'microphone' ? devices.microphones : devices.cameras;
  }

  private async refresh(): Promise<void> {
    const devices = await listDevices(this.media);
    if (!this.closed) this.set({ devices });
  }
}
