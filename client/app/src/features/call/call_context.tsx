import type { LocalMedia, Room, RoomState } from '@liaison/sdk';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { useStore } from '../../store';
import type { MicrophoneMonitor } from '../devices/microphone_monitor';
import type { Visit } from '../room/visit';
import { StatisticsRecorder } from '../statistics/recorder';
import { Speaking } from './speaking';

/** What every part of the call page works with. */
export interface Call {
  readonly visit: Visit;
  readonly room: Room;
  readonly media: LocalMedia;
  readonly monitor: MicrophoneMonitor;
  readonly speaking: Speaking;
  readonly statistics: StatisticsRecorder;
}

const Context = createContext<Call | null>(null);

export function CallProvider({ visit, children }: { visit: Visit; children: ReactNode }) {
  const [watching, setWatching] = useState<Pick<Call, 'speaking' | 'statistics'> | null>(null);
  useEffect(() => {
    const speaking = new Speaking(visit.room);
    const statistics = new StatisticsRecorder(visit.room);
    setWatching({ speaking, statistics });
    return () => {
      speaking.close();
      statistics.close();
    };
  }, [visit]);
  const call = useMemo(() => {
    const { room, media, monitor } = visit;
    return watching && { visit, room, media, monitor, ...watching };
  }, [visit, watching]);
  if (call === null) return null;
  return <Context.Provider value={call}>{children}</Context.Provider>;
}

export function useCall(): Call {
  const call = useContext(Context);
  if (call === null) throw new Error('useCall outside of a call');
  return call;
}

export function useRoomState(): RoomState {
  return useStore(useCall().room);
}
