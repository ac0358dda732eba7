import { expect, it } from 'vitest';
import { hueOf, initials } from './avatar';

it('initials are of the first and the last word, or the given name in Chinese', () => {
  expect(initials('Anna Keller')).toBe('AK');
  expect(initials(' maria  del carmen ruiz ')).toBe('MR');
  expect(initials('cher')).toBe('C');
  expect(initials('李薇')).toBe('李薇');
  expect(initials('欧阳明华')).toBe('明华');
  expect(initials('Екатерина Соколова')).toBe('ЕС');
  expect(initials('😀 Smile')).toBe('😀S');
  expect(initials('')).toBe('');
});

it('a name keeps its colour, and names differ', () => {
  expect(hueOf('Anna')).toBe(hueOf('Anna'));
  const hues = ['Anna', 'Malik', 'Jonas', '李薇', 'Claire', 'Amina', 'Priya', 'Tomás'].map(hueOf);
  expect(new Set(hues).size).toBeGreaterThan(3);
  expect(Math.max(...hues)).toBeLessThan(8);
});
