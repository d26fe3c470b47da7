import { join } from 'node:path';
import { findBinary } from './find-binary.ts';
import { notHad } from './not-had.ts';
import type { Wanted } from './not-had.ts';

export function findJava(wanted: Wanted): string {
  const home = process.env['JAVA_HOME'];
  const java = (home && findBinary('java', join(home, 'bin'))) ?? findBinary('java');
  if (!java) throw notHad(wanted, 'Java 17 or later and Maven', 'default-jre-headless maven');
  return java;
}
