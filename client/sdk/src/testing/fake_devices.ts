// MediaDevices as a test wants them: what is plugged in, and what fails.

export class FakeTrack extends EventTarget {
  enabled = true;
  readyState: 'live' | 'ended' = 'live';
  contentHint = '';
  constraints: MediaTrackConstraints = {};
  constructor(
    readonly kind: 'audio' | 'video',
    readonly deviceId: string,
  ) {
    super();
  }
  getSettings() {
    return { deviceId: this.deviceId };
  }
  applyConstraints(constraints: MediaTrackConstraints) {
    this.constraints = constraints;
    return Promise.resolve();
  }
  stop() {
    this.readyState = 'ended';
  }
  /** As if unplugged. */
  end() {
    this.stop();
    this.dispatchEvent(new Event('ended'));
  }
}

class FakeStream {
  constructor(private readonly tracks: FakeTrack[]) {}
  getTracks = () => this.tracks;
  getAudioTracks = () => this.tracks.filter(({ kind }) => kind === 'audio');
  getVideoTracks = () => this.tracks.filter(({ kind }) => kind === 'video');
}

type Wish = boolean | { deviceId?: { exact: string } } | undefined;

export class FakeDevices extends EventTarget {
  plugged = { audio: ['mic-1', 'mic-2'], video: ['cam-1'] };
  /** Names of the errors to fail with. */
  failures: { audio?: string; video?: string; screen?: string } = {};
  readonly questions: string[] = [];
  readonly tracks: FakeTrack[] = [];
  /** Held back until release() while true. */
  slow = false;
  private waiting: (() => void)[] = [];

  asMediaDevices(): MediaDevices {
    return this as unknown as MediaDevices;
  }
  release() {
    for (const go of this.waiting.splice(0)) go();
  }
  async getUserMedia({ audio, video }: { audio?: Wish; video?: Wish }) {
    this.questions.push([audio && 'audio', video && 'video'].filter(Boolean).join('+'));
    if (this.slow) await new Promise<void>((resolve) => this.waiting.push(resolve));
    const stream = new FakeStream([
      ...(audio ? [this.open('audio', audio)] : []),
      ...(video ? [this.open('video', video)] : []),
    ]);
    this.tracks.push(...stream.getTracks());
    return stream;
  }
  getDisplayMedia() {
    const { screen } = this.failures;
    if (screen) return Promise.reject(new DOMException('', screen));
    const stream = new FakeStream([
      new FakeTrack('video', 'screen'),
      new FakeTrack('audio', 'screen'),
    ]);
    return Promise.resolve(stream);
  }
  enumerateDevices() {
    const list = (kind: string, ids: string[]) =>
      ids.map((deviceId) => ({ kind, deviceId, label: deviceId }));
    return Promise.resolve([
      ...list('audioinput', this.plugged.audio),
      ...list('videoinput', this.plugged.video),
      ...list('audiooutput', ['', 'speaker-1']),
    ]);
  }
  change() {
    this.dispatchEvent(new Event('devicechange'));
  }

  private open(kind: 'audio' | 'video', wish: Exclude<Wish, false | undefined>): FakeTrack {
    const failure = this.failures[kind];
    if (failure) throw new DOMException('made up', failure);
    const wanted = wish === true ? undefined : wish.deviceId?.exact;
    const ids = this.plugged[kind];
    if (wanted !== undefined && !ids.includes(wanted)) {
      throw new DOMException('no such device', 'OverconstrainedError');
    }
    const id = wanted ?? ids[0];
    if (id === undefined) throw new DOMException('none', 'NotFoundError');
    return new FakeTrack(kind, id);
  }
}

/** Lets everything that is under way come to its end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 30; ++i) await Promise.resolve();
}
