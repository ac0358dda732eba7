// Short messages that come and go. The region is always there, so that screen readers read what
// appears in it.

import { Observable, useStore } from '../store';
import { Icon } from './icon';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'info' | 'warning';
  /** A newer one on the same topic takes the place of an older one. */
  readonly topic: string | null;
}

/** How long a toast stays, ms. */
const STAYS_MS = 5000;
/** Older ones make room for newer ones. */
const MOST = 3;

export class Toasts extends Observable<readonly Toast[]> {
  private nextId = 1;

  constructor() {
    super([]);
  }

  show(text: string, options: Partial<Pick<Toast, 'tone' | 'topic'>> = {}): void {
    const toast: Toast = { id: this.nextId++, text, tone: 'info', topic: null, ...options };
    const others = this.state.filter(({ topic }) => topic === null || topic !== toast.topic);
    this.set([...others, toast].slice(-MOST));
    setTimeout(() => this.set(this.state.filter(({ id }) => id !== toast.id)), STAYS_MS);
  }

  private set(state: readonly Toast[]): void {
    this.publish(state);
  }
}

export const toasts = new Toasts();

export function ToastRegion() {
  const shown = useStore(toasts);
  return (
    <div className="toasts" role="status" aria-live="polite" data-testid="toasts">
      {shown.map(({ id, text, tone }) => (
        <p key={id} className="toast" data-tone={tone}>
          <Icon name={tone === 'info' ? 'info' : 'warning'} size={18} />
          {text}
        </p>
      ))}
    </div>
  );
}
