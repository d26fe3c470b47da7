/** What we are in the group. */
export interface Member {
  readonly id: string;
  readonly generation: number;
}

/**
 * Of what we have with what we had. `next`: what we have again nobody else can have had, and what we called busy and do not have any
 * more is nobody's before we join again. `gap`: a share of ours never arrived, so the first is not certain; the second is. `lost`:
 * neither is.
 */
export type Continuity = 'next' | 'gap' | 'lost';

export function continuityOf(former: Member | undefined, now: Member): Continuity {
  if (former?.id !== now.id) return 'lost';
  return former.generation + 1 === now.generation ? 'next' : 'gap';
}
