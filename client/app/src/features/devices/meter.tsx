import { meterShare } from '@liaison/sdk';
import { useEffect, useRef } from 'react';
import { useText } from '../../i18n';
import type { MicrophoneMonitor } from './microphone_monitor';

/** A bar that moves with the voice. It draws itself, outside of React: 12 times a second. */
export function Meter({ monitor }: { monitor: MicrophoneMonitor }) {
  const { t } = useText();
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const draw = () => {
      const share = meterShare(monitor.state.level);
      const element = bar.current;
      if (!element) return;
      element.style.setProperty('--share', share.toFixed(3));
      element.setAttribute('aria-valuenow', String(Math.round(share * 100)));
    };
    draw();
    return monitor.subscribe(draw);
  }, [monitor]);
  return (
    <div
      ref={bar}
      className="meter"
      role="meter"
      aria-label={t('device.level')}
      aria-valuemin={0}
      aria-valuemax={100}
      data-testid="microphone-level"
    >
      <span />
    </div>
  );
}
