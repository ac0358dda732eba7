import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { en, type Key, type Plural } from './en';
import { chooseLanguage, formatDuration, formatNumber, type Language, LANGUAGES } from './text';
import { translator } from './text';

const languages = Object.keys(LANGUAGES) as Language[];
const keys = Object.keys(en) as Key[];

/** All the texts of a message: one, or one for each plural form. */
const textsOf = (message: string | Plural) =>
  typeof message === 'string' ? [message] : Object.values(message);
const placeholdersOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);

describe.each(languages)('the catalogue %s', (language) => {
  const { catalogue } = LANGUAGES[language];

  it('has every key, and no other', () => {
    expect(Object.keys(catalogue).sort()).toEqual([...keys].sort());
  });

  it('has the values of the English text in each, and leaves none empty', () => {
    const wrong = keys.filter((key) => {
      const expected = [...new Set(textsOf(en[key]).flatMap(placeholdersOf))].sort().join();
      return textsOf(catalogue[key]).some(
        (text) =>
          text.trim() === '' || [...new Set(placeholdersOf(text))].sort().join() !== expected,
      );
    });
    expect(wrong).toEqual([]);
  });

  it('has each plural form of its language', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const key of keys) {
      const message = catalogue[key];
      if (typeof message !== 'string') expect(Object.keys(message).sort()).toEqual(forms.sort());
    }
  });
});

describe('a text', () => {
  it('counts as its language does', () => {
    const t = translator('ru');
    const say = (count: number) => t('people.count', { count });
    expect([1, 3, 5, 21].map(say)).toEqual(['1 человек', '3 человека', '5 человек', '21 человек']);
    expect(translator('en')('people.count', { count: 1 })).toBe('1 person');
    expect(translator('zh')('people.count', { count: 2 })).toBe('2 人');
  });

  it('writes numbers as its language does', () => {
    expect(formatNumber(8.14, 'fr')).toBe('8,1');
    expect(formatNumber(1840, 'en')).toBe('1,840');
    expect(translator('en')('state.loss_up', { percent: 12.34 })).toContain('12 %');
  });

  it('takes a name as it is', () => {
    expect(translator('en')('call.joined_one', { name: '{name} $& <b>' })).toBe(
      '{name} $& <b> joined',
    );
  });
});

it('the language is the first of the reader’s that we have', () => {
  expect(chooseLanguage(['de-AT', 'fr-CH', 'en'])).toBe('fr');
  expect(chooseLanguage(['zh-Hant-TW'])).toBe('zh');
  expect(chooseLanguage(['RU'])).toBe('ru');
  expect(chooseLanguage(['xx', 'constructor'])).toBe('en');
  expect(chooseLanguage([])).toBe('en');
});

it('durations are told in minutes, and in hours from the first', () => {
  expect([0, 65_000, 3_599_999, 3_605_000, -5].map(formatDuration)).toEqual([
    '0:00',
    '1:05',
    '59:59',
    '1:00:05',
    '0:00',
  ]);
});

it('no key is left over', () => {
  const source = readdirSync(new URL('..', import.meta.url), { recursive: true })
    .map(String)
    .filter((file) => /\.tsx?$/.test(file) && !/test|i18n[\\/](en|fr|zh|ru)/.test(file))
    .map((file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
    .join('\n');
  // Keys that are put together, as in t(`failed.${code}`), are known by their beginning.
  const stems = [...source.matchAll(/`([\w.]+[._])\$\{/g)].map(([, stem]) => stem as string);
  const unused = keys.filter(
    (key) => !source.includes(`'${key}'`) && !stems.some((stem) => key.startsWith(stem)),
  );
  expect(unused).toEqual([]);
});
