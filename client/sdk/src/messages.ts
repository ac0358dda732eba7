// The client protocol (docs/protocol.md): its messages as types, and the check of everything that
// comes from outside. Unknown members are ignored and optional ones may be absent, so that server
// and client can be extended apart from each other.

/** Names one participant of a room. Opaque. */
export type PersonId = string;

/** What a participant sends. What is false is not forwarded, whatever arrives at the server. */
export interface Publish {
  readonly microphone: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
  readonly screen_audio: boolean;
}

export type Quality = 'good' | 'fair' | 'poor' | 'unknown';

export interface Person extends Publish {
  readonly id: PersonId;
  /** As chosen by the person: 1 to 64 characters. */
  readonly name: string;
  /** False while the server has lost this person's media path or signaling. */
  readonly connected: boolean;
  readonly quality: Quality;
}

/** Which person a slot carries; null for nobody. */
export interface Slot {
  readonly slot: number;
  readonly person: PersonId | null;
}

export interface Join {
  readonly t: 'join';
  readonly version: 1;
  readonly room: string;
  readonly name: string;
  readonly token?: string | undefined;
  /** The secret of a session to go on with, or of the one to be made. */
  readonly resume?: string | undefined;
  /** Numbers the joins of a session: one that comes after a higher one is too late. */
  readonly attempt?: number | undefined;
}
export interface Offer {
  readonly t: 'offer';
  readonly id: number;
  readonly sdp: string;
}
export interface PublishMessage extends Publish {
  readonly t: 'publish';
}
/** Device pixels: integers from 1 to 16384. */
export interface Size {
  readonly width: number;
  readonly height: number;
}
export interface Shown extends Size {
  readonly person: PersonId;
}
/** Who is shown, and how large: whole. Who is not listed gets no picture. */
export interface View {
  /** At most 64, each once. */
  readonly people: readonly Shown[];
  readonly screen: Size | null;
}
export interface ViewMessage extends View {
  readonly t: 'view';
}
export interface Ping {
  readonly t: 'ping';
  readonly id: number;
}
export interface Pong {
  readonly t: 'pong';
  readonly id: number;
}
export interface Leave {
  readonly t: 'leave';
}
export type ClientMessage = Join | Offer | PublishMessage | ViewMessage | Ping | Pong | Leave;

export interface Joined {
  readonly t: 'joined';
  readonly you: PersonId;
  readonly room: string;
  /** Names the call in logs: worth showing to support. */
  readonly call: string;
  /** Secret that continues this session. Never leaves this tab. */
  readonly resume: string;
  readonly resumed: boolean;
  /** "kept": the server still holds our peer connection. "new": make one and offer. */
  readonly media: 'new' | 'kept';
  /** The most person slots that an offer may have. */
  readonly person_slots: number;
  /** The server takes several encodings of one source. */
  readonly simulcast?: boolean | undefined;
  /** Everybody but us. */
  readonly people: readonly Person[];
}
export interface Answer {
  readonly t: 'answer';
  readonly id: number;
  readonly sdp: string;
}
export interface People {
  readonly t: 'people';
  readonly changed: readonly Person[];
  readonly left: readonly PersonId[];
}
export interface Slots {
  readonly t: 'slots';
  readonly slots: readonly Slot[];
  readonly screen: PersonId | null;
}
export interface Speaker {
  readonly t: 'speaker';
  readonly person: PersonId | null;
}
export interface ConnectionReport {
  readonly t: 'connection';
  /** Round trip to the server, ms. */
  readonly rtt_ms: number | null;
  /** Share of packets lost, 0 to 1. */
  readonly loss_up: number;
  readonly loss_down: number;
  /** bit/s. */
  readonly bitrate_up: number;
  readonly bitrate_down: number;
  /** The media goes over TCP, because UDP does not pass. */
  readonly over_tcp: boolean;
  /** What the path to us can carry, bit/s; undefined while it is not known. */
  readonly bandwidth_down?: number | undefined;
  /** What all that we show would need, bit/s. */
  readonly wanted_down?: number | undefined;
  /** We get less than we show because the path cannot carry more. */
  readonly bandwidth_limited?: boolean | undefined;
}
export type VideoSource = 'camera' | 'screen';
export interface EncodingDemand {
  /** "" where the source has one encoding. */
  readonly rid: string;
  readonly active: boolean;
  /** How many spatial layers of it somebody wants, 1 to 3. */
  readonly spatial_layers: number;
}
/** Which encodings of a source somebody wants: whole for that source. */
export interface Layers {
  readonly t: 'layers';
  readonly source: VideoSource;
  readonly encodings: readonly EncodingDemand[];
}
export type AudioSource = 'microphone' | 'screen_audio';
/** So much of this source gets lost on its way to the server that it is to be sent redundantly, or not any more. */
export interface Redundancy {
  readonly t: 'redundancy';
  readonly source: AudioSource;
  readonly wanted: boolean;
}
/** Why a picture is not sent to us. */
export type PauseReason = 'bandwidth';
/** Whose picture is not sent to us, and why: whole. */
export interface Paused {
  readonly t: 'paused';
  readonly people: readonly { readonly person: PersonId; readonly reason: PauseReason }[];
  readonly screen: PauseReason | null;
}
export interface ServerError {
  readonly t: 'error';
  /** Stable; see errors.ts. */
  readonly code: string;
  /** For people, in English. */
  readonly message: string;
  /** The server closes the connection after this. */
  readonly fatal: boolean;
  /** Try again no sooner than this, ms. */
  readonly retry_after_ms?: number | undefined;
}
export type ServerMessage =
  | Joined
  | Answer
  | People
  | Slots
  | Speaker
  | ConnectionReport
  | Layers
  | Redundancy
  | Paused
  | Ping
  | Pong
  | ServerError;

/** The text was not a message of this protocol. `message` says where it went wrong. */
export class BadMessage extends Error {
  override readonly name = 'BadMessage';
}

/** The most people that a `view` may list. */
export const MAX_SHOWN = 64;
/** The longest side of a picture in a `view`. */
export const MAX_SIDE = 16384;

type Shape<T> = (value: unknown, path: string) => T;
type Fields = Readonly<Record<string, unknown>>;

function wrong(path: string, expected: string): never {
  throw new BadMessage(`${path}: expected ${expected}`);
}

const text: Shape<string> = (value, path) =>
  typeof value === 'string' ? value : wrong(path, 'a string');
const flag: Shape<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : wrong(path, 'a boolean');
const number: Shape<number> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? value : wrong(path, 'a number');
const count: Shape<number> = (value, path) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : wrong(path, 'an integer of 0 or more');
function integer(low: number, high: number): Shape<number> {
  return (value, path) =>
    Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high
      ? (value as number)
      : wrong(path, `an integer from ${low} to ${high}`);
}
const share: Shape<number> = (value, path) => {
  const n = number(value, path);
  return n >= 0 && n <= 1 ? n : wrong(path, 'a number from 0 to 1');
};
const version: Shape<1> = (value, path) => (value === 1 ? 1 : wrong(path, '1'));

function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === null ? null : shape(value, path));
}

/** Absent and null mean the same for an optional member. */
function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, path) => (value === undefined || value === null ? undefined : shape(value, path));
}

function oneOf<T extends string>(...choices: readonly T[]): Shape<T> {
  return (value, path) =>
    choices.includes(value as T) ? (value as T) : wrong(path, `one of ${choices.join(', ')}`);
}

function listOf<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value, path) =>
    Array.isArray(value)
      ? value.map((item: unknown, i) => shape(item, `${path}[${i}]`))
      : wrong(path, 'a list');
}

function fieldsOf(value: unknown, path: string): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : wrong(path, 'an object');
}

/** Keeps exactly the members named here; a member that is undefined is left out. */
function object<T>(shapes: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  return (value, path) => {
    const fields = fieldsOf(value, path);
    const result: Record<string, unknown> = {};
    for (const key in shapes) {
      const member = shapes[key](fields[key], path === '' ? key : `${path}.${key}`);
      if (member !== undefined) result[key] = member;
    }
    return result as T;
  };
}

const publish = {
  microphone: flag,
  camera: flag,
  screen: flag,
  screen_audio: flag,
} satisfies { [K in keyof Publish]: Shape<boolean> };
const quality = oneOf<Quality>('good', 'fair', 'poor', 'unknown');
const person = object<Person>({ id: text, name: text, ...publish, connected: flag, quality });
const side = integer(1, MAX_SIDE);
const size = { width: side, height: side } satisfies { [K in keyof Size]: Shape<number> };
/** A reason of a newer server is shown as the one that there is. */
const pauseReason: Shape<PauseReason> = (value, path) => (text(value, path), 'bandwidth');
const slot = object<Slot>({ slot: count, person: orNull(text) });

const clientShapes: { readonly [M in ClientMessage as M['t']]: Shape<M> } = {
  join: object<Join>({
    t: oneOf('join'),
    version,
    room: text,
    name: text,
    token: optional(text),
    resume: optional(text),
    attempt: optional(count),
  }),
  offer: object<Offer>({ t: oneOf('offer'), id: count, sdp: text }),
  publish: object<PublishMessage>({ t: oneOf('publish'), ...publish }),
  view: object<ViewMessage>({
    t: oneOf('view'),
    people: listOf(object<Shown>({ person: text, ...size })),
    screen: orNull(object<Size>(size)),
  }),
  ping: object<Ping>({ t: oneOf('ping'), id: count }),
  pong: object<Pong>({ t: oneOf('pong'), id: count }),
  leave: object<Leave>({ t: oneOf('leave') }),
};

const serverShapes: { readonly [M in ServerMessage as M['t']]: Shape<M> } = {
  joined: object<Joined>({
    t: oneOf('joined'),
    you: text,
    room: text,
    call: text,
    resume: text,
    resumed: flag,
    media: oneOf('new', 'kept'),
    person_slots: count,
    simulcast: optional(flag),
    people: listOf(person),
  }),
  answer: object<Answer>({ t: oneOf('answer'), id: count, sdp: text }),
  people: object<People>({ t: oneOf('people'), changed: listOf(person), left: listOf(text) }),
  slots: object<Slots>({ t: oneOf('slots'), slots: listOf(slot), screen: orNull(text) }),
  speaker: object<Speaker>({ t: oneOf('speaker'), person: orNull(text) }),
  connection: object<ConnectionReport>({
    t: oneOf('connection'),
    rtt_ms: orNull(number),
    loss_up: share,
    loss_down: share,
    bitrate_up: number,
    bitrate_down: number,
    over_tcp: flag,
    bandwidth_down: optional(number),
    wanted_down: optional(number),
    bandwidth_limited: optional(flag),
  }),
  layers: object<Layers>({
    t: oneOf('layers'),
    source: oneOf<VideoSource>('camera', 'screen'),
    encodings: listOf(
      object<EncodingDemand>({ rid: text, active: flag, spatial_layers: integer(1, 3) }),
    ),
  }),
  redundancy: object<Redundancy>({
    t: oneOf('redundancy'),
    source: oneOf<AudioSource>('microphone', 'screen_audio'),
    wanted: flag,
  }),
  paused: object<Paused>({
    t: oneOf('paused'),
    people: listOf(object<Paused['people'][number]>({ person: text, reason: pauseReason })),
    screen: orNull(pauseReason),
  }),
  ping: object<Ping>({ t: oneOf('ping'), id: count }),
  pong: object<Pong>({ t: oneOf('pong'), id: count }),
  error: object<ServerError>({
    t: oneOf('error'),
    code: text,
    message: text,
    fatal: flag,
    retry_after_ms: optional(number),
  }),
};

function parse<M>(shapes: Readonly<Record<string, Shape<M>>>, json: string): M {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new BadMessage('not JSON');
  }
  const type = fieldsOf(value, 'message')['t'];
  if (typeof type !== 'string' || !Object.hasOwn(shapes, type)) {
    throw new BadMessage(`t: unknown type ${String(type)}`);
  }
  return (shapes[type] as Shape<M>)(value, '');
}

/** Reads a message from the server. Throws BadMessage. */
export function parseServerMessage(json: string): ServerMessage {
  return parse<ServerMessage>(serverShapes, json);
}

/** Reads a message as the server would. Throws BadMessage. */
export function parseClientMessage(json: string): ClientMessage {
  return parse<ClientMessage>(clientShapes, json);
}

/** Writes a message. Members that are undefined are left out. */
export function encode(message: ClientMessage | ServerMessage): string {
  return JSON.stringify(message);
}

const ROOM_NAME = /^[a-z0-9-]{1,64}$/;

/** Whether the server would take this as the name of a room. */
export function isRoomName(name: string): boolean {
  return ROOM_NAME.test(name);
}

// Control characters, and the marks that embed, override or isolate the direction of text.
const UNWANTED_IN_NAMES = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g;

/** A person's name as the server takes it: trimmed, one line, at most 64 characters; "" if nothing is left. */
export function cleanName(name: string): string {
  const oneLine = name.replace(UNWANTED_IN_NAMES, ' ').trim();
  return [...oneLine].slice(0, 64).join('').trim();
}
