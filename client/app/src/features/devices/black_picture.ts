import { isBlack } from '@liaison/sdk';
import { type RefObject, useEffect, useState } from 'react';

const LOOK_EVERY_MS = 1000;
/** Cameras start with a few dark pictures. */
const LOOKS = 4;

/** Whether the picture has been black for some seconds. */
export function useBlackPicture(
  video: RefObject<HTMLVideoElement | null>,
  track: MediaStreamTrack | null,
): boolean {
  const [black, setBlack] = useState(false);
  useEffect(() => {
    setBlack(false);
    if (track === null) return;
    const canvas = document.createElement('canvas');
    canvas.width = 16;
    canvas.height = 9;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    let dark = 0;
    const timer = setInterval(() => {
      const element = video.current;
      if (!context || !element || element.readyState < element.HAVE_CURRENT_DATA) return;
      context.drawImage(element, 0, 0, 16, 9);
      dark = isBlack(context.getImageData(0, 0, 16, 9).data) ? dark + 1 : 0;
      setBlack(dark >= LOOKS);
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [video, track]);
  return black;
}
