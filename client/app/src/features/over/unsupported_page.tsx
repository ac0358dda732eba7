import { useText } from '../../i18n';
import { Page } from '../../primitives/page';

/** A browser without WebRTC: nothing else would work either. */
export function UnsupportedPage() {
  const { t } = useText();
  return (
    <Page testId="unsupported-page">
      <section className="card message">
        <h1>{t('start.unsupported_title')}</h1>
        <p role="alert">{t('start.unsupported')}</p>
      </section>
    </Page>
  );
}
