import { assess } from '@liaison/sdk';
import { useText } from '../../i18n';
import { Dialog } from '../../primitives/dialog';
import { useRoomState } from '../call/call_context';
import { Statistics } from '../statistics/statistics';
import { advice, reasonText, stateText, troubleText } from './words';

export function ConnectionDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const { phase, connection, call } = useRoomState();
  const assessment = connection === null ? null : assess(connection);
  return (
    <Dialog title={t('state.title')} onClose={onClose} testId="connection-dialog">
      <p className="connection-summary">{stateText(phase, assessment, t)}</p>
      {troubleText(phase, t).map((words) => (
        <p key={words}>{words}</p>
      ))}
      {assessment?.reasons.length === 0 && <p>{t('state.all_well')}</p>}
      {assessment?.reasons.map((reason) => (
        <p key={reason.code} className="sentence">
          {reasonText(reason, t)}
        </p>
      ))}
      {assessment && advice(assessment).map((key) => <p key={key}>{t(key)}</p>)}
      <Statistics />
      {call !== null && (
        <dl className="figures">
          <div>
            <dt>{t('state.call_id')}</dt>
            <dd>{call}</dd>
          </div>
        </dl>
      )}
    </Dialog>
  );
}
