// Who is to be heard just now, by the levels of what arrives. The server's dominant speaker changes
// slowly, for the layout; this is for the rings.

import { isOver, type PersonId, type Room } from '@liaison/sdk';
import { Observable } from '../../store';

const POLL_MS = 120;
const SPEECH = 0.02;
const HANGOVER_MS = 600;

/** Who is heard. */
export class Speaking extends Observable<ReadonlySet<PersonId>> {
  private readonly heardAt = new Map<PersonId, number>();
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(private readonly room: Pick<Room, 'state' | 'level'>) {
    super(new Set());
    this.timer = setInterval(() => this.poll(), POLL_MS);
  }

  close(): void {
    clearInterval(this.timer);
    this.silence();
  }

  private poll(): void {
    const now = Date.now();
    const { people, phase } = this.room.state;
    const speaking = new Set<PersonId>();
    for (const { id, microphone } of isOver(phase) ? [] : people) {
      if (microphone && this.room.level(id) >= SPEECH) this.heardAt.set(id, now);
      if (microphone && now - (this.heardAt.get(id) ?? -Infinity) < HANGOVER_MS) speaking.add(id);
    }
    const same =
      speaking.size === this.state.size && [...speaking].every((id) => this.state.has(id));
    if (same) return;
    this.publish(speaking);
  }
}
