// From key and values to a text in one language. Pure.

import type { Catalogue, Key, Plural } from './en';
import { en } from './en';
import { fr } from './fr';
import { ru } from './ru';
import { zh } from './zh';

/** The languages, by their own names. */
export const LANGUAGES = {
  en: { name: 'English', catalogue: en },
  fr: { name: 'Français', catalogue: fr },
  zh: { name: '中文', catalogue: zh },
  ru: { name: 'Русский', catalogue: ru },
} as const satisfies Record<string, { name: string; catalogue: Catalogue }>;

export type Language = keyof typeof LANGUAGES;

export function isLanguage(tag: unknown): tag is Language {
  return typeof tag === 'string' && Object.hasOwn(LANGUAGES, tag);
}

/** The first of the reader's languages that we have; English if there is none. */
export function chooseLanguage(wanted: readonly string[]): Language {
  const tags = wanted.map((tag) => tag.toLowerCase().split('-')[0]);
  return tags.find(isLanguage) ?? 'en';
}

type PlaceholdersOf<S> = S extends `${string}{${infer P}}${infer Rest}`
  ? P | PlaceholdersOf<Rest>
  : never;
type TextOf<K extends Key> = (typeof en)[K] extends string
  ? (typeof en)[K]
  : (typeof en)[K][keyof (typeof en)[K]];

/** The values that a message needs, by the names in its English text. */
export type Values<K extends Key> = Readonly<Record<PlaceholdersOf<TextOf<K>>, string | number>>;

/** Needs values exactly where the message has any. */
export type Translate = <K extends Key>(
  key: K,
  ...values: [PlaceholdersOf<TextOf<K>>] extends [never] ? [] : [Values<K>]
) => string;

function fill(text: string, values: Readonly<Record<string, string | number>>, language: Language) {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? formatNumber(value, language) : value;
  });
}

/** As people of that language write it; at most one decimal. */
export function formatNumber(value: number, language: Language): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(
    value,
  );
}

function pluralForm(forms: Plural, count: number, language: Language): string {
  return forms[new Intl.PluralRules(language).select(count)] ?? forms.other;
}

export function translator(language: Language): Translate {
  const catalogue: Catalogue = LANGUAGES[language].catalogue;
  return (key, ...rest) => {
    const values: Readonly<Record<string, string | number>> = rest[0] ?? {};
    const message: string | Plural = catalogue[key];
    const text =
      typeof message === 'string'
        ? message
        : pluralForm(message, Number(values['count'] ?? 0), language);
    return fill(text, values, language);
  };
}

/** "1:05" or "1:00:05": how long something lasted. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
