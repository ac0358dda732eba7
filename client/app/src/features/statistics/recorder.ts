// Looks at the peer connection once a second, for as long as the call lasts: a bad moment is over
// before anybody opens a dialog.

import { type Figures, type Room, StatisticsHistory } from '@liaison/sdk';
import { Observable } from '../../store';

const LOOK_EVERY_MS = 1000;

/** The figures of every look, the latest last. */
export class StatisticsRecorder extends Observable<readonly Figures[]> {
  private readonly history = new StatisticsHistory();
  private readonly timer: ReturnType<typeof setInterval>;
  private looking = false;

  constructor(private readonly room: Pick<Room, 'state' | 'snapshot'>) {
    super([]);
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  close(): void {
    clearInterval(this.timer);
    this.silence();
  }

  /** What is known of the last minutes, as a JSON text without names and secrets. */
  report(): string {
    return this.history.report({
      made: new Date().toISOString(),
      call: this.room.state.call,
      browser: navigator.userAgent,
    });
  }

  private async look(): Promise<void> {
    // A browser under load may take longer than a second to count.
    if (this.looking) return;
    this.looking = true;
    try {
      const snapshot = await this.room.snapshot();
      if (snapshot !== null) this.history.add(snapshot, this.room.state.connection);
    } catch {
      return; // The connection was closed meanwhile.
    } finally {
      this.looking = false;
    }
    this.publish(this.history.figures);
  }
}
