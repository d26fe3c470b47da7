/** What handlers can throw that makes careless code throw in turn. */
export const HOSTILE: readonly (readonly [string, () => unknown])[] = [
  ['an Error whose message is a symbol', () => Object.assign(new Error('x'), { message: Symbol('m') })],
  ['an Error whose message is an object without toString', () => Object.assign(new Error('x'), { message: bare() })],
  ['an Error whose name has no toString', () => Object.assign(new Error('x'), { name: bare() })],
  ['an Error whose message throws', () => getter(new Error('x'), 'message')],
  ['an Error whose name throws', () => getter(new Error('x'), 'name')],
  ['an Error whose stack throws', () => getter(new Error('x'), 'stack')],
  ['an Error whose code throws', () => getter(new Error('x'), 'code')],
  ['an object whose tag throws', () => getter({}, Symbol.toStringTag)],
  ['an object whose toJSON throws', () => ({ toJSON: () => getter({}, 'x') })],
  ['a revoked proxy', () => revoked()],
  ['a bare object', () => bare()],
  ['a symbol', () => Symbol('s')],
  ['undefined', () => undefined],
  ['null', () => null],
  ['a BigInt', () => 1n],
  ['a function', () => () => {}],
  ['a cycle', () => cycle()],
];

function bare(): object {
  return Object.create(null) as object;
}

function getter(target: object, key: PropertyKey): unknown {
  return Object.defineProperty(target, key, {
    enumerable: true,
    get() {
      throw new TypeError(`${String(key)} must not be read`);
    },
  });
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function cycle(): unknown {
  const one: Record<string, unknown> = {};
  one['self'] = one;
  return one;
}
