import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ADAPTER_CONTRACT, type QueueAdapter, QueueConfigError } from '@switchyard/queue-api';

/** An adapter of any configuration: its own schema decides what it takes. */
export type AnyAdapter = QueueAdapter<any>;

/** Imports an installed package and returns the adapter it exports. `why` says which key asked for it. */
export async function loadAdapter(packageName: string, why: string): Promise<AnyAdapter> {
  const exported = await load(packageName, why);
  const adapters = [...new Set(Object.values(exported))].filter(isAdapter);
  const [adapter] = adapters;
  if (adapter === undefined || adapters.length > 1) {
    const found = adapters.length === 0 ? 'no store adapter' : `${adapters.length} store adapters`;
    throw new QueueConfigError(`${why}: the package ${packageName} exports ${found}, expected exactly one`);
  }
  checkContract(adapter, packageName);
  return adapter;
}

/** Refuses an adapter that was written for another contract than this engine's. */
export function checkContract(adapter: AnyAdapter, from: string): void {
  const contract: unknown = adapter.contract;
  if (contract === ADAPTER_CONTRACT) return;
  const message = `${from} was written for adapter contract ${String(contract)}, this version of @switchyard/queue-service knows contract ${ADAPTER_CONTRACT}: install versions of both that fit`;
  throw new QueueConfigError(message);
}

function isAdapter(value: unknown): value is AnyAdapter {
  if (typeof value !== 'object' || value === null) return false;
  const { contract, store, connect } = value as Partial<AnyAdapter>;
  return contract !== undefined && typeof store === 'string' && typeof connect === 'function';
}

/** As this package sees it, or, where a package manager keeps packages apart, as the application does. */
async function load(packageName: string, why: string): Promise<Record<string, unknown>> {
  const attempts = [
    () => import(packageName) as Promise<Record<string, unknown>>,
    () => requireFrom(process.argv[1], packageName),
    () => requireFrom(join(process.cwd(), 'package.json'), packageName),
  ];
  for (const attempt of attempts) {
    try {
      return await attempt();
    } catch (error) {
      if (isNotInstalled(error, packageName)) continue;
      throw new QueueConfigError(`${why}: loading ${packageName} failed: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  throw new QueueConfigError(`${why}: the package ${packageName} is not installed: npm install ${packageName}`);
}

async function requireFrom(base: string | undefined, packageName: string): Promise<Record<string, unknown>> {
  // Node's require loads ES modules too.
  return createRequire(base ?? join(process.cwd(), 'package.json'))(packageName) as Record<string, unknown>;
}

function isNotInstalled(error: unknown, packageName: string): boolean {
  const { code, message = '' } = error as { code?: string; message?: string };
  const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  // A dependency of the adapter that is missing is another trouble, and says so itself.
  return missing && message.includes(`'${packageName}'`);
}
