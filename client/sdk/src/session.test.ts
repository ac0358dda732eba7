import { beforeEach, describe, expect, it, vi } from 'vitest';
import { drawSecret, SessionMemory } from './session';

class FakeStorage {
  readonly values = new Map<string, string>();
  getItem = (key: string) => this.values.get(key) ?? null;
  setItem = (key: string, value: string) => void this.values.set(key, value);
  removeItem = (key: string) => void this.values.delete(key);
  asStorage = () => this as unknown as Storage;
}

/** Locks of one browser; each page has its own view, so that it can go. */
class FakeLocks {
  private readonly held = new Map<string, object>();
  page() {
    const page = {};
    const request = (
      name: string,
      { signal }: { signal: AbortSignal },
      callback: () => Promise<void>,
    ) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('too long')));
        const wait = () => {
          if (signal.aborted) return;
          if (this.held.has(name)) return void setTimeout(wait, 10);
          this.held.set(name, page);
          resolve(callback());
        };
        wait();
      });
    return {
      locks: { request } as unknown as LockManager,
      goAway: () => this.held.forEach((by, name) => by === page && this.held.delete(name)),
    };
  }
}

const SESSION = { resume: 'secret', attempt: 3, name: 'Ana', microphone: false, camera: true };
let storage: FakeStorage;
let locks: FakeLocks;

beforeEach(() => {
  storage = new FakeStorage();
  locks = new FakeLocks();
});

function memory(page: { locks?: LockManager | undefined }, room = 'tea') {
  return new SessionMemory(room, { storage: storage.asStorage(), locks: page.locks });
}

describe('a session', () => {
  it('is there again after a reload', async () => {
    const before = locks.page();
    memory(before).remember(SESSION);
    before.goAway();
    expect(await memory(locks.page()).recall()).toEqual(SESSION);
  });

  it('waits for the page before to let go', async () => {
    const before = locks.page();
    memory(before).remember(SESSION);
    setTimeout(before.goAway, 50);
    expect(await memory(locks.page()).recall()).toEqual(SESSION);
  });

  it('is not shared with a duplicated tab', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout');
    timeout.mockImplementation(() => {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 30);
      return abort.signal;
    });
    memory(locks.page()).remember(SESSION);
    expect(await memory(locks.page()).recall()).toBeNull();
    expect(storage.values.size).toBe(0); // The tab's own copy, in a browser.
    timeout.mockRestore();
  });

  it('is of one room', async () => {
    memory({}).remember(SESSION);
    expect(await memory({}, 'coffee').recall()).toBeNull();
    expect(await memory({}).recall()).toEqual(SESSION);
  });

  it('is forgotten for good', async () => {
    memory({}).remember(SESSION);
    memory({}).forget();
    expect(await memory({}).recall()).toBeNull();
  });

  it.each([
    '',
    'null',
    '{}',
    '[1]',
    '{"resume":1}',
    JSON.stringify(SESSION),
    JSON.stringify({ ...SESSION, holder: 'h', attempt: undefined }),
    JSON.stringify({ ...SESSION, holder: 'h', attempt: -1 }),
    JSON.stringify({ ...SESSION, holder: 'h', attempt: 0.5 }),
    JSON.stringify({ ...SESSION, holder: 'h', attempt: '1' }),
  ])('is not made of damaged storage: %s', async (damaged) => {
    storage.values.set('liaison.session.tea', damaged);
    expect(await memory({}).recall()).toBeNull();
  });

  it('is simply not remembered where storage is forbidden', async () => {
    const forbidden = () => {
      throw new DOMException('', 'SecurityError');
    };
    const blocked = { getItem: forbidden, setItem: forbidden, removeItem: forbidden };
    const there = new SessionMemory('tea', { storage: blocked as unknown as Storage });
    there.remember(SESSION);
    there.forget();
    expect(await there.recall()).toBeNull();
  });
});

it('has a secret of 32 random bytes', () => {
  const drawn = Array.from({ length: 100 }, drawSecret);
  for (const secret of drawn) expect(secret).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(drawn).size).toBe(100);
});
