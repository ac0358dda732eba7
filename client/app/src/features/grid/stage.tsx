import { type PersonId, withoutPlace } from '@liaison/sdk';
import { useMemo, useRef } from 'react';
import { useText } from '../../i18n';
import { usePreference } from '../../preferences';
import { useCall, useRoomState } from '../call/call_context';
import { Alone } from './alone';
import { layOut, type Rect } from './layout';
import { PersonTile, ScreenTile, SelfTile } from './tile';
import { chooseStage, orderPeople, screenTile } from './tiles';
import { useShown } from './use_shown';
import { useSize } from './use_size';

/** More than this and some may not find room. */
const CERTAIN_ROOM = 9;
const SELF = 'self';

/** Remembers who spoke last while nobody does. One's own voice moves no picture. */
function useLastSpeaker(): PersonId | null {
  const { speaker, you } = useRoomState();
  const last = useRef<PersonId | null>(null);
  if (speaker !== null && speaker !== you) last.current = speaker;
  return last.current;
}

export function Stage() {
  const { t } = useText();
  const state = useRoomState();
  const { room } = useCall();
  const [mode] = usePreference('layout');
  const [ref, size] = useSize<HTMLDivElement>();
  const lastSpeaker = useLastSpeaker();
  const { people, slots, personSlots, offer, phase } = state;
  const stage = chooseStage(state, mode, lastSpeaker);
  const placeless = useMemo(
    () => withoutPlace({ people, slots, personSlots, offer, phase }),
    [people, slots, personSlots, offer, phase],
  );
  const { placed, hidden, more } = useMemo(
    () =>
      layOut({
        people: orderPeople(people, CERTAIN_ROOM, lastSpeaker, placeless),
        self: SELF,
        stage,
        size,
      }),
    // The stage is a value, made anew each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [people, lastSpeaker, placeless, stage?.tile, stage?.kind, size],
  );
  const ids = useMemo(() => people.map(({ id }) => id), [people]);
  useShown(room, placed, ids, state.screen === null ? null : screenTile(state.screen));
  const byId = new Map(people.map((person) => [person.id, person]));
  return (
    <div
      ref={ref}
      className="stage"
      data-testid="stage"
      data-layout={stage?.kind ?? 'grid'}
      data-away={phase === 'reconnecting'}
    >
      {placed.map(({ tile, rect, role }) => {
        const person = byId.get(tile);
        const place = { rect, role };
        if (tile === SELF) return <SelfTile key={SELF} {...place} />;
        if (person) return <PersonTile key={tile} person={person} {...place} />;
        return <ScreenTile key={tile} owner={byId.get(state.screen ?? '')} {...place} />;
      })}
      {more && (
        <p className="tile-more" style={placeOf(more)} data-testid="hidden-people">
          {t('tile.more', { count: hidden.length })}
        </p>
      )}
      {people.length === 0 && state.phase !== 'joining' && <Alone room={room.name} />}
    </div>
  );
}

export function placeOf({ x, y, width, height }: Rect) {
  return { transform: `translate(${x}px, ${y}px)`, width, height };
}
