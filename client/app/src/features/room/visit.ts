// One person's visit to one room: the devices, the room, and which page of it is shown. It lives
// outside of React, so that drawing has no say in when a call begins or ends.

import { cleanName, isOver, LocalMedia, Room, type RoomOptions, SessionMemory } from '@liaison/sdk';
import { preferences, setPreference } from '../../preferences';
import { hideFragment, tokenIn } from '../../router';
import { MicrophoneMonitor } from '../devices/microphone_monitor';
import { Observable } from '../../store';

export interface VisitState {
  /** recalling: finding out whether this is a call to go back into. */
  readonly page: 'recalling' | 'prejoin' | 'call';
  /** When we were let in, ms; null before. */
  readonly since: number | null;
  /** How long the call lasted that is over, ms. */
  readonly lasted: number | null;
}

export class Visit extends Observable<VisitState> {
  readonly media: LocalMedia;
  readonly monitor: MicrophoneMonitor;
  readonly room: Room;
  private readonly session: SessionMemory;
  private readonly token: string | undefined;
  private closed = false;

  constructor(name: string, environment: RoomOptions['environment'] = {}) {
    super({ page: 'recalling', since: null, lasted: null });
    const { microphoneId, cameraId, speakerId } = preferences();
    this.media = new LocalMedia({
      microphone: { deviceId: microphoneId },
      camera: { deviceId: cameraId },
      speakerId,
    });
    this.monitor = new MicrophoneMonitor(this.media);
    this.session = new SessionMemory(name);
    this.room = new Room({ name, media: this.media, session: this.session, environment });
    this.token = tokenIn(location.hash);
    this.room.subscribe(() => this.roomChanged());
    addEventListener('visibilitychange', this.visibilityChanged);
  }

  /** Back into the call after a reload; else to the page before it. */
  async begin(): Promise<void> {
    const session = await this.session.recall();
    if (this.closed) return;
    if (session === null) {
      this.set({ page: 'prejoin' });
      await this.media.start();
      return;
    }
    if (!session.microphone) void this.media.setMicrophone(false);
    if (!session.camera) void this.media.setCamera(false);
    void this.media.start();
    this.set({ page: 'call' });
    const { name, resume, attempt } = session;
    this.room.join({ name, resume, attempt, token: this.token });
  }

  /** Into the call, under this name. */
  join(typed: string): void {
    const name = cleanName(typed);
    setPreference('name', name);
    this.set({ page: 'call', since: null, lasted: null });
    this.room.join({ name, token: this.token });
  }

  /** To the page before the call again. */
  comeBack(): void {
    this.set({ page: 'prejoin', since: null, lasted: null });
    void this.media.start();
  }

  leave(): void {
    this.room.leave();
  }

  close(): void {
    this.closed = true;
    removeEventListener('visibilitychange', this.visibilityChanged);
    this.room.leave();
    this.monitor.close();
    this.media.close();
    this.silence();
  }

  private readonly visibilityChanged = (): void => {
    if (document.visibilityState === 'visible') this.room.wake();
  };

  private roomChanged(): void {
    const { phase, you } = this.room.state;
    if (you !== null && this.state.since === null) {
      hideFragment();
      this.set({ since: Date.now() });
    }
    if (isOver(phase) && this.state.lasted === null) {
      this.media.pause();
      const { since } = this.state;
      this.set({ lasted: since === null ? 0 : Date.now() - since });
    }
  }

  private set(change: Partial<VisitState>): void {
    this.publish({ ...this.state, ...change });
  }
}
