/** How often something is done in `npm test`, and in `npm run test:soak`. */
export function rounds(inTest: number, inSoak: number): number {
  return process.env['SWITCHYARD_SOAK'] ? inSoak : inTest;
}
