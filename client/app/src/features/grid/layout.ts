// Where each tile goes: (tiles, size) -> rectangles. Pure, in CSS pixels.
//
// One other person fills the stage, several share it in tiles as large as can be; yourself small,
// in a corner that nobody else needs, or among a crowd as one of them. What is staged (a shared screen, the speaker) takes most of the
// room, with the faces in a strip beside it, or below it on a phone held upright.

export interface Size {
  readonly width: number;
  readonly height: number;
}
export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

export interface LayoutRequest {
  /** The others, the more important first. */
  readonly people: readonly string[];
  /** Null where one's own picture is not shown. */
  readonly self: string | null;
  /** What is staged: one of `people`, or a tile of its own. */
  readonly stage: { readonly tile: string; readonly kind: 'screen' | 'person' } | null;
  readonly size: Size;
}

export interface Placed {
  readonly tile: string;
  readonly rect: Rect;
  readonly role: 'grid' | 'stage' | 'strip' | 'self';
}

export interface Layout {
  readonly placed: readonly Placed[];
  /** Tiles for which there is no room. */
  readonly hidden: readonly string[];
  /** Where to say how many are hidden; null if nobody is. */
  readonly more: Rect | null;
}

export const GAP = 12;
/** No tile of a grid is smaller than this. */
const SMALLEST: Size = { width: 128, height: 84 };
const SMALLEST_UPRIGHT: Size = { width: 108, height: 96 };
/** With more others than this one's own tile is as small as theirs, and may as well be among them. */
const CROWD = 9;
/** How tall and how wide a tile may become, width by height. */
const NARROWEST = 4 / 3;
const NARROWEST_UPRIGHT = 3 / 4;
const WIDEST = 16 / 9;
/** One's own picture over somebody else's is as bad as tiles smaller by this factor. */
const OVERLAP_PENALTY = 0.72;
/** On a phone held upright there is no room to spare, and the own picture is tiny. */
const OVERLAP_PENALTY_UPRIGHT = 0.9;

const clamp = (value: number, low: number, high: number): number =>
  Math.min(high, Math.max(low, value));
const isUpright = ({ width, height }: Size): boolean => width < height * 1.1;

export function layOut(request: LayoutRequest): Layout {
  const { size, stage } = request;
  if (size.width <= 0 || size.height <= 0) return { placed: [], hidden: [], more: null };
  return stage === null ? withoutStage(request) : withStage(request, stage);
}

function withoutStage({ people, self, size }: LayoutRequest): Layout {
  const area: Rect = { x: 0, y: 0, ...size };
  const [first] = people;
  if (first === undefined) {
    const placed = self === null ? [] : [{ tile: self, rect: area, role: 'grid' as const }];
    return { placed, hidden: [], more: null };
  }
  if (people.length === 1) {
    const placed: Placed[] = [{ tile: first, rect: area, role: 'grid' }];
    if (self !== null) placed.push({ tile: self, rect: corner(size), role: 'self' });
    return { placed, hidden: [], more: null };
  }
  if (self === null) return grid(people, area, 'grid');
  return roomiest(people, self, size);
}

/** The grid with the largest tiles, given that one corner is taken. */
function roomiest(people: readonly string[], self: string, size: Size): Layout {
  const over = corner(size);
  const clear = corner(size, 0);
  const whole = { x: 0, y: 0, ...size };
  const beside = { ...whole, width: size.width - clear.width - GAP };
  const above = { ...whole, height: size.height - clear.height - GAP };
  const candidates = [
    { own: over, layout: grid(people, whole, 'grid') },
    { own: clear, layout: grid(people, whole, 'grid', 'start') },
    { own: clear, layout: grid(people, beside, 'grid') },
    { own: clear, layout: grid(people, above, 'grid') },
    ...(people.length > CROWD ? [among(people, whole)] : []),
  ].map(({ own, layout }) => {
    const covers = (rect: Rect) => overlap(rect, widen(own, GAP - 1));
    const tiles = layout.placed.map(({ rect }) => rect);
    const shown = tiles.reduce((sum, { width, height }) => sum + width * height, 0);
    const penalty = isUpright(size) ? OVERLAP_PENALTY_UPRIGHT : OVERLAP_PENALTY;
    // How many there are besides is a word, not a picture: half of it says nothing.
    const unreadable = layout.more !== null && covers(layout.more);
    return { own, layout, score: unreadable ? 0 : shown * (tiles.some(covers) ? penalty : 1) };
  });
  const best = candidates.reduce((a, b) => (b.score > a.score ? b : a));
  const own: Placed = { tile: self, rect: best.own, role: 'self' };
  return { ...best.layout, placed: [...best.layout.placed, own] };
}

/** Everybody and oneself in cells of one size, oneself in the last. */
function among(people: readonly string[], area: Rect): { own: Rect; layout: Layout } {
  const room = smallerThanAllowed(bestShape(people.length + 1, area), area)
    ? capacity(area)
    : people.length + 1;
  const all = room > people.length;
  const shown = all ? people.length : Math.max(1, room - 2);
  const count = shown + (all ? 1 : 2);
  const rects = cells(count, bestShape(count, area), area, 'middle');
  const placed = people.slice(0, shown).map((tile, i) => {
    return { tile, rect: rects[i] as Rect, role: 'grid' as const };
  });
  const more = all ? null : (rects[shown] as Rect);
  return { own: rects.at(-1) as Rect, layout: { placed, hidden: people.slice(shown), more } };
}

function widen({ x, y, width, height }: Rect, by: number): Rect {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

export function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** The place of one's own picture: bottom right, with this much room around it. */
function corner(size: Size, margin = GAP): Rect {
  const upright = isUpright(size);
  const width = upright
    ? clamp(size.width * 0.24, 84, 200)
    : clamp(Math.min(size.width * 0.17, size.height * 0.4), 112, 420);
  const height = upright ? width / NARROWEST_UPRIGHT : width / WIDEST;
  return { x: size.width - width - margin, y: size.height - height - margin, width, height };
}

type Align = 'middle' | 'start';

/** As many columns as make the largest tiles. `align` is for the last row, if it is not full. */
function grid(
  tiles: readonly string[],
  area: Rect,
  role: 'grid' | 'strip',
  align: Align = 'middle',
): Layout {
  const shape = bestShape(tiles.length, area);
  if (smallerThanAllowed(shape, area)) {
    const room = capacity(area);
    if (room < tiles.length) return withMore(tiles, Math.max(1, room - 1), area, role);
  }
  const rects = cells(tiles.length, shape, area, align);
  const placed = tiles.map((tile, i) => ({ tile, rect: rects[i] as Rect, role }));
  return { placed, hidden: [], more: null };
}

/** Shows the first `shown` tiles, and in the cell after them how many there are besides. */
function withMore(
  tiles: readonly string[],
  shown: number,
  area: Rect,
  role: 'grid' | 'strip',
): Layout {
  const rects = cells(shown + 1, bestShape(shown + 1, area), area, 'middle');
  return {
    placed: tiles.slice(0, shown).map((tile, i) => ({ tile, rect: rects[i] as Rect, role })),
    hidden: tiles.slice(shown),
    more: rects[shown] as Rect,
  };
}

interface Shape extends Size {
  readonly columns: number;
}

function bestShape(count: number, area: Size): Shape {
  const narrowest = isUpright(area) ? NARROWEST_UPRIGHT : NARROWEST;
  let best: Shape = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= count; ++columns) {
    const rows = Math.ceil(count / columns);
    const width = (area.width - GAP * (columns - 1)) / columns;
    const height = (area.height - GAP * (rows - 1)) / rows;
    const fitted: Shape = {
      columns,
      width: Math.max(0, Math.min(width, height * WIDEST)),
      height: Math.max(0, Math.min(height, width / narrowest)),
    };
    if (fitted.width * fitted.height > best.width * best.height) best = fitted;
  }
  return best;
}

const smallest = (area: Size): Size => (isUpright(area) ? SMALLEST_UPRIGHT : SMALLEST);

function smallerThanAllowed(tile: Size, area: Size): boolean {
  const { width, height } = smallest(area);
  return tile.width < width || tile.height < height;
}

/** How many of the smallest tiles find room, 1 at least. */
function capacity(area: Size): number {
  const { width, height } = smallest(area);
  const columns = Math.floor((area.width + GAP) / (width + GAP));
  const rows = Math.floor((area.height + GAP) / (height + GAP));
  return Math.max(1, columns) * Math.max(1, rows);
}

function cells(count: number, { columns, width, height }: Shape, area: Rect, align: Align): Rect[] {
  const rows = Math.ceil(count / columns);
  const top = area.y + (area.height - rows * height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const last = row === rows - 1 && align === 'middle';
    const inRow = last ? count - row * columns : columns;
    const left = area.x + (area.width - inRow * width - (inRow - 1) * GAP) / 2;
    return {
      x: left + (i % columns) * (width + GAP),
      y: top + row * (height + GAP),
      width,
      height,
    };
  });
}

function withStage(
  { people, self, size }: LayoutRequest,
  stage: NonNullable<LayoutRequest['stage']>,
): Layout {
  // Oneself first: that tile is never hidden.
  const faces = [...(self === null ? [] : [self]), ...people].filter((t) => t !== stage.tile);
  if (faces.length === 0) {
    const rect = { x: 0, y: 0, ...size };
    return { placed: [{ tile: stage.tile, rect, role: 'stage' }], hidden: [], more: null };
  }
  const areas = isUpright(size) ? stageAbove(size, stage.kind) : stageBeside(size);
  const strip = isUpright(size) ? grid(faces, areas.strip, 'strip') : column(faces, areas.strip);
  const staged: Placed = { tile: stage.tile, rect: areas.stage, role: 'stage' };
  return { ...strip, placed: [staged, ...strip.placed] };
}

interface Areas {
  readonly stage: Rect;
  readonly strip: Rect;
}

function stageAbove(size: Size, kind: 'screen' | 'person'): Areas {
  // A shared screen is wide: more height would stay empty.
  const height =
    kind === 'screen' ? Math.min(size.height * 0.6, size.width * 0.75) : size.height * 0.62;
  const y = height + GAP;
  return {
    stage: { x: 0, y: 0, width: size.width, height },
    strip: { x: 0, y, width: size.width, height: size.height - y },
  };
}

function stageBeside(size: Size): Areas {
  const width = clamp(size.width * 0.17, 128, 420);
  const x = size.width - width;
  return {
    stage: { x: 0, y: 0, width: x - GAP, height: size.height },
    strip: { x, y: 0, width, height: size.height },
  };
}

/** Tiles of one size under each other, the whole in the middle. */
function column(tiles: readonly string[], area: Rect): Layout {
  const height = area.width / WIDEST;
  const room = Math.max(1, Math.floor((area.height + GAP) / (height + GAP)));
  const shown = tiles.length <= room ? tiles.length : Math.max(1, room - 1);
  const used = Math.min(tiles.length, room);
  const top = area.y + (area.height - used * height - (used - 1) * GAP) / 2;
  const at = (i: number): Rect => ({
    x: area.x,
    y: top + i * (height + GAP),
    width: area.width,
    height,
  });
  return {
    placed: tiles.slice(0, shown).map((tile, i) => ({ tile, rect: at(i), role: 'strip' })),
    hidden: tiles.slice(shown),
    more: shown < tiles.length ? at(shown) : null,
  };
}
