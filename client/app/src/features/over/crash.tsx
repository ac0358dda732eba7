import { Component, type ReactNode } from 'react';
import { useText } from '../../i18n';
import { Button } from '../../primitives/button';
import { Page } from '../../primitives/page';

/** A fault in drawing leaves a way back instead of an empty page. */
export class CrashGuard extends Component<{ children: ReactNode }, { crashed: boolean }> {
  override state = { crashed: false };
  static getDerivedStateFromError() {
    return { crashed: true };
  }
  override render() {
    return this.state.crashed ? <CrashPage /> : this.props.children;
  }
}

function CrashPage() {
  const { t } = useText();
  return (
    <Page testId="crash-page">
      <section className="card message">
        <h1>{t('error.crash.title')}</h1>
        <p role="alert">{t('error.crash')}</p>
        <Button kind="primary" icon="retry" onClick={() => location.reload()}>
          {t('failed.reload')}
        </Button>
      </section>
    </Page>
  );
}
