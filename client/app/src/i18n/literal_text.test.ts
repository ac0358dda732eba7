// No word of the page stands in the code: all are in the catalogues.

import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** Attributes that somebody reads or hears. */
const SPOKEN = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label', 'hint', 'badge']);
const LETTER = /\p{L}/u;

/** The literal words in a file of JSX. */
function literalText(name: string, source: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node) && LETTER.test(node.text)) found.push(node.text.trim());
    if (ts.isJsxAttribute(node) && SPOKEN.has(node.name.getText())) {
      const value = node.initializer;
      const text = value && ts.isJsxExpression(value) ? value.expression : value;
      if (text && ts.isStringLiteralLike(text) && LETTER.test(text.text)) found.push(text.text);
    }
    const inner = ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent) && node.expression;
    if (inner && ts.isStringLiteralLike(inner) && LETTER.test(inner.text)) found.push(inner.text);
    node.forEachChild(visit);
  };
  const kind = ts.ScriptKind.TSX;
  visit(ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true, kind));
  return found;
}

const SOURCE = new URL('..', import.meta.url);
const files = readdirSync(SOURCE, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.tsx') && !file.endsWith('.test.tsx'));

describe('literal text', () => {
  it.each(files)('%s has none', (file) => {
    expect(literalText(file, readFileSync(new URL(file, SOURCE), 'utf8'))).toEqual([]);
  });

  it('would be found', () => {
    const source = `const x = <p title="Hello" className="fine">
      Words {'more'} <b aria-label={'again'}>{t('key')}</b> – 12
    </p>;`;
    expect(literalText('x.tsx', source).sort()).toEqual(['Hello', 'Words', 'again', 'more']);
  });
});
