import { useEffect } from 'react';
import { usePreference } from '../preferences';

/** Follows the system unless the person chose; tokens.css looks at data-theme. */
export function useTheme(): void {
  const [theme] = usePreference('theme');
  useEffect(() => {
    const root = document.documentElement;
    if (theme === 'auto') delete root.dataset['theme'];
    else root.dataset['theme'] = theme;
  }, [theme]);
}
