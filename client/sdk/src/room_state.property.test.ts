// Whatever comes, in whatever order: what must hold of every step.

import { describe, expect, it } from 'vitest';
import type { ServerMessage } from './messages';
import type { RoomEffect, RoomInput, RoomState } from './room_state';
import { deadline, IDLE, isOver, reduce, SILENT } from './room_state';
import { joined, person, report } from './testing/messages';
import { Random } from './testing/random';

const CONNECTIONS = ['new', 'connecting', 'connected', 'disconnected', 'failed'] as const;
const CODES = ['bad_offer', 'rate_limited', 'room_full', 'replaced', 'shutting_down', 'new_code'];
const IDS = ['me', 'a', 'b', 'c', 'd', 'e'];
const DRAWN = '0123456789abcdef'.repeat(4);

function randomMessage(random: Random, state: RoomState): ServerMessage {
  const id = () => (random.chance(0.2) ? null : random.pick(IDS));
  switch (random.below(10)) {
    case 0:
    case 1:
      return joined({
        resumed: random.chance(0.7),
        media: random.pick(['new', 'kept']),
        person_slots: random.below(30),
        people: IDS.filter(() => random.chance(0.5)).map((i) => person(i)),
      });
    case 2:
      return { t: 'answer', id: state.offer.id + random.pick([0, 0, 0, 1, -1]), sdp: 'answer' };
    case 3:
      return {
        t: 'people',
        changed: [person(random.pick(IDS), { camera: random.chance(0.5) })],
        left: random.chance(0.3) ? [random.pick(IDS)] : [],
      };
    case 4:
      return {
        t: 'slots',
        slots: [{ slot: random.below(40), person: id() }],
        screen: id(),
      };
    case 5:
      return { t: 'speaker', person: id() };
    case 7:
      return {
        t: 'paused',
        people: [{ person: random.pick(IDS), reason: 'bandwidth' }],
        screen: null,
      };
    case 8:
      return {
        t: 'layers',
        source: random.pick(['camera', 'screen']),
        encodings: [{ rid: '', active: random.chance(0.5), spatial_layers: 1 }],
      };
    case 9:
      return {
        t: 'redundancy',
        source: random.pick(['microphone', 'screen_audio']),
        wanted: random.chance(0.5),
      };
    case 6:
      return report({ loss_up: random.next() });
    default:
      return {
        t: 'error',
        code: random.pick(CODES),
        message: 'm',
        fatal: random.chance(0.15),
        retry_after_ms: random.pick([undefined, 1000]),
      };
  }
}

function randomInput(random: Random, state: RoomState, owed: number[]): RoomInput {
  const generation = state.generation - (random.chance(0.2) ? 1 : 0);
  switch (random.below(15)) {
    case 13: {
      const shown = IDS.filter(() => random.chance(0.5));
      const width = 1 + random.below(2000);
      const people = shown.map((person) => ({ person, width, height: width }));
      return { t: 'view', view: { people, screen: null } };
    }
    case 0:
      return {
        t: 'join',
        request: { room: 'tea', name: 'Ana', resume: DRAWN, attempt: 7 },
        publish: SILENT,
        personSlots: { first: 2, most: 16 },
      };
    case 1:
      return random.chance(0.1) ? { t: 'leave' } : { t: 'tick' };
    case 2:
      return { t: 'publish', publish: { ...SILENT, camera: random.chance(0.5) } };
    case 3:
    case 4:
      return { t: 'signaling_open' };
    case 5:
      return { t: 'signaling_lost' };
    case 6: {
      const id = owed.shift();
      return id === undefined ? { t: 'tick' } : { t: 'offer', id, sdp: 'offer' };
    }
    case 7:
    case 8:
      return { t: 'media', generation, connection: random.pick(CONNECTIONS) };
    case 9:
      return random.chance(0.3) ? { t: 'media_error', generation } : { t: 'network_changed' };
    case 10:
      return { t: 'tick' };
    default:
      return { t: 'message', message: randomMessage(random, state) };
  }
}

/** The world that the effects make, as far as the rules speak of it. */
class World {
  open = false;
  peers = 0;
  sending = false;
  offerIds: number[] = [];
  /** Offers that were asked for and are still being made. */
  owed: number[] = [];
  slots = 0;
  viewsSaidAt: number[] = [];

  apply(effect: RoomEffect, now: number): void {
    switch (effect.t) {
      case 'open_signaling':
        expect(this.open).toBe(false);
        this.open = true;
        return;
      case 'close_signaling':
        expect(this.open).toBe(true);
        this.open = false;
        return;
      case 'create_media':
        this.peers += 1;
        expect(this.peers).toBe(1);
        this.slots = effect.personSlots;
        return;
      case 'add_person_slots':
        expect(this.peers).toBe(1);
        expect(effect.personSlots).toBeGreaterThan(this.slots);
        expect(effect.personSlots).toBeLessThanOrEqual(16);
        this.slots = effect.personSlots;
        return;
      case 'close_media':
        this.peers -= 1;
        expect(this.peers).toBe(0);
        return;
      case 'make_offer':
        this.owed.push(effect.id);
        expect(this.peers).toBe(1);
        return;
      case 'apply_answer':
        expect(this.peers).toBe(1);
        return;
      case 'set_sending':
        expect(effect.sending).toBe(!this.sending);
        this.sending = effect.sending;
        return;
      case 'send':
        expect(this.open).toBe(true);
        if (effect.message.t === 'offer') this.offerIds.push(effect.message.id);
        // Counted anew by each connection.
        if (effect.message.t === 'join') this.viewsSaidAt = [];
        if (effect.message.t === 'view') this.viewsSaidAt.push(now);
        expect(this.viewsSaidAt.filter((at) => at > now - 1000).length).toBeLessThanOrEqual(5);
        return;
      case 'set_layers':
      case 'set_redundancy':
        return;
      case 'hold_signaling':
      case 'remember_session':
      case 'forget_session':
        return;
    }
  }
}

function check(
  before: RoomState,
  input: RoomInput,
  after: RoomState,
  effects: readonly RoomEffect[],
) {
  const sends = effects.flatMap((effect) => (effect.t === 'send' ? [effect.message.t] : []));
  // Nothing is sent while the user reads "reconnecting", nor before, nor after the call.
  const audible =
    after.media.phase !== 'shaky' && ['connecting', 'connected', 'repairing'].includes(after.phase);
  expect(after.sending).toBe(audible);
  // What the page remembers is the secret of the session that it is in, or wants to be in.
  const said = input.t === 'message' && input.message.t === 'joined' ? input.message.resume : null;
  for (const effect of effects) {
    if (effect.t === 'remember_session') {
      const { resume, attempt } = effect;
      expect(after.request).toMatchObject({ resume, attempt });
    }
    if (effect.t === 'send' && effect.message.t === 'join') {
      expect(effect.message.resume).toBe(before.request?.resume);
      // Each join has the next number, and is remembered before it is said.
      const attempt = (before.request?.attempt ?? NaN) + 1;
      expect(effect.message.attempt).toBe(attempt);
      expect(effects[0]).toMatchObject({ t: 'remember_session', attempt });
    }
  }
  // It changes by the server's word alone.
  if (input.t !== 'join' && after.request?.resume !== before.request?.resume) {
    expect(after.request?.resume).toBe(said);
  }
  // The count changes with a join alone.
  if (input.t !== 'join' && !sends.includes('join')) {
    expect(after.request?.attempt).toBe(before.request?.attempt);
  }
  // Join is the first word on each connection, and is said once.
  if (sends.includes('join')) {
    expect(input.t).toBe('signaling_open');
    expect(sends).toEqual(['join']);
  }
  for (const type of sends) {
    if (type !== 'join') expect([before.signaling, after.signaling]).toContain('joined');
  }
  // A call that is over stays so, and asks for nothing.
  if (isOver(before.phase) && input.t !== 'join') {
    expect(after).toBe(before);
    expect(effects).toEqual([]);
  }
  if (isOver(after.phase)) expect(after.people).toEqual([]);
  expect(after.failure !== null).toBe(after.phase === 'failed');
  // We are not among the others, and slots are those that we offered.
  expect(after.people.some(({ id }) => id === after.you)).toBe(false);
  expect(after.slots.length).toBeLessThanOrEqual(after.personSlots);
  expect(new Set(after.people.map(({ id }) => id)).size).toBe(after.people.length);
}

describe('the room', () => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed))('keeps its word (seed %i)', (seed) => {
    const random = new Random(seed);
    const world = new World();
    let state = IDLE;
    let now = 0;
    for (let i = 0; i < 250; ++i) {
      now += random.below(random.chance(0.1) ? 10_000 : 500);
      const input = randomInput(random, state, world.owed);
      const step = reduce(state, input, now);
      check(state, input, step.state, step.effects);
      for (const effect of step.effects) world.apply(effect, now);
      expect(world.sending).toBe(step.state.sending);
      expect(world.peers).toBe(step.state.media.phase === 'none' ? 0 : 1);
      state = step.state;

      // A tick in time leaves nothing overdue: no busy loop.
      if (deadline(state) <= now) {
        const ticked = reduce(state, { t: 'tick' }, now);
        check(state, { t: 'tick' }, ticked.state, ticked.effects);
        for (const effect of ticked.effects) world.apply(effect, now);
        state = ticked.state;
        expect(deadline(state)).toBeGreaterThan(now);
      }
    }
    // Ids of offers only grow.
    expect(world.offerIds).toEqual([...new Set(world.offerIds)].sort((a, b) => a - b));
  });

  it('comes back from anything, given a server and a network', () => {
    for (let seed = 100; seed < 120; ++seed) {
      const random = new Random(seed);
      let state = reduce(
        IDLE,
        {
          t: 'join',
          request: { room: 'tea', name: 'Ana', resume: DRAWN, attempt: 7 },
          publish: SILENT,
          personSlots: { first: 2, most: 16 },
        },
        0,
      ).state;
      let now = 0;
      for (let i = 0; i < 100; ++i) {
        now += random.below(2000);
        const input = randomInput(random, state, []);
        const next = reduce(state, input, now).state;
        if (!isOver(next.phase)) state = next;
      }
      // From here on all goes well: the server answers, and each offer connects in 100 ms.
      const feed = (input: RoomInput) => {
        const step = reduce(state, input, now);
        state = step.state;
        for (const effect of step.effects) {
          if (effect.t === 'make_offer') {
            feed({ t: 'offer', id: effect.id, sdp: 'offer' });
          } else if (effect.t === 'send' && effect.message.t === 'offer') {
            const message = { t: 'answer', id: effect.message.id, sdp: 'answer' } as const;
            feed({ t: 'message', message });
            now += 100;
            feed({ t: 'media', generation: state.generation, connection: 'connected' });
          }
        }
      };
      feed({ t: 'signaling_lost' });
      feed({ t: 'signaling_open' });
      feed({ t: 'message', message: joined({ resumed: true, media: 'kept', person_slots: 8 }) });
      for (let i = 0; i < 5 && deadline(state) < Infinity; ++i) {
        now = Math.max(now, deadline(state));
        feed({ t: 'tick' });
      }
      expect(state.phase).toBe('connected');
      expect(state.sending).toBe(true);
    }
  });
});
