import type { Room, SlotMedia } from '@liaison/sdk';
import { useText } from '../../i18n';
import { useStore } from '../../store';
import { useCall, useRoomState } from '../call/call_context';
import { type Carrier, type Line, linesOf, lostOf, pictureOf } from './people';

function carriersOf(room: Room): Carrier[] {
  const { slots, screen } = room.state;
  const carrier = (person: string | null, media: SlotMedia | null, shared: boolean): Carrier[] =>
    person === null || media === null
      ? []
      : [{ person, screen: shared, tracks: [media.audio.track.id, media.video.track.id] }];
  return [
    ...slots.flatMap((person, n) => carrier(person, room.slot(n), false)),
    ...carrier(screen, room.screenSlot, true),
  ];
}

/** The same for each person: whose picture suffers? */
export function PeopleFigures() {
  const { t } = useText();
  const { room, statistics } = useCall();
  const { people } = useRoomState();
  const streams = useStore(statistics).at(-1)?.streams ?? [];
  const names = new Map(people.map(({ id, name }) => [id, name]));
  const nameOf = ({ person, screen }: Line): string => {
    if (person === '') return t('tile.you');
    const name = names.get(person) ?? '';
    return screen ? t('tile.screen_of', { name }) : name;
  };
  return (
    <div className="statistics-scroll">
      <table className="statistics-people" data-testid="stats-people">
        <thead>
          <tr>
            <th scope="col">{t('stats.person')}</th>
            <th scope="col">{t('stats.picture')}</th>
            <th scope="col">{t('stats.rate')}</th>
            <th scope="col">{t('stats.column_lost')}</th>
            <th scope="col">{t('stats.column_frozen')}</th>
          </tr>
        </thead>
        <tbody>
          {linesOf(streams, carriersOf(room)).map((line) => (
            <tr key={`${line.person}-${line.screen}`}>
              <th scope="row">{nameOf(line)}</th>
              <Cells line={line} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cells({ line }: { line: Line }) {
  const { t } = useText();
  const picture = pictureOf(line);
  const kbps = line.streams.reduce((sum, stream) => sum + stream.kbps, 0);
  const frozen = line.streams.find(({ frozenMs }) => frozenMs !== null)?.frozenMs ?? null;
  return (
    <>
      <td>
        {picture === null
          ? t('stats.sound')
          : t('state.picture', {
              width: String(picture.width),
              height: String(picture.height),
              fps: Math.round(picture.framesPerSecond),
              codec: picture.codec,
            })}
      </td>
      <td>{t('stats.kbps', { kbps: Math.round(kbps) })}</td>
      <td>{t('stats.one_percent', { percent: lostOf(line) })}</td>
      <td>{frozen === null ? '–' : t('state.ms', { count: Math.round(frozen) })}</td>
    </>
  );
}
