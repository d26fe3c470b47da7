import { runInNewContext } from 'node:vm';
import { isQueueError } from '@switchyard/queue-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serializePayload } from '../../src/engine/serialize-payload.ts';

const LONE = '\ud800';

class Email {
  readonly to = 'a@b';
}
class List extends Array<number> {}

function cyclic(): unknown {
  const parent: Record<string, unknown> = {};
  parent['child'] = { parent };
  return parent;
}

function throwing(): unknown {
  return Object.defineProperty({}, 'secret', {
    enumerable: true,
    get: () => {
      throw new Error('hands off');
    },
  });
}

function hidden(key: string, value: unknown): unknown {
  return Object.defineProperty({ a: 1 }, key, { enumerable: false, value });
}

function refusal(payload: unknown) {
  try {
    serializePayload(payload);
  } catch (error) {
    if (isQueueError(error, 'invalid-payload')) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('serializePayload accepts', () => {
  it.each([
    ['null', null],
    ['an empty string', ''],
    ['zero', 0],
    ['false', false],
    ['an empty array', []],
    ['an empty object', {}],
    ['an object that looks like a wrapper', { __value: 1 }],
    ['NUL in strings', { a: 'x\u0000y' }],
    ['the largest and the smallest number', [Number.MAX_VALUE, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER]],
    ['keys of every kind, in order', { z: 1, a: 2, 'a b': 3, '': 4, '1x': 5 }],
    ['surrogate pairs', ['😀', { '😀': 1 }]],
    ['the same object twice', (one => [one, one])({ a: 1 })],
    ['a deep tree', JSON.parse('['.repeat(500) + ']'.repeat(500))],
    ['a key called __proto__', JSON.parse('{"__proto__":{"admin":true}}')],
    ['a key called toJSON that is no function', { toJSON: 1 }],
  ])('%s, and it round-trips', (_, payload) => {
    expect(JSON.parse(serializePayload(payload))).toStrictEqual(payload);
  });

  it('properties without a value, and leaves them out', () => {
    expect(serializePayload({ a: undefined, b: 1, c: { d: undefined } })).toBe('{"b":1,"c":{}}');
  });

  it('objects without a prototype', () => {
    expect(serializePayload(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
  });

  it('objects and arrays of another realm, as Jest runs tests in one', () => {
    expect(serializePayload(runInNewContext('({ a: [1, { b: null }] })'))).toBe('{"a":[1,{"b":null}]}');
  });

  it('the order of keys as it is', () => {
    expect(serializePayload({ b: 1, a: { d: 1, c: 2 } })).toBe('{"b":1,"a":{"d":1,"c":2}}');
  });
});

describe('serializePayload refuses', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['undefined', undefined, 'payload', /is undefined/],
    ['undefined in an array', { a: [1, undefined] }, 'payload.a[1]', /is undefined/],
    ['a hole in an array', Array(2), 'payload[0]', /is undefined/],
    ['a function', { a: () => {} }, 'payload.a', /is a function/],
    ['a symbol', [Symbol('x')], 'payload[0]', /is a symbol/],
    ['a property named by a symbol', { a: { [Symbol('x')]: 1 } }, 'payload.a', /symbol/],
    ['a BigInt', { a: { b: 1n } }, 'payload.a.b', /BigInt/],
    ['NaN', { price: NaN }, 'payload.price', /is NaN/],
    ['infinity', [[Infinity]], 'payload[0][0]', /is Infinity/],
    ['minus infinity', -Infinity, 'payload', /is -Infinity/],
    ['a cycle', cyclic(), 'payload.child.parent', /refers back/],
    ['a Date', { at: new Date(0) }, 'payload.at', /instance of Date/],
    ['a Map', new Map(), 'payload', /instance of Map/],
    ['a Set', new Set(), 'payload', /instance of Set/],
    ['a Buffer', [Buffer.from('x')], 'payload[0]', /instance of Buffer/],
    ['a typed array', new Uint8Array(2), 'payload', /instance of Uint8Array/],
    ['an Error', { e: new TypeError('x') }, 'payload.e', /instance of TypeError/],
    ['a regular expression', /x/, 'payload', /instance of RegExp/],
    ['a boxed string', Object('x'), 'payload', /instance of String/],
    ['an instance of a class', [new Email()], 'payload[0]', /instance of Email/],
    ['an instance of a class that extends Array', { list: new List(1, 2) }, 'payload.list', /instance of List/],
    ['an object with an inherited property', Object.create({ a: 1 }), 'payload', /instance of/],
    ['a promise', Promise.resolve(1), 'payload', /instance of Promise/],
    ['a Date of another realm', runInNewContext('new Date(0)'), 'payload', /instance of Date/],
    ['a lone surrogate', { a: { b: `x${LONE}` } }, 'payload.a.b', /lone surrogate/],
    ['a lone surrogate in a key', { [`k${LONE}`]: 1 }, `payload["k\\ud800"]`, /lone surrogate/],
    ['an array with named properties', Object.assign([1], { index: 0 }), 'payload', /named properties/],
    ['an array with a symbol', Object.assign([1], { [Symbol('x')]: 0 }), 'payload', /symbol/],
    ['a toJSON method, which would speak for the object', { a: { toJSON: () => 1 } }, 'payload.a.toJSON', /function/],
    ['a hidden toJSON method', { a: hidden('toJSON', () => 1) }, 'payload.a', /toJSON/],
    ['a getter that throws', { a: throwing() }, 'payload', /cannot be read: hands off/],
    ['keys that are no identifiers', { 'a b': [NaN] }, 'payload["a b"][0]', /NaN/],
  ])('%s', (_, payload, path, message) => {
    const error = refusal(payload);
    expect(error.path).toBe(path);
    expect(error.message).toMatch(message);
    expect(error.message.startsWith(path)).toBe(true);
  });

  it('what is nested too deeply, instead of ending the process', () => {
    let payload: unknown = 1;
    for (let depth = 0; depth < 200_000; depth++) payload = { a: payload };
    expect(refusal(payload).message).toMatch(/too deeply/);
  });

  it('a proxy that was revoked', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(refusal({ proxy }).message).toMatch(/cannot be read/);
  });
});

describe('serializePayload', () => {
  it('round-trips whatever it accepts, and refuses everything else with a path', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
      withBoxedValues: true,
      stringUnit: 'binary',
    });
    let accepted = 0;
    fc.assert(
      fc.property(anything, payload => {
        let text: string;
        try {
          text = serializePayload(payload);
        } catch (error) {
          if (!isQueueError(error, 'invalid-payload')) throw error;
          expect(error.path).toMatch(/^payload/);
          return;
        }
        accepted++;
        expect(withoutMinusZero(JSON.parse(text))).toEqual(withoutMinusZero(payload));
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('accepts all that JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue(), payload => {
        const { parse } = JSON;
        expect(parse(serializePayload(payload))).toEqual(withoutMinusZero(payload));
      }),
    );
  });
});

/** JSON.stringify writes -0 as 0, which no program can tell apart but `Object.is`. */
function withoutMinusZero(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutMinusZero(inner)]));
}
