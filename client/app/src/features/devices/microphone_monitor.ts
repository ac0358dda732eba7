// Listens to one's own microphone: for the level meter, for the ring around one's own picture, and
// to notice that it gives nothing.

import {
  isDead,
  isSilent,
  LevelMeter,
  listen,
  type LocalMedia,
  type SilenceWatch,
  watchSilence,
} from '@liaison/sdk';
import { Observable } from '../../store';

export interface MicrophoneState {
  /** 0 to 1. */
  readonly level: number;
  readonly speaking: boolean;
  /** On, and not heard yet: for the page before the call. */
  readonly silent: boolean;
  /** On, and as good as unplugged: for the call itself. */
  readonly dead: boolean;
}

const QUIET: MicrophoneState = { level: 0, speaking: false, silent: false, dead: false };
const POLL_MS = 80;
/** From this level on it is speech rather than noise. */
const SPEECH = 0.04;
/** Between two words nobody stops speaking, ms. */
const HANGOVER_MS = 500;

export class MicrophoneMonitor extends Observable<MicrophoneState> {
  private meter: LevelMeter | null = null;
  private track: MediaStreamTrack | null = null;
  private watch: SilenceWatch = watchSilence(0);
  private spokeAt = -Infinity;
  private wasOn = false;
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly unsubscribe: () => void;

  constructor(private readonly media: LocalMedia) {
    super(QUIET);
    this.unsubscribe = media.subscribe(() => this.follow());
    this.timer = setInterval(() => this.poll(), POLL_MS);
    addEventListener('pointerdown', this.touched);
    addEventListener('keydown', this.touched);
    this.follow();
  }

  close(): void {
    clearInterval(this.timer);
    removeEventListener('pointerdown', this.touched);
    removeEventListener('keydown', this.touched);
    this.unsubscribe();
    this.meter?.close();
    this.meter = null;
    this.silence();
  }

  private readonly touched = (): void => this.meter?.resume();

  private follow(): void {
    const { track, on } = this.media.state.microphone;
    if (track !== this.track) {
      this.track = track;
      this.meter?.close();
      this.meter = track === null ? null : new LevelMeter(track);
      this.watch = watchSilence(Date.now());
    }
    if (on && !this.wasOn) this.watch = watchSilence(Date.now());
    this.wasOn = on;
  }

  private poll(): void {
    const now = Date.now();
    const level = this.meter?.level() ?? null;
    if (level === null || !this.media.state.microphone.on) {
      this.set(QUIET);
      return;
    }
    this.watch = listen(this.watch, level, now);
    if (level >= SPEECH) this.spokeAt = now;
    this.set({
      level,
      speaking: now - this.spokeAt < HANGOVER_MS,
      silent: isSilent(this.watch, now),
      dead: isDead(this.watch, now),
    });
  }

  private set(next: MicrophoneState): void {
    const keys = ['level', 'speaking', 'silent', 'dead'] as const;
    if (keys.every((key) => next[key] === this.state[key])) return;
    this.publish(next);
  }
}
