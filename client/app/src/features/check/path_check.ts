// Tries the way to the server: two made-up people meet in a room of their own, one by whatever way
// works, the other by TCP alone. What the server then says of the first one's connection is what a call
// would get. It asks nothing of a server that a call does not ask.

import {
  type ConnectionReport,
  type FailureCode,
  type LocalMedia,
  Room,
  type RoomOptions,
  SessionMemory,
  tcpOnlyConnection,
} from '@liaison/sdk';
import { Observable } from '../../store';

export type Verdict =
  | 'running'
  | 'passed'
  | 'failed'
  /** Nobody is let in without an invitation, so that there is nothing to measure by. */
  | 'skipped';

export interface PathState {
  readonly server: Verdict;
  /** Why the server did not let us in. */
  readonly failure: FailureCode | null;
  readonly udp: Verdict;
  readonly tcp: Verdict;
  readonly quality: Verdict;
  /** The mean over the test, once it is known. */
  readonly report: ConnectionReport | null;
}

const BEGUN: PathState = {
  server: 'running',
  failure: null,
  udp: 'running',
  tcp: 'running',
  quality: 'running',
  report: null,
};

/** The server answers within this, or not at all, ms. */
export const SERVER_WITHIN_MS = 8000;
/** Media gets through within this, or not at all, ms. */
export const MEDIA_WITHIN_MS = 12_000;
/** So long is measured once it does, ms: estimates want time to grow. */
export const MEASURE_MS = 8000;
const LOOK_EVERY_MS = 250;

/** An invitation lets one person in, once: it is not spent on a test. */
const BY_INVITATION: ReadonlySet<FailureCode | undefined> = new Set(['token_required']);

export interface PathCheckOptions {
  readonly media: LocalMedia;
  readonly environment?: RoomOptions['environment'];
}

export class PathCheck extends Observable<PathState> {
  private readonly first: Room;
  private readonly second: Room;
  private readonly begunAt = Date.now();
  private letInAt: number | null = null;
  private connectedAt: number | null = null;
  private readonly timer: ReturnType<typeof setInterval>;
  private closed = false;

  constructor({ media, environment = {} }: PathCheckOptions) {
    super(BEGUN);
    const name = `test-${crypto.randomUUID()}`;
    const one = { personSlots: { first: 1, most: 1 }, ...environment };
    const room = (more: RoomOptions['environment']) =>
      new Room({ name, media, session: forgetful(name), environment: { ...one, ...more } });
    this.first = room({});
    this.second = room({
      createPeerConnection: () =>
        tcpOnlyConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' }),
      ...environment,
    });
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    void media.start().then(() => {
      if (this.closed) return;
      for (const one of [this.first, this.second]) one.join({ name: 'Test' });
    });
  }

  get finished(): boolean {
    return !Object.values(this.state).includes('running');
  }

  /** Ends it, whatever is still open. */
  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    this.first.leave();
    this.second.leave();
    this.silence();
  }

  private async look(): Promise<void> {
    const protocol = (await this.first.snapshot().catch(() => null))?.protocol ?? '';
    if (this.closed) return;
    this.set(this.next(Date.now(), protocol));
    if (!this.finished) return;
    // Nobody sends made-up pictures while somebody reads the results.
    clearInterval(this.timer);
    this.first.leave();
    this.second.leave();
  }

  private next(now: number, protocol: string): PathState {
    const before = this.state;
    const { failure, you, phase, connection } = this.first.state;
    if (failure !== null) {
      const media = BY_INVITATION.has(failure.code) ? 'skipped' : 'failed';
      const server = media === 'skipped' ? 'passed' : 'failed';
      return {
        ...before,
        server,
        failure: failure.code,
        udp: media,
        tcp: media,
        quality: media,
      };
    }
    if (you !== null) this.letInAt ??= now;
    if (this.letInAt === null) {
      if (now < this.begunAt + SERVER_WITHIN_MS) return before;
      return { ...before, server: 'failed', udp: 'failed', tcp: 'failed', quality: 'failed' };
    }
    if (phase === 'connected') this.connectedAt ??= now;
    const late = now >= this.letInAt + MEDIA_WITHIN_MS;
    const tcp = this.second.state.phase === 'connected' ? 'passed' : late ? 'failed' : before.tcp;
    if (this.connectedAt === null) {
      const media = late ? 'failed' : 'running';
      return { ...before, server: 'passed', tcp, udp: media, quality: media };
    }
    const measured = now >= this.connectedAt + MEASURE_MS && connection !== null;
    const silent = now >= this.connectedAt + 2 * MEASURE_MS;
    return {
      ...before,
      server: 'passed',
      udp: protocol === '' ? before.udp : protocol === 'udp' ? 'passed' : 'failed',
      tcp: tcp === 'running' && protocol === 'tcp' ? 'passed' : tcp,
      quality: measured ? 'passed' : silent ? 'failed' : 'running',
      report: measured ? connection : before.report,
    };
  }

  private set(next: PathState): void {
    this.publish(next);
  }
}

/** Nothing of a test is to be gone on with. */
function forgetful(name: string): SessionMemory {
  const storage = { getItem: () => null, setItem: () => {}, removeItem: () => {} };
  return new SessionMemory(name, { storage: storage as unknown as Storage });
}
