import { setSpeaker, type SlotMedia } from '@liaison/sdk';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useText } from '../../i18n';
import { Icon } from '../../primitives/icon';
import { useStore } from '../../store';
import { useCall, useRoomState } from '../call/call_context';

/** Plays everybody: one element per slot, for as long as there is a peer connection. */
export function RemoteSound() {
  const { t } = useText();
  const { room, media } = useCall();
  const { slots, screen, generation } = useRoomState();
  const { speakerId } = useStore(media);
  const [blocked, setBlocked] = useState(false);
  const container = useRef<HTMLDivElement>(null);
  const onBlocked = useCallback(() => setBlocked(true), []);
  const playAll = () => {
    setBlocked(false);
    for (const element of container.current?.querySelectorAll('audio') ?? []) {
      element.play().catch(onBlocked);
    }
  };
  const sounds: [string, SlotMedia | null][] = slots.map((person, n) => [
    `person-${n}`,
    person === null ? null : room.slot(n),
  ]);
  sounds.push(['screen', screen === null ? null : room.screenSlot]);
  return (
    <div ref={container} className="sound">
      {sounds.map(([key, slot]) =>
        slot === null ? null : (
          <Sound
            key={`${generation}-${key}`}
            name={key}
            track={slot.audio.track}
            speakerId={speakerId}
            onBlocked={onBlocked}
          />
        ),
      )}
      {blocked && (
        <button type="button" className="hear" onClick={playAll} data-testid="hear">
          <Icon name="speaker" size={32} />
          <strong>{t('call.hear')}</strong>
          <span>{t('call.hear_hint')}</span>
        </button>
      )}
    </div>
  );
}

interface SoundProps {
  name: string;
  track: MediaStreamTrack;
  speakerId: string;
  onBlocked: () => void;
}

function Sound({ name, track, speakerId, onBlocked }: SoundProps) {
  const element = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = element.current;
    if (!audio) return;
    audio.srcObject = new MediaStream([track]);
    audio.play().catch((error: unknown) => {
      if (error instanceof Error && error.name === 'NotAllowedError') onBlocked();
    });
    return () => {
      audio.srcObject = null;
    };
  }, [track, onBlocked]);
  useEffect(() => {
    if (element.current) void setSpeaker(element.current, speakerId);
  }, [speakerId]);
  return <audio ref={element} data-testid={`sound-${name}`} />;
}
