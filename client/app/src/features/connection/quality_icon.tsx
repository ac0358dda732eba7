import type { Quality } from '@liaison/sdk';
import { useText } from '../../i18n';
import { Bars } from '../../primitives/icon';

const LIT = { good: 3, fair: 2, poor: 1, unknown: 0 } as const;

/** How well somebody is connected: bars, with the words for whoever asks. */
export function QualityIcon({ quality }: { quality: Quality }) {
  const { t } = useText();
  const words = t(`quality.${quality}`);
  return (
    <span className="quality" data-testid="quality" data-quality={quality} title={words}>
      <Bars lit={LIT[quality]} size={16} />
      <span className="hidden">{words}</span>
    </span>
  );
}
