// What a tab remembers of its call, so that a reload goes straight back in. It lies in
// sessionStorage, which a duplicated tab inherits: two tabs with one session would throw each other
// out for ever. So a session is also held by a Web Lock, which the browser gives back when the page
// is gone, however it went; a tab that finds the lock taken starts as somebody new.

export interface Session {
  readonly resume: string;
  /** How many joins it has sent. */
  readonly attempt: number;
  readonly name: string;
  readonly microphone: boolean;
  readonly camera: boolean;
}

/** Names a session to the server, and to it alone: 32 random bytes, in hexadecimal. */
export function drawSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

interface Stored extends Session {
  /** Names the lock. */
  readonly holder: string;
}

export interface SessionOptions {
  readonly storage: Storage;
  /** Undefined where the browser has none: then a session is taken at its word. */
  readonly locks?: LockManager | undefined;
}

/** A page that is being replaced may need this long to let go, ms. */
const LETTING_GO_MS = 1000;

export class SessionMemory {
  private holder: string | null = null;

  constructor(
    private readonly room: string,
    private readonly options: SessionOptions = {
      storage: globalThis.sessionStorage,
      locks: globalThis.navigator?.locks,
    },
  ) {}

  /** The session to go on with, if this tab has one and no other tab is in it. */
  async recall(): Promise<Session | null> {
    const stored = this.read();
    if (stored === null) return null;
    if (!(await this.hold(stored.holder))) {
      this.forget();
      return null;
    }
    const { resume, attempt, name, microphone, camera } = stored;
    return { resume, attempt, name, microphone, camera };
  }

  remember(session: Session): void {
    if (this.holder === null) void this.hold(crypto.randomUUID());
    const stored: Stored = { ...session, holder: this.holder ?? '' };
    try {
      this.options.storage.setItem(this.key, JSON.stringify(stored));
    } catch {
      // Storage is full or forbidden: a reload will ask for the name again.
    }
  }

  forget(): void {
    try {
      this.options.storage.removeItem(this.key);
    } catch {
      // Forbidden: then there is nothing in it either.
    }
  }

  private get key(): string {
    return `liaison.session.${this.room}`;
  }

  private read(): Stored | null {
    try {
      const value: unknown = JSON.parse(this.options.storage.getItem(this.key) ?? 'null');
      return isStored(value) ? value : null;
    } catch {
      return null;
    }
  }

  /** Holds the lock of this name until the page is gone. False if another page does. */
  private async hold(holder: string): Promise<boolean> {
    if (this.holder !== null) return true;
    this.holder = holder;
    const { locks } = this.options;
    if (!locks) return true;
    const held = await new Promise<boolean>((resolve) => {
      const signal = AbortSignal.timeout(LETTING_GO_MS);
      locks
        .request(`liaison.session.${holder}`, { signal }, () => {
          resolve(true);
          return new Promise(() => {});
        })
        .catch(() => resolve(false));
    });
    if (!held) this.holder = null;
    return held;
  }
}

function isStored(value: unknown): value is Stored {
  if (typeof value !== 'object' || value === null) return false;
  const { resume, attempt, name, microphone, camera, holder } = value as Record<string, unknown>;
  return (
    typeof resume === 'string' &&
    Number.isSafeInteger(attempt) &&
    (attempt as number) >= 0 &&
    typeof name === 'string' &&
    typeof microphone === 'boolean' &&
    typeof camera === 'boolean' &&
    typeof holder === 'string'
  );
}
