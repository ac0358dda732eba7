// The client's whole view of a room, as a pure function: (state, input, now) -> state and effects.
// It reads no clock and touches neither socket nor peer connection; room.ts carries the effects out
// and feeds back what came of them. The protocol is docs/protocol.md.

import type { Failure } from './errors';
import { failureCode, isPassing } from './errors';
import { smooth } from './quality';
import type { MediaRepair, RepairStep } from './media_repair';
import * as repair from './media_repair';
import type {
  ClientMessage,
  ConnectionReport,
  Joined,
  People,
  Person,
  PersonId,
  Publish,
  ServerError,
  ServerMessage,
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
  /** The secret of a session to go on with. */
  readonly resume?: string | undefined;
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
  /** The running mean of what the server says about our own media path. */
  readonly connection: ConnectionReport | null;
  /** What we send, or would if we were connected. */
  readonly publish: Publish;
  readonly media: MediaRepair;
  /** Counts peer connections; what a former one reports is ignored. */
  readonly generation: number;
  readonly personSlots: number;
  readonly offer: {
    readonly id: number;
    readonly pending: boolean;
    /** Another is wanted as soon as this one is answered. */
    readonly again: boolean;
  };
  /** Whether tracks are attached to the peer connection. */
  readonly sending: boolean;
}

export type RoomInput =
  | {
      readonly t: 'join';
      readonly request: JoinRequest;
      readonly publish: Publish;
      /** The most person slots that this device wants. */
      readonly personSlots: number;
    }
  | { readonly t: 'leave' }
  | { readonly t: 'publish'; readonly publish: Publish }
  | { readonly t: 'signaling_open' }
  | { readonly t: 'signaling_lost' }
  | { readonly t: 'message'; readonly message: ServerMessage }
  /** What came of `make_offer`. */
  | { readonly t: 'offer'; readonly id: number; readonly sdp: string }
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
  | { readonly t: 'create_media'; readonly generation: number; readonly personSlots: number }
  | { readonly t: 'close_media' }
  /** Answered by the input `offer`, or `media_error`. */
  | { readonly t: 'make_offer'; readonly id: number; readonly restart: boolean }
  | { readonly t: 'apply_answer'; readonly sdp: string }
  | { readonly t: 'set_sending'; readonly sending: boolean }
  | { readonly t: 'remember_session'; readonly resume: string }
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
  connection: null,
  publish: SILENT,
  media: repair.NO_MEDIA,
  generation: 0,
  personSlots: 0,
  offer: { id: 0, pending: false, again: false },
  sending: false,
};

/** When `tick` is next needed, ms; Infinity for never. */
export function deadline(state: RoomState): number {
  return state.media.deadline;
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
    personSlots: input.personSlots,
    signaling: 'opening',
  });
  draft.emit({ t: 'open_signaling' });
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
    case 'signaling_open':
      return signalingOpen(draft);
    case 'signaling_lost':
      return draft.set({ signaling: 'opening' });
    case 'message':
      return message(draft, input.message, now);
    case 'offer':
      return sendOffer(draft, input.id, input.sdp);
    case 'media':
      if (input.generation !== state.generation) return;
      return act(
        draft,
        repair.connectionChanged(state.media, input.connection, draft.joined, now),
        now,
      );
    case 'media_error':
      if (input.generation !== state.generation) return;
      // The peer connection is in no state to go on: as good as failed.
      draft.set({ offer: { ...state.offer, pending: false, again: false } });
      return act(draft, repair.connectionChanged(state.media, 'failed', draft.joined, now), now);
    case 'network_changed':
      return act(draft, repair.networkChanged(state.media, draft.joined, now), now);
    case 'tick':
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
    connection: null,
    media: repair.NO_MEDIA,
    offer: { ...draft.state.offer, pending: false, again: false },
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
  draft.set({ signaling: 'joining' });
  draft.send({ t: 'join', version: 1, ...request });
}

function message(draft: Draft, received: ServerMessage, now: number): void {
  const { signaling } = draft.state;
  if (received.t === 'error') return serverError(draft, received);
  if (received.t === 'joined') {
    if (signaling === 'joining') joined(draft, received, now);
    return;
  }
  if (signaling !== 'joined') return;
  switch (received.t) {
    case 'answer':
      return answer(draft, received.id, received.sdp);
    case 'people':
      return draft.set({ people: merge(draft.state, received) });
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
  draft.emit({ t: 'remember_session', resume: received.resume });
  draft.send({ t: 'publish', ...state.publish });
  const personSlots = Math.min(state.personSlots, received.person_slots);
  if (state.media.phase === 'none' || received.media === 'new' || !received.resumed) {
    draft.set({ personSlots });
    return createMedia(draft, now);
  }
  // The server kept the media; what it was asked meanwhile, it may never have heard.
  const unanswered = state.offer.pending;
  draft.set({ offer: { ...state.offer, pending: false, again: false } });
  const step = repair.signalingBack(state.media, now);
  if (step.action === 'none' && unanswered) makeOffer(draft, false);
  act(draft, step, now);
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
    offer: { ...state.offer, pending: false, again: false },
  });
  draft.emit({ t: 'create_media', generation, personSlots: state.personSlots });
  makeOffer(draft, false);
}

function act(draft: Draft, step: RepairStep, now: number): void {
  draft.set({ media: step.repair });
  if (step.action === 'restart') makeOffer(draft, true);
  else if (step.action === 'rebuild') createMedia(draft, now);
}

/** Offers one after the other: while one is unanswered the next one waits. */
function makeOffer(draft: Draft, restart: boolean): void {
  const { offer } = draft.state;
  if (offer.pending) {
    draft.set({ offer: { ...offer, again: true } });
  } else {
    const id = offer.id + 1;
    draft.set({ offer: { id, pending: true, again: false } });
    draft.emit({ t: 'make_offer', id, restart });
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
  draft.set({ offer: { id, pending: false, again: false } });
  draft.emit({ t: 'apply_answer', sdp });
  // All that we ever ask for beyond the first offer is a restart.
  if (offer.again) makeOffer(draft, true);
}

function serverError(draft: Draft, error: ServerError): void {
  const retryAfterMs = error.retry_after_ms ?? null;
  if (!error.fatal || isPassing(error.code)) {
    draft.set({ notice: error });
    // It will have no answer. The next attempt comes when this one has had its time.
    if (error.code === 'bad_offer') {
      draft.set({ offer: { ...draft.state.offer, pending: false, again: false } });
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
