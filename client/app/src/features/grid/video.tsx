import { type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';

interface VideoProps {
  track: MediaStreamTrack;
  /** As in a mirror: for one's own picture. */
  mirrored?: boolean;
  /** Whole: nothing is cut off, as for a shared screen. */
  whole?: boolean;
  testId?: string;
  ref?: Ref<HTMLVideoElement | null>;
}

/** A picture without sound. It stays transparent until the first frame is there. */
export function Video({ track, mirrored = false, whole = false, testId, ref }: VideoProps) {
  const element = useRef<HTMLVideoElement>(null);
  const [ready, setReady] = useState(false);
  useImperativeHandle<HTMLVideoElement | null, HTMLVideoElement | null>(ref, () => element.current);
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    video.srcObject = new MediaStream([track]);
    return () => {
      video.srcObject = null;
      setReady(false);
    };
  }, [track]);
  return (
    <video
      ref={element}
      className="video"
      data-testid={testId}
      data-ready={ready}
      data-mirrored={mirrored}
      data-whole={whole}
      autoPlay
      playsInline
      muted
      onLoadedData={() => setReady(true)}
    />
  );
}
