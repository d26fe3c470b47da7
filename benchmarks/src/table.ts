import { markdownTable } from 'markdown-table';
import type { Measure } from './workload.ts';

/** All rounds of one measure of one contestant. */
export interface Series {
  readonly contestant: string;
  readonly measure: Measure;
  readonly values: number[];
}

/**
 * A row a measure: each contestant's median with its spread, and ratios, round by round, so that a machine that slows
 * down in between slows both: the first contestant's to each other's, or everybody's to the baseline's if there is one.
 */
export function table(contestants: readonly string[], series: readonly Series[], baseline?: string): string {
  const [us = '', ...peers] = contestants;
  const pairs: readonly (readonly [string, string])[] =
    baseline === undefined
      ? peers.map(peer => [us, peer])
      : contestants.filter(name => name !== baseline).map(name => [name, baseline]);
  const header = ['', ...contestants, ...pairs.map(([one, other]) => `${one} / ${other}`)];
  const names = [...new Set(series.map(({ measure }) => measure.name))];
  const rows = names.map(name => {
    const of = (contestant: string) => series.find(one => one.contestant === contestant && one.measure.name === name);
    return [
      name,
      ...contestants.map(contestant => spread(of(contestant))),
      ...pairs.map(([one, other]) => ratio(of(one), of(other))),
    ];
  });
  return markdownTable([header, ...rows], { align: ['l', ...header.slice(1).map(() => 'r')] });
}

function spread(series: Series | undefined): string {
  if (series === undefined) return '–';
  const { values, measure } = series;
  const show = (value: number) => number(value, measure.unit);
  return `${show(median(values))} (${show(Math.min(...values))}–${show(Math.max(...values))}) ${unit(measure.unit)}`;
}

function ratio(ours: Series | undefined, theirs: Series | undefined): string {
  if (ours === undefined || theirs === undefined || ours.measure.unit === 'MiB') return '–';
  const rounds = ours.values.map((value, round) => value / (theirs.values[round] ?? Number.NaN));
  const show = (value: number) => value.toFixed(2);
  return `${show(median(rounds))} (${show(Math.min(...rounds))}–${show(Math.max(...rounds))})`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function number(value: number, of: Measure['unit']): string {
  return of === 'per second' ? Math.round(value).toLocaleString('en-GB') : value.toFixed(value < 10 ? 2 : 1);
}

function unit(of: Measure['unit']): string {
  return of === 'per second' ? '/s' : of;
}
