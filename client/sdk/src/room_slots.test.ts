// How the person slots of a call grow, and what becomes of it where they cannot.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Joined, ServerMessage, View } from './messages';
import {
  IDLE,
  type PersonSlots,
  reduce,
  type RoomEffect,
  type RoomInput,
  type RoomState,
  SILENT,
  withoutPlace,
} from './room_state';
import { joined, person } from './testing/messages';

const PHONE: PersonSlots = { first: 4, most: 48 };
const people = (count: number) => Array.from({ length: count }, (_, i) => person(`p${i}`));

interface Offer {
  readonly id: number;
  /** Of which peer connection, from 1. */
  readonly peer: number;
  readonly slots: number;
}

/** A room, and a server and a browser who take what `takes` lets them. */
class Call {
  state: RoomState = IDLE;
  readonly offers: Offer[] = [];
  /** What it has said that it shows. */
  readonly views: View[] = [];
  peers = 0;
  /** Of the server: with false it answers `bad_offer`. */
  takes: (offer: Offer) => boolean = () => true;
  /** Of the browser: with false it cannot make such an offer. */
  makes: (offer: Offer) => boolean = () => true;
  /** And with false it does not take the answer to it. */
  takesAnswer: (offer: Offer) => boolean = () => true;
  private slots = 0;
  /** What the server has taken last. */
  private agreed = 0;
  private now = 0;
  private readonly queue: RoomInput[] = [];
  private running = false;

  feed(...inputs: RoomInput[]): void {
    this.queue.push(...inputs);
    if (this.running) return;
    this.running = true;
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      const { state, effects } = reduce(this.state, next, (this.now += 10));
      this.state = state;
      for (const effect of effects) this.carryOut(effect);
      expect(this.offers.length).toBeLessThan(50);
    }
    this.running = false;
  }
  hear(message: ServerMessage): void {
    this.feed({ t: 'message', message });
  }
  join(slots: PersonSlots, change: Partial<Joined> = {}): void {
    const request = { room: 'tea', name: 'Ana', resume: '0'.repeat(64), attempt: 0 };
    this.feed({ t: 'join', request, publish: SILENT, personSlots: slots });
    this.enter(change);
  }
  enter(change: Partial<Joined> = {}): void {
    this.feed({ t: 'signaling_open' });
    this.hear(joined(change));
  }
  come(count: number): void {
    this.hear({ t: 'people', changed: people(count), left: [] });
    this.tellSlots();
  }
  /** The number of slots in each offer. */
  get sizes(): number[] {
    return this.offers.map(({ slots }) => slots);
  }

  private carryOut(effect: RoomEffect): void {
    const { generation } = this.state;
    switch (effect.t) {
      case 'create_media':
        this.peers += 1;
        this.slots = effect.personSlots;
        return;
      case 'add_person_slots':
        this.slots = effect.personSlots;
        return;
      case 'make_offer': {
        const offer = { id: effect.id, peer: this.peers, slots: this.slots };
        this.offers.push(offer);
        if (this.makes(offer)) return this.feed({ t: 'offer', id: effect.id, sdp: 'offer' });
        return this.feed({ t: 'media_error', generation });
      }
      case 'send':
        if (effect.message.t === 'offer') this.judge(effect.message.id);
        if (effect.message.t === 'view') {
          const { people: shown, screen } = effect.message;
          this.views.push({ people: shown, screen });
        }
        return;
      case 'apply_answer': {
        const offer = this.offers.at(-1) as Offer;
        if (!this.takesAnswer(offer)) return this.feed({ t: 'media_error', generation });
        const { personSlots } = effect;
        expect(personSlots).toBe(offer.slots);
        return this.feed(
          { t: 'answered', generation, personSlots },
          { t: 'media', generation, connection: 'connected' },
        );
      }
      default:
        return;
    }
  }
  private judge(id: number): void {
    const offer = this.offers.find((one) => one.id === id) as Offer;
    if (!this.takes(offer)) {
      return this.hear({ t: 'error', code: 'bad_offer', message: 'No.', fatal: false });
    }
    this.agreed = offer.slots;
    this.hear({ t: 'answer', id, sdp: 'answer' });
    this.tellSlots();
  }
  /** Those who came first have one, as far as there are slots. */
  private tellSlots(): void {
    const slots = Array.from({ length: this.agreed }, (_, slot) => ({
      slot,
      person: this.state.people[slot]?.id ?? null,
    }));
    this.hear({ t: 'slots', slots, screen: null });
  }
}

let call: Call;
beforeEach(() => {
  call = new Call();
});

const expectPlaces = (count: number) => {
  expect(call.state.phase).toBe('connected');
  expect(call.state.slots).toEqual(people(count).map(({ id }) => id));
};

describe('slots grow', () => {
  it('on a phone from four to forty-eight, by one offer each time', () => {
    call.join(PHONE);
    for (let count = 1; count <= 48; count++) call.come(count);
    expect(call.sizes).toEqual([4, 8, 16, 32, 48]);
    expect(call.peers).toBe(1);
    expectPlaces(48);
    expect(withoutPlace(call.state)).toEqual(new Set());
  });

  it('and what is shown is said again when the browser knows them', () => {
    const view: View = { people: [{ person: 'p0', width: 320, height: 180 }], screen: null };
    call.join(PHONE);
    call.feed({ t: 'view', view });
    expect(call.views).toEqual([view]);
    call.come(4);
    expect(call.views).toEqual([view]);
    call.come(5);
    expect(call.sizes).toEqual([4, 8]);
    expect(call.views).toEqual([view, view]);
  });

  it('at once to what a full room needs, for whoever joins it', () => {
    call.join(PHONE, { people: people(48) });
    expect(call.sizes).toEqual([48]);
    expectPlaces(48);
  });

  it('to no more than there may be, and the others are known to have none', () => {
    call.join(PHONE, { people: people(50) });
    expect(call.sizes).toEqual([48]);
    expect(withoutPlace(call.state)).toEqual(new Set(['p48', 'p49']));
    call.come(60);
    expect(call.sizes).toEqual([48]);
    expect(withoutPlace(call.state).size).toBe(12);
  });

  it('to no more than the server allows', () => {
    call.join(PHONE, { person_slots: 24 });
    call.come(30);
    expect(call.sizes).toEqual([4, 24]);
    expect(withoutPlace(call.state).size).toBe(6);
  });

  it('while nobody is said to have no place who may still get one', () => {
    call.join(PHONE);
    call.come(4);
    const { state } = reduce(
      call.state,
      { t: 'message', message: { t: 'people', changed: people(6), left: [] } },
      1e6,
    );
    expect(state.offer.pending).toBe(true);
    expect(withoutPlace(state)).toEqual(new Set());
  });
});

describe.each<[string, (refuses: (offer: Offer) => boolean) => void]>([
  ['the server refuses', (refuses) => (call.takes = (offer) => !refuses(offer))],
  ['the browser cannot offer', (refuses) => (call.makes = (offer) => !refuses(offer))],
  ['the browser cannot take', (refuses) => (call.takesAnswer = (offer) => !refuses(offer))],
])('where %s', (_, refuse) => {
  it('slots that were added, a new connection has them from its beginning', () => {
    call.join(PHONE);
    call.come(4);
    refuse(({ peer, slots }) => peer === 1 && slots > 4);
    call.come(8);
    expect(call.sizes).toEqual([4, 8, 8]);
    expect(call.peers).toBe(2);
    expectPlaces(8);
    // And it grows on from there.
    call.come(16);
    expect(call.sizes).toEqual([4, 8, 8, 16]);
    expect(call.peers).toBe(2);
    expectPlaces(16);
  });

  it('so many at all, there are as many as before, and the others are known to have none', () => {
    call.join(PHONE);
    call.come(7);
    refuse(({ slots }) => slots > 8);
    call.come(10);
    expect(call.sizes).toEqual([4, 8, 16, 16, 8]);
    expect(call.peers).toBe(3);
    expect(call.state.phase).toBe('connected');
    expect(call.state.slots).toHaveLength(8);
    expect(withoutPlace(call.state)).toEqual(new Set(['p8', 'p9']));
    // It is not tried again and again.
    call.come(30);
    call.feed({ t: 'signaling_lost' });
    call.enter({ resumed: true, media: 'kept', people: people(30) });
    expect(call.sizes).toEqual([4, 8, 16, 16, 8]);
    expect(withoutPlace(call.state).size).toBe(22);
    // But another server may take them.
    refuse(() => false);
    call.feed({ t: 'signaling_lost' });
    call.enter({ resumed: true, media: 'new', people: people(30) });
    expect(call.sizes.at(-1)).toBe(32);
    expect(call.state.slots.filter((id) => id !== null)).toHaveLength(30);
  });

  it('a first offer for a full room, there are as many as a call begins with', () => {
    refuse(({ slots }) => slots > 8);
    call.join({ first: 8, most: 48 }, { people: people(20) });
    expect(call.sizes).toEqual([32, 8]);
    expect(withoutPlace(call.state).size).toBe(12);
  });

  it('an offer that does not grow, no slots are given up for it', () => {
    call.join(PHONE);
    call.come(8);
    refuse(() => true);
    call.feed({ t: 'network_changed' });
    expect(call.state.personSlots).toBe(8);
    expect(call.state.mostPersonSlots).toBe(48);
    expect(call.peers).toBe(1);
  });
});

describe('what is refused', () => {
  it('is no offer where none is under way', () => {
    call.join(PHONE, { people: people(8) });
    const before = call.state;
    call.hear({ t: 'error', code: 'bad_offer', message: 'No.', fatal: false });
    expect(call.state).toEqual({ ...before, notice: call.state.notice });
    expect(call.sizes).toEqual([8]);
  });

  it('in the middle of a second growth is both', () => {
    call.join(PHONE);
    // The server is slow: more come while it thinks.
    call.takes = (offer) => {
      if (offer.slots === 8 && offer.peer === 1) call.come(20);
      return offer.peer > 1 || offer.slots < 8;
    };
    call.come(8);
    expect(call.state.slots.filter((id) => id !== null)).toHaveLength(20);
    expect(call.sizes.at(-1)).toBe(32);
  });
});
