import { describe, expect, it } from 'vitest';
import { escapeText, isRefused, unescapeText } from '../src/message-text.ts';

/** What SQS takes, by its documentation: #x9, #xA, #xD, #x20 to #xD7FF, #xE000 to #xFFFD, #x10000 to #x10FFFF. */
function isTaken(codePoint: number): boolean {
  if (codePoint < 0x20) return [0x9, 0xa, 0xd].includes(codePoint);
  return !(codePoint >= 0xd800 && codePoint < 0xe000) && codePoint !== 0xfffe && codePoint !== 0xffff;
}

const EDGES = [0, 8, 9, 0xa, 0xb, 0xd, 0xe, 0x1f, 0x20, 0x7e, 0x7f, 0x85, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff];
const HIGH_EDGES = [0xe000, 0xfdd0, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1fffe, 0x10ffff];

describe('a message’s text', () => {
  it.each([...EDGES, ...HIGH_EDGES])('with U+%x is refused by us if and only if SQS refuses it', codePoint => {
    expect(isRefused(`a${String.fromCodePoint(codePoint)}b`)).toBe(!isTaken(codePoint));
  });

  it.each([
    '',
    'plain',
    '~',
    '~0000',
    '~~007e',
    'nul \u0000 and bell \u0007',
    '\ufffe\uffff',
    'half \ud83d of 😀 \ude00',
    '😀 é \u2028 ~1f600',
  ])('%j can be sent once it is escaped, and comes back', text => {
    const escaped = escapeText(text);
    expect(isRefused(escaped)).toBe(false);
    expect(unescapeText(escaped)).toBe(text);
  });
});
