import { assess, type ConnectionReport, type Diagnostics, type VideoFigures } from '@liaison/sdk';
import { useEffect, useState } from 'react';
import { useText } from '../../i18n';
import { Dialog } from '../../primitives/dialog';
import { useCall, useRoomState } from '../call/call_context';
import { advice, reasonText, stateText } from './words';

const LOOK_EVERY_MS = 1000;

function useDiagnostics(): Diagnostics | null {
  const { room } = useCall();
  const [figures, setFigures] = useState<Diagnostics | null>(null);
  useEffect(() => {
    let wanted = true;
    const look = () =>
      void room.diagnostics().then((next) => {
        if (wanted) setFigures(next);
      });
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => {
      wanted = false;
      clearInterval(timer);
    };
  }, [room]);
  return figures;
}

export function ConnectionDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const { phase, connection, call } = useRoomState();
  const figures = useDiagnostics();
  const assessment = connection === null ? null : assess(connection);
  return (
    <Dialog title={t('state.title')} onClose={onClose} testId="connection-dialog">
      <p className="connection-summary">{stateText(phase, assessment, t)}</p>
      {assessment?.reasons.length === 0 && <p>{t('state.all_well')}</p>}
      {assessment?.reasons.map((reason) => (
        <p key={reason.code} className="sentence">
          {reasonText(reason, t)}
        </p>
      ))}
      {assessment && advice(assessment).map((key) => <p key={key}>{t(key)}</p>)}
      <dl className="figures">
        {connection && <Figures report={connection} />}
        {figures && <Pictures figures={figures} />}
        {call !== null && <Figure label={t('state.call_id')} value={call} />}
      </dl>
    </Dialog>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Figures({ report }: { report: ConnectionReport }) {
  const { t } = useText();
  const { rtt_ms, loss_up, loss_down, bitrate_up, bitrate_down } = report;
  const loss = { up: loss_up * 100, down: loss_down * 100 };
  const rate = { up: Math.round(bitrate_up / 1000), down: Math.round(bitrate_down / 1000) };
  return (
    <>
      {rtt_ms !== null && (
        <Figure label={t('state.rtt')} value={t('state.ms', { count: Math.round(rtt_ms) })} />
      )}
      <Figure label={t('state.loss')} value={t('state.percent', loss)} />
      <Figure label={t('state.rate')} value={t('state.kbps', rate)} />
    </>
  );
}

function Pictures({ figures }: { figures: Diagnostics }) {
  const { t } = useText();
  const words = (all: readonly VideoFigures[]) =>
    all
      .map(({ width, height, framesPerSecond, codec }) =>
        t('state.picture', {
          width: String(width),
          height: String(height),
          fps: Math.round(framesPerSecond),
          codec: codec.replace('video/', ''),
        }),
      )
      .join('; ') || t('state.nothing');
  return (
    <>
      <Figure label={t('state.sent')} value={words(figures.sent)} />
      <Figure label={t('state.received')} value={words(figures.received)} />
    </>
  );
}
