import { assess } from '@liaison/sdk';
import { useState } from 'react';
import { useText } from '../../i18n';
import { Bars, Icon } from '../../primitives/icon';
import { useRoomState } from '../call/call_context';
import { ConnectionDialog } from './connection_dialog';
import { reasonText, stateText } from './words';

const LIT = { good: 3, fair: 2, poor: 1 } as const;

/** One's own connection: bars and a word, with the worst reason where there is one. */
export function ConnectionState() {
  const { t } = useText();
  const { phase, connection } = useRoomState();
  const [open, setOpen] = useState(false);
  const assessment = connection === null ? null : assess(connection);
  const level = phase === 'connected' ? (assessment?.level ?? 'good') : 'poor';
  const [reason] = phase === 'connected' ? (assessment?.reasons ?? []) : [];
  return (
    <>
      <button
        type="button"
        className="connection"
        data-testid="connection-state"
        data-state={phase}
        data-level={level}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        {phase === 'connected' ? <Bars lit={LIT[level]} /> : <Icon name="retry" size={18} />}
        <span className="connection-words" role="status">
          {stateText(phase, assessment, t)}
        </span>
        {reason && <span className="connection-reason">{reasonText(reason, t)}</span>}
      </button>
      {open && <ConnectionDialog onClose={() => setOpen(false)} />}
    </>
  );
}
