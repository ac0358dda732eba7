import { type Row, rowsOf } from '@liaison/sdk';
import { useText } from '../../i18n';
import { Button } from '../../primitives/button';
import { useStore } from '../../store';
import { useCall, useRoomState } from '../call/call_context';
import { PeopleFigures } from './people_figures';
import { limitText, meaningText, valueText } from './words';
import './statistics.css';

/** How the call travels, for people: each figure with its limit, a mark, and what it means. */
export function Statistics() {
  const { t } = useText();
  const { statistics } = useCall();
  const { connection } = useRoomState();
  const rows = rowsOf(useStore(statistics), connection);
  if (rows.length === 0) return null;
  return (
    <section className="statistics" data-testid="statistics">
      <table className="statistics-rows">
        <caption>{t('stats.caption')}</caption>
        <thead className="hidden">
          <tr>
            <th scope="col">{t('stats.what')}</th>
            <th scope="col">{t('stats.now')}</th>
            <th scope="col">{t('stats.limit')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <RowView key={row.id} row={row} />
          ))}
        </tbody>
      </table>
      <details className="statistics-details">
        <summary>{t('stats.details')}</summary>
        <PeopleFigures />
      </details>
      <div className="statistics-report">
        <Button data-testid="download-report" onClick={() => download(statistics.report())}>
          {t('stats.download')}
        </Button>
        <p>{t('stats.download_hint')}</p>
      </div>
    </section>
  );
}

function RowView({ row }: { row: Row }) {
  const { t } = useText();
  const { id, level } = row;
  return (
    <tr data-testid={`stats-${id}`} data-level={level}>
      <th scope="row">
        <span className="mark" role="img" aria-label={t(`stats.mark_${level}`)} />
        <span>
          {t(`stats.${id}`)}
          <small>{meaningText(id, t)}</small>
        </span>
      </th>
      <td className="statistics-value">{valueText(row, t)}</td>
      <td className="statistics-limit">
        <span aria-hidden="true">{t('stats.limit')} </span>
        {limitText(row, t)}
      </td>
    </tr>
  );
}

function download(text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = `call-report-${new Date().toISOString().slice(0, 16).replace(/:/g, '')}.json`;
  link.click();
  // Not at once: the browser may still be about to read it.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
