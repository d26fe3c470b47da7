/** Whatever was thrown, as an Error whose name and message are text: handlers may throw anything (rule 12). */
export function toError(thrown: unknown): Error {
  if (isError(thrown)) return thrown;
  return new Error(describe(thrown), { cause: thrown });
}

/** Of another realm as well. Reading what somebody else made can throw. */
function isError(thrown: unknown): thrown is Error {
  try {
    const { name, message } = thrown as Error;
    if (typeof name !== 'string' || typeof message !== 'string') return false;
    return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]';
  } catch {
    return false;
  }
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  try {
    return `The handler threw ${JSON.stringify(thrown) ?? String(thrown)}`;
  } catch {
    return `The handler threw a ${typeof thrown}`;
  }
}
