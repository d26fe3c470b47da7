import { InvalidPayloadError } from '@switchyard/queue-api';

/**
 * Turns a payload into JSON text, or refuses it with the path to what JSON cannot carry faithfully (rule 4).
 *
 * JSON.stringify alone is too forgiving: it turns NaN into null, a Date into a string and a Map into {}, and whoever
 * wrote the handler finds out in production.
 */
export function serializePayload(payload: unknown): string {
  const ancestors: object[] = [];
  try {
    check(payload, ancestors, undefined);
    return JSON.stringify(payload);
  } catch (error) {
    if (error instanceof Unfaithful) throw refuse(error.path(), error.message, undefined);
    if (error instanceof RangeError) throw refuse('payload', 'is nested too deeply for JSON: flatten it', error);
    // A getter or a proxy of the caller's threw.
    throw refuse('payload', `cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function refuse(path: string, what: string, cause: unknown): InvalidPayloadError {
  return new InvalidPayloadError(path, `${path} ${what}`, cause === undefined ? {} : { cause });
}

/** Where a value hangs, innermost first; only walked when it is refused. */
interface Place {
  readonly key: string | number;
  readonly parent: Place | undefined;
}

class Unfaithful extends Error {
  readonly #place: Place | undefined;

  constructor(place: Place | undefined, message: string) {
    super(message);
    this.#place = place;
  }

  path(): string {
    let path = '';
    for (let place = this.#place; place !== undefined; place = place.parent) path = segment(place.key) + path;
    return `payload${path}`;
  }
}

function segment(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function check(value: unknown, ancestors: object[], place: Place | undefined): void {
  switch (typeof value) {
    case 'boolean':
      return;
    case 'string':
      if (!value.isWellFormed()) throw new Unfaithful(place, 'holds a lone surrogate: use String.toWellFormed()');
      return;
    case 'number':
      if (!Number.isFinite(value)) throw new Unfaithful(place, `is ${value}: send null or a string instead`);
      return;
    case 'object':
      if (value !== null) checkObject(value, ancestors, place);
      return;
    case 'undefined':
      throw new Unfaithful(place, 'is undefined: send null instead');
    case 'bigint':
      throw new Unfaithful(place, 'is a BigInt: send it as a string');
    case 'function':
    case 'symbol':
      throw new Unfaithful(place, `is a ${typeof value}, which JSON cannot carry: leave it out`);
  }
}

function checkObject(value: object, ancestors: object[], place: Place | undefined): void {
  if (ancestors.includes(value)) throw new Unfaithful(place, 'refers back to one of its parents: send an id instead');
  ancestors.push(value);
  if (!isPlain(value)) {
    throw new Unfaithful(
      place,
      `is an instance of ${value.constructor?.name || 'a class'}: send its plain data instead`,
    );
  }
  if (Array.isArray(value)) checkArray(value, ancestors, place);
  else checkRecord(value as Record<string, unknown>, ancestors, place);
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    throw new Unfaithful(place, 'has a toJSON method, which would speak for it: send what that returns');
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new Unfaithful(place, 'has a property named by a symbol, which JSON drops: use a string');
  }
  ancestors.pop();
}

function checkArray(value: unknown[], ancestors: object[], place: Place | undefined): void {
  for (let index = 0; index < value.length; index++) check(value[index], ancestors, { key: index, parent: place });
  const extra = Object.keys(value).length - value.length;
  if (extra > 0) throw new Unfaithful(place, 'is an array with named properties, which JSON drops: send an object');
}

function checkRecord(value: Record<string, unknown>, ancestors: object[], place: Place | undefined): void {
  for (const key of Object.keys(value)) {
    const property = value[key];
    // As JSON.stringify does: a property without a value is left out.
    if (property === undefined) continue;
    const at = { key, parent: place };
    if (!key.isWellFormed()) throw new Unfaithful(at, 'has a name with a lone surrogate: use String.toWellFormed()');
    check(property, ancestors, at);
  }
}

/** An object or array literal, of this realm or another (Jest runs tests in a realm of their own). */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // In every realm the prototype of arrays is an array itself, and that of a class which extends Array is not.
  if (Array.isArray(value)) return Array.isArray(prototype);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}
