// The client's whole view of a room, as a pure function: (state, input, now) -> state and effects.
// It reads no clock and touches neither socket nor peer connection; room.ts carries the effects out
// and feeds back what came of them. The protocol is docs/protocol.md.

import type { Failure } from './errors';
import { failureCode, isPassing } from './errors';
import { smooth } from './quality';
import type { MediaRepair, RepairStep } from './media_repair';
import * as repair from './media_repair';
import * as views from './view';
import type {
  AudioSource,
  ClientMessage,
  ConnectionReport,
  EncodingDemand,
  Joined,
  Paused,
  People,
  Person,
  PersonId,
  Publish,
  ServerError,
  ServerMessage,
  VideoSource,
  View,
} from './messages';

export type Phase =
  | 'idle'
  /** Waiting for the server to let us in. */
  | 'joining'
  /** In the room; the media path is being made. */
  | 'connecting'
  | 'connected'
  /** The WebSocket is lost and being made again; picture and sound go on. */
  | 'repairing'
  /** The media path is lost and being made again. Nothing is sent meanwhile, nor in the second before. */
  | 'reconnecting'
  /** Over, by our own wish. */
  | 'left'
  /** Over, for the reason in `failure`. */
  | 'failed';

export interface JoinRequest {
  readonly room: string;
  readonly name: string;
  readonly token?: string | undefined;
  /**
   * The secret of the session, ours before the server knows of it: if its answer to `join` is lost, the
   * next `join` finds what the one before it has made, and a token that it used up opens the door again.
   */
  readonly resume: string;
  /**
   * How many joins of this session were sent, by pages before this one too. Each has its number: of two
   * connections the older may be the slower, and what it says late must not put out the one that lives.
   */
  readonly attempt: number;
}

export interface RoomState {
  readonly phase: Phase;
  readonly failure: Failure | null;
  /** The latest error that the call survived; a new object each time. */
  readonly notice: ServerError | null;
  readonly request: JoinRequest | null;
  readonly signaling: 'closed' | 'opening' | 'joining' | 'joined';
  readonly you: PersonId | null;
  /** Id of the call, for logs and support. */
  readonly call: string | null;
  readonly people: readonly Person[];
  /** Who is in person slot n. */
  readonly slots: readonly (PersonId | null)[];
  /** Whose screen the screen slot carries. */
  readonly screen: PersonId | null;
  readonly speaker: PersonId | null;
  /** Whose picture the server holds back, and why: to be said in its place. */
  readonly paused: Pick<Paused, 'people' | 'screen'>;
  /** The running mean of what the server says about our own media path; null unless it is connected. */
  readonly connection: ConnectionReport | null;
  /** What we send, or would if we were connected. */
  readonly publish: Publish;
  readonly media: MediaRepair;
  /** Counts peer connections; what a former one reports is ignored. */
  readonly generation: number;
  /** How many person slots we have offered, or will. */
  readonly personSlots: number;
  /** They may become as many as this: what device and server are good for, as far as they have shown. */
  readonly mostPersonSlots: number;
  /** The most that the server has taken in one offer. */
  readonly takenPersonSlots: number;
  /** What this device is good for. */
  readonly device: PersonSlots;
  /** The server takes several encodings of one source. */
  readonly simulcast: boolean;
  readonly offer: {
    readonly id: number;
    readonly pending: boolean;
    /** Another is wanted as soon as this one is answered. */
    readonly again: 'no' | 'more' | 'restart';
    /** How many person slots it has. */
    readonly personSlots: number;
    /** This peer connection has had no answer yet. */
    readonly first: boolean;
  };
  /** What the application shows, and what the server knows of it. */
  readonly view: views.ViewReport;
  /** Whether tracks are attached to the peer connection. */
  readonly sending: boolean;
}

/** How many person slots a device begins with, and the most that it is good for. */
export interface PersonSlots {
  readonly first: number;
  readonly most: number;
}

export type RoomInput =
  | {
      readonly t: 'join';
      readonly request: JoinRequest;
      readonly publish: Publish;
      readonly personSlots: PersonSlots;
    }
  | { readonly t: 'leave' }
  | { readonly t: 'publish'; readonly publish: Publish }
  | { readonly t: 'view'; readonly view: View }
  | { readonly t: 'signaling_open' }
  | { readonly t: 'signaling_lost' }
  | { readonly t: 'message'; readonly message: ServerMessage }
  /** What came of `make_offer`. */
  | { readonly t: 'offer'; readonly id: number; readonly sdp: string }
  /** What came of `apply_answer`. */
  | { readonly t: 'answered'; readonly generation: number; readonly personSlots: number }
  | {
      readonly t: 'media';
      readonly generation: number;
      readonly connection: RTCPeerConnectionState;
    }
  | { readonly t: 'media_error'; readonly generation: number }
  | { readonly t: 'network_changed' }
  | { readonly t: 'tick' };

export type RoomEffect =
  /** Connect, and connect again whenever the connection is lost. */
  | { readonly t: 'open_signaling' }
  | { readonly t: 'close_signaling' }
  /** Connect again no sooner than this. */
  | { readonly t: 'hold_signaling'; readonly ms: number }
  | { readonly t: 'send'; readonly message: ClientMessage }
  /** `media_error` if it cannot. */
  | {
      readonly t: 'create_media';
      readonly generation: number;
      readonly personSlots: number;
      readonly simulcast: boolean;
    }
  /** The peer connection gets as many as this; an offer follows. `media_error` if it cannot. */
  | { readonly t: 'add_person_slots'; readonly personSlots: number }
  | { readonly t: 'close_media' }
  /** Answered by the input `offer`, or `media_error`. */
  | { readonly t: 'make_offer'; readonly id: number; readonly restart: boolean }
  /** Answered by the input `answered`, with the same number, or `media_error`. */
  | { readonly t: 'apply_answer'; readonly sdp: string; readonly personSlots: number }
  | { readonly t: 'set_sending'; readonly sending: boolean }
  | {
      readonly t: 'set_layers';
      readonly source: VideoSource;
      readonly encodings: readonly EncodingDemand[];
    }
  /** An offer follows. */
  | { readonly t: 'set_redundancy'; readonly source: AudioSource; readonly redundant: boolean }
  | { readonly t: 'remember_session'; readonly resume: string; readonly attempt: number }
  | { readonly t: 'forget_session' };

export interface Step {
  readonly state: RoomState;
  readonly effects: readonly RoomEffect[];
}

export const SILENT: Publish = {
  microphone: false,
  camera: false,
  screen: false,
  screen_audio: false,
};

const NOBODY_PAUSED: RoomState['paused'] = { people: [], screen: null };

export const IDLE: RoomState = {
  phase: 'idle',
  failure: null,
  notice: null,
  request: null,
  signaling: 'closed',
  you: null,
  call: null,
  people: [],
  slots: [],
  screen: null,
  speaker: null,
  paused: NOBODY_PAUSED,
  connection: null,
  publish: SILENT,
  media: repair.NO_MEDIA,
  generation: 0,
  personSlots: 0,
  mostPersonSlots: 0,
  takenPersonSlots: 0,
  device: { first: 0, most: 0 },
  simulcast: false,
  offer: { id: 0, pending: false, again: 'no', personSlots: 0, first: true },
  view: views.NO_VIEW,
  sending: false,
};

/** When `tick` is next needed, ms; Infinity for never. */
export function deadline(state: RoomState): number {
  return Math.min(state.media.deadline, state.view.deadline);
}

/** Who has no slot, and gets none as things are: neither seen nor heard, but for whoever speaks, who gets one. */
export function withoutPlace({
  people,
  slots,
  personSlots,
  offer,
  phase,
}: Pick<RoomState, 'people' | 'slots' | 'personSlots' | 'offer' | 'phase'>): ReadonlySet<PersonId> {
  const settled = (phase === 'connected' || phase === 'repairing') && !offer.pending;
  if (!settled || slots.length === 0 || people.length <= personSlots) return new Set();
  return new Set(people.map(({ id }) => id).filter((id) => !slots.includes(id)));
}

export function isOver(phase: Phase): boolean {
  return phase === 'left' || phase === 'failed';
}

/** What came, and what follows from it. */
export function reduce(state: RoomState, input: RoomInput, now: number): Step {
  const draft = new Draft(state);
  if (input.t === 'join') join(draft, input);
  else if (state.phase !== 'idle' && !isOver(state.phase)) receive(draft, input, now);
  return draft.finish();
}

/** One step in the making: the state so far and the effects so far. Lives within one reduce. */
class Draft {
  readonly effects: RoomEffect[] = [];
  constructor(public state: RoomState) {}

  set(change: Partial<RoomState>): void {
    this.state = { ...this.state, ...change };
  }
  emit(effect: RoomEffect): void {
    this.effects.push(effect);
  }
  send(message: ClientMessage): void {
    this.emit({ t: 'send', message });
  }
  get joined(): boolean {
    return this.state.signaling === 'joined';
  }

  /** Brings phase and senders into line with what happened. */
  finish(): Step {
    const phase = phaseOf(this.state);
    if (phase !== this.state.phase) this.set({ phase });
    // What the server said of a path is no longer so when the path, or the server's word, is lost.
    if (phase !== 'connected' && this.state.connection !== null) this.set({ connection: null });
    // Stops as soon as the path is in doubt: by the time that "reconnecting" is shown nothing is on its way out.
    const sending =
      (phase === 'connecting' || phase === 'connected' || phase === 'repairing') &&
      this.state.media.phase !== 'shaky';
    if (sending !== this.state.sending) {
      this.set({ sending });
      this.emit({ t: 'set_sending', sending });
    }
    return { state: this.state, effects: this.effects };
  }
}

function phaseOf(state: RoomState): Phase {
  if (state.phase === 'idle' || isOver(state.phase)) return state.phase;
  if (state.you === null) return 'joining';
  switch (state.media.phase) {
    case 'none':
    case 'starting':
      return 'connecting';
    case 'repairing':
      return 'reconnecting';
    case 'up':
    case 'shaky':
      return state.signaling === 'joined' ? 'connected' : 'repairing';
  }
}

function join(draft: Draft, input: RoomInput & { t: 'join' }): void {
  if (draft.state.phase !== 'idle' && !isOver(draft.state.phase)) return;
  const { generation, offer } = draft.state;
  draft.set({
    ...IDLE,
    generation,
    offer,
    phase: 'joining',
    request: input.request,
    publish: input.publish,
    personSlots: input.personSlots.first,
    mostPersonSlots: input.personSlots.most,
    device: input.personSlots,
    signaling: 'opening',
  });
  // Already now: who reloads the page while it joins is who was joining.
  remember(draft);
  draft.emit({ t: 'open_signaling' });
}

function remember(draft: Draft): void {
  const { request } = draft.state;
  if (request === null) return;
  const { resume, attempt } = request;
  draft.emit({ t: 'remember_session', resume, attempt });
}

/** Says what is to be said of what is shown, or waits until somebody listens. */
function look(draft: Draft, { report, say }: views.ViewStep): void {
  if (draft.joined) {
    draft.set({ view: report });
    if (say !== null) draft.send({ t: 'view', ...say });
  } else {
    draft.set({ view: { ...views.NO_VIEW, wanted: report.wanted } });
  }
}

function receive(draft: Draft, input: Exclude<RoomInput, { t: 'join' }>, now: number): void {
  const { state } = draft;
  switch (input.t) {
    case 'leave':
      if (draft.joined) draft.send({ t: 'leave' });
      draft.emit({ t: 'forget_session' });
      return end(draft, 'left', null);
    case 'publish':
      return publish(draft, input.publish);
    case 'view':
      return look(draft, views.show(state.view, input.view, now));
    case 'signaling_open':
      return signalingOpen(draft);
    case 'signaling_lost':
      return draft.set({
        signaling: 'opening',
        view: { ...views.NO_VIEW, wanted: state.view.wanted },
      });
    case 'message':
      return message(draft, input.message, now);
    case 'offer':
      return sendOffer(draft, input.id, input.sdp);
    case 'answered':
      return answered(draft, input, now);
    case 'media':
      if (input.generation !== state.generation) return;
      return act(
        draft,
        repair.connectionChanged(state.media, input.connection, draft.joined, now),
        now,
      );
    case 'media_error':
      if (input.generation !== state.generation || growthFailed(draft, now)) return;
      // The peer connection is in no state to go on: as good as failed.
      draft.set({ offer: { ...state.offer, pending: false, again: 'no' } });
      return act(draft, repair.connectionChanged(state.media, 'failed', draft.joined, now), now);
    case 'network_changed':
      return act(draft, repair.networkChanged(state.media, draft.joined, now), now);
    case 'tick':
      look(draft, views.tick(state.view, now));
      return act(draft, repair.tick(state.media, draft.joined, now), now);
  }
}

function end(draft: Draft, phase: 'left' | 'failed', failure: Failure | null): void {
  if (draft.state.media.phase !== 'none') draft.emit({ t: 'close_media' });
  draft.emit({ t: 'close_signaling' });
  draft.set({
    phase,
    failure,
    signaling: 'closed',
    people: [],
    slots: [],
    screen: null,
    speaker: null,
    paused: NOBODY_PAUSED,
    connection: null,
    view: views.NO_VIEW,
    media: repair.NO_MEDIA,
    offer: { ...draft.state.offer, pending: false, again: 'no' },
  });
}

function publish(draft: Draft, wanted: Publish): void {
  const before = draft.state.publish;
  const keys = ['microphone', 'camera', 'screen', 'screen_audio'] as const;
  if (keys.every((key) => before[key] === wanted[key])) return;
  draft.set({ publish: wanted });
  if (draft.joined) draft.send({ t: 'publish', ...wanted });
}

function signalingOpen(draft: Draft): void {
  const { request, signaling } = draft.state;
  if (signaling !== 'opening' || request === null) return;
  const next = { ...request, attempt: request.attempt + 1 };
  draft.set({ signaling: 'joining', request: next });
  // First of all: whatever becomes of this page, the next one counts on from here.
  remember(draft);
  draft.send({ t: 'join', version: 1, ...next });
}

function message(draft: Draft, received: ServerMessage, now: number): void {
  const { signaling } = draft.state;
  if (received.t === 'error') return serverError(draft, received, now);
  if (received.t === 'joined') {
    if (signaling === 'joining') joined(draft, received, now);
    return;
  }
  if (signaling !== 'joined') return;
  switch (received.t) {
    case 'answer':
      return answer(draft, received.id, received.sdp);
    case 'people':
      draft.set({ people: merge(draft.state, received) });
      return makeRoom(draft);
    case 'slots': {
      const slots: (PersonId | null)[] = [];
      for (const { slot, person } of received.slots) {
        if (slot < draft.state.personSlots) slots[slot] = person;
      }
      return draft.set({
        slots: Array.from(slots, (person) => person ?? null),
        screen: received.screen,
      });
    }
    case 'speaker':
      return draft.set({ speaker: received.person });
    case 'connection':
      return draft.set({ connection: smooth(draft.state.connection, received) });
    case 'layers':
      return draft.emit({
        t: 'set_layers',
        source: received.source,
        encodings: received.encodings,
      });
    case 'redundancy':
      if (draft.state.media.phase === 'none') return;
      draft.emit({
        t: 'set_redundancy',
        source: received.source,
        redundant: received.wanted,
      });
      return makeOffer(draft, 'more');
    case 'paused':
      return draft.set({ paused: { people: received.people, screen: received.screen } });
    case 'ping':
    case 'pong':
      return; // signaling.ts answers and watches.
  }
}

function merge(state: RoomState, { changed, left }: People): readonly Person[] {
  const people = new Map(state.people.map((person) => [person.id, person]));
  for (const person of changed) if (person.id !== state.you) people.set(person.id, person);
  for (const id of left) people.delete(id);
  return [...people.values()];
}

function joined(draft: Draft, received: Joined, now: number): void {
  const { state } = draft;
  draft.set({
    signaling: 'joined',
    you: received.you,
    call: received.call,
    people: received.people.filter((person) => person.id !== received.you),
    notice: null,
    request: state.request && { ...state.request, resume: received.resume },
    // What comes over the WebSocket only while it is there.
    speaker: null,
    connection: null,
  });
  remember(draft);
  draft.send({ t: 'publish', ...state.publish });
  look(draft, views.afresh(state.view, now));
  const afresh = state.media.phase === 'none' || received.media === 'new' || !received.resumed;
  // Another server may allow less than the one before it, or more; what is offered already stands.
  const most = afresh ? state.device.most : state.mostPersonSlots;
  draft.set({
    mostPersonSlots: Math.min(most, received.person_slots),
    simulcast: received.simulcast ?? false,
  });
  if (afresh) {
    draft.set({ personSlots: wantedSlots(draft.state) });
    return createMedia(draft, now);
  }
  // The server kept the media; what it was asked meanwhile, it may never have heard.
  const unanswered = state.offer.pending;
  draft.set({ offer: { ...state.offer, pending: false, again: 'no' } });
  const step = repair.signalingBack(state.media, now);
  if (step.action === 'none' && unanswered) makeOffer(draft, 'more');
  act(draft, step, now);
  makeRoom(draft);
}

/**
 * As many person slots as are offered, doubled until everybody has one or there may be no more. There
 * are never fewer than before: what an offer has had it must repeat.
 */
function wantedSlots({ people, personSlots, mostPersonSlots }: RoomState): number {
  let slots = Math.max(1, Math.min(personSlots, mostPersonSlots));
  while (slots < people.length && slots < mostPersonSlots) slots *= 2;
  return Math.min(slots, mostPersonSlots);
}

/** Renegotiates where more people are here than have a slot. */
function makeRoom(draft: Draft): void {
  const { state } = draft;
  const personSlots = wantedSlots(state);
  if (state.media.phase === 'none' || personSlots <= state.personSlots) return;
  draft.set({ personSlots });
  draft.emit({ t: 'add_person_slots', personSlots });
  makeOffer(draft, 'more');
}

/**
 * True if an offer with more person slots than were ever taken came to nothing, and another is made. A
 * connection that has them from its beginning may be taken where one that grew was not; if it is not
 * either, there are no more than before. Those who then have none are shown as having none.
 */
function growthFailed(draft: Draft, now: number): boolean {
  const { offer, takenPersonSlots, device } = draft.state;
  const sure = takenPersonSlots > 0 ? takenPersonSlots : device.first;
  if (offer.personSlots <= sure) return false;
  if (offer.first) draft.set({ personSlots: sure, mostPersonSlots: sure });
  createMedia(draft, now);
  return true;
}

/** Replaces the peer connection, if there is one, and offers. */
function createMedia(draft: Draft, now: number): void {
  const { state } = draft;
  if (state.media.phase !== 'none') draft.emit({ t: 'close_media' });
  const generation = state.generation + 1;
  // A call that had its media, and must get it again, is being repaired.
  const was = state.media.phase === 'up' || state.media.phase === 'shaky';
  const media = was ? { ...state.media, phase: 'repairing' as const } : state.media;
  draft.set({
    generation,
    media: repair.created(media, now).repair,
    slots: [],
    screen: null,
    paused: NOBODY_PAUSED,
    offer: { ...state.offer, pending: false, again: 'no', first: true },
  });
  const { personSlots, simulcast } = state;
  draft.emit({ t: 'create_media', generation, personSlots, simulcast });
  makeOffer(draft, 'more');
}

function act(draft: Draft, step: RepairStep, now: number): void {
  draft.set({ media: step.repair });
  if (step.action === 'restart') makeOffer(draft, 'restart');
  else if (step.action === 'rebuild') createMedia(draft, now);
}

/** Offers one after the other: while one is unanswered the next one waits. */
function makeOffer(draft: Draft, what: 'more' | 'restart'): void {
  const { offer, personSlots } = draft.state;
  if (offer.pending) {
    // A restart carries new m-lines as well.
    draft.set({ offer: { ...offer, again: offer.again === 'restart' ? 'restart' : what } });
  } else {
    const id = offer.id + 1;
    draft.set({ offer: { ...offer, id, pending: true, again: 'no', personSlots } });
    draft.emit({ t: 'make_offer', id, restart: what === 'restart' });
  }
}

function sendOffer(draft: Draft, id: number, sdp: string): void {
  const { offer } = draft.state;
  // Without signaling it is lost; `joined` makes another, with another id.
  if (offer.pending && offer.id === id && draft.joined) draft.send({ t: 'offer', id, sdp });
}

function answer(draft: Draft, id: number, sdp: string): void {
  const { offer } = draft.state;
  if (!offer.pending || offer.id !== id) return;
  draft.set({ offer: { ...offer, pending: false, again: 'no' } });
  draft.emit({ t: 'apply_answer', sdp, personSlots: offer.personSlots });
  if (offer.again !== 'no') makeOffer(draft, offer.again);
}

function answered(
  draft: Draft,
  { generation, personSlots }: { readonly generation: number; readonly personSlots: number },
  now: number,
): void {
  const { state } = draft;
  if (generation !== state.generation) return;
  const grown = !state.offer.first && personSlots > state.takenPersonSlots;
  draft.set({
    takenPersonSlots: Math.max(state.takenPersonSlots, personSlots),
    offer: { ...state.offer, first: false },
  });
  // The server begins no picture in slots that we may not know yet.
  if (grown) look(draft, views.afresh(state.view, now));
}

function serverError(draft: Draft, error: ServerError, now: number): void {
  const retryAfterMs = error.retry_after_ms ?? null;
  if (!error.fatal || isPassing(error.code)) {
    draft.set({ notice: error });
    // It will have no answer. The next attempt comes when this one has had its time.
    if (error.code === 'bad_offer' && draft.state.offer.pending && !growthFailed(draft, now)) {
      draft.set({ offer: { ...draft.state.offer, pending: false, again: 'no' } });
    }
    if (error.fatal && retryAfterMs !== null) {
      draft.emit({ t: 'hold_signaling', ms: retryAfterMs });
    }
    return;
  }
  const { message } = error;
  // Another connection goes on with this session, and with its secret; after any other error
  // there is nothing left to go on with.
  draft.emit({ t: 'forget_session' });
  end(draft, 'failed', { code: failureCode(error.code), message, retryAfterMs });
}
