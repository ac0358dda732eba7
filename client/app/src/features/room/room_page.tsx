import { useEffect, useState, useSyncExternalStore } from 'react';
import { useText } from '../../i18n';
import { useStore } from '../../store';
import { CallPage } from '../call/call_page';
import { FailedPage } from '../over/failed_page';
import { LeftPage } from '../over/left_page';
import { PrejoinPage } from '../prejoin/prejoin_page';
import { Visit } from './visit';

export function RoomPage({ name }: { name: string }) {
  const [visit, setVisit] = useState<Visit | null>(null);
  useEffect(() => {
    const begun = new Visit(name);
    setVisit(begun);
    void begun.begin();
    return () => begun.close();
  }, [name]);
  return visit === null ? null : <VisitPage visit={visit} />;
}

export function VisitPage({ visit }: { visit: Visit }) {
  const { t } = useText();
  const { page, lasted } = useStore(visit);
  // Only these two: whatever else changes in the room is drawn further down.
  const phase = useSyncExternalStore(visit.room.subscribe, () => visit.room.state.phase);
  const failure = useSyncExternalStore(visit.room.subscribe, () => visit.room.state.failure);
  const { name } = visit.room;
  useEffect(() => {
    document.title = `${name} – ${t('app.name')}`;
    return () => {
      document.title = t('app.name');
    };
  }, [name, t]);
  if (page === 'recalling') return null;
  if (page === 'prejoin') return <PrejoinPage visit={visit} />;
  if (phase === 'left') {
    return <LeftPage room={name} lasted={lasted} onRejoin={() => visit.comeBack()} />;
  }
  if (failure !== null) return <FailedPage failure={failure} onRetry={() => visit.comeBack()} />;
  return <CallPage visit={visit} />;
}
