import type { LocalMedia, Room, RoomState } from '@liaison/sdk';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { useStore } from '../../store';
import type { MicrophoneMonitor } from '../devices/microphone_monitor';
import type { Visit } from '../room/visit';
import { Speaking } from './speaking';

/** What every part of the call page works with. */
export interface Call {
  readonly visit: Visit;
  readonly room: Room;
  readonly media: LocalMedia;
  readonly monitor: MicrophoneMonitor;
  readonly speaking: Speaking;
}

const Context = createContext<Call | null>(null);

export function CallProvider({ visit, children }: { visit: Visit; children: ReactNode }) {
  const [speaking, setSpeaking] = useState<Speaking | null>(null);
  useEffect(() => {
    const watching = new Speaking(visit.room);
    setSpeaking(watching);
    return () => watching.close();
  }, [visit]);
  const call = useMemo(() => {
    const { room, media, monitor } = visit;
    return speaking && { visit, room, media, monitor, speaking };
  }, [visit, speaking]);
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
