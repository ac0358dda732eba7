import type { ReactNode } from 'react';
import { LANGUAGES, useText } from '../i18n';
import { navigate } from '../router';
import { usePreference } from '../preferences';
import { Icon, Logo } from './icon';

/** The frame of every page but the call: name above, language and appearance at its side. */
export function Page({ children, testId }: { children: ReactNode; testId: string }) {
  const { t } = useText();
  return (
    <div className="page" data-testid={testId}>
      <header className="page-head">
        <a
          className="brand"
          href="/"
          onClick={(event) => {
            event.preventDefault();
            navigate('/');
          }}
        >
          <Logo />
          <span>{t('app.name')}</span>
        </a>
        <div className="page-settings">
          <LanguageChoice />
          <ThemeChoice />
        </div>
      </header>
      <main className="page-main">{children}</main>
    </div>
  );
}

export function LanguageChoice() {
  const { t, language } = useText();
  const [, setLanguage] = usePreference('language');
  return (
    <label className="quiet-select">
      <Icon name="globe" size={18} />
      <span className="hidden">{t('settings.language')}</span>
      <select
        value={language}
        data-testid="language"
        onChange={(event) => setLanguage(event.target.value)}
      >
        {Object.entries(LANGUAGES).map(([tag, { name }]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

const THEMES = ['auto', 'light', 'dark'] as const;

export function ThemeChoice() {
  const { t } = useText();
  const [theme, setTheme] = usePreference('theme');
  return (
    <label className="quiet-select quiet-theme">
      <Icon name="appearance" size={18} />
      <span className="hidden">{t('settings.theme')}</span>
      <select
        value={theme}
        data-testid="theme"
        onChange={(event) => setTheme(event.target.value as (typeof THEMES)[number])}
      >
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {t(`settings.theme_${name}`)}
          </option>
        ))}
      </select>
    </label>
  );
}
