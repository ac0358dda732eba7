// The language of the page: a hook for its texts, and the one place that switches it.

import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react';
import { usePreference } from '../preferences';
import { chooseLanguage, isLanguage, type Language, type Translate, translator } from './text';

interface Words {
  readonly language: Language;
  readonly t: Translate;
}

const Context = createContext<Words>({ language: 'en', t: translator('en') });

export function I18n({ children }: { children: ReactNode }) {
  const [chosen] = usePreference('language');
  const language = isLanguage(chosen) ? chosen : chooseLanguage(navigator.languages);
  const words = useMemo(() => ({ language, t: translator(language) }), [language]);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return <Context.Provider value={words}>{children}</Context.Provider>;
}

/** t(key, values) gives the text; language is for Intl. */
export function useText(): Words {
  return useContext(Context);
}

export type { Key } from './en';
export { formatDuration, formatNumber, LANGUAGES, type Language, type Translate } from './text';
