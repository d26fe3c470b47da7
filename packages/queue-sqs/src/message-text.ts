/** SQS takes the characters of XML 1.0: not these, and no half of a surrogate pair. */
const REFUSED = /[^\t\n\r\u0020-\ufffd]/;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** The same, and the character that stands before what was escaped. */
const ESCAPED = /[^\t\n\r\u0020-\ufffd\u{10000}-\u{10ffff}]|\p{Surrogate}|~/gu;

/** Whether SQS refuses a text as it is. */
export function isRefused(text: string): boolean {
  return REFUSED.test(text) || LONE_SURROGATE.test(text);
}

/** A text that SQS takes: `~` and four hexadecimal digits in place of each character that it does not take, and of `~`. */
export function escapeText(text: string): string {
  return text.replaceAll(ESCAPED, character => `~${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function unescapeText(text: string): string {
  return text.replaceAll(/~([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}
