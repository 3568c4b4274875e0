/** One line of the result: what was measured, the figures behind it, and the one number that its goal is about. */
export interface Row {
  readonly what: string;
  readonly figures: string;
  readonly value: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export function met({ value, atLeast, atMost }: Row): boolean | undefined {
  if (atLeast === undefined && atMost === undefined) return undefined;
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}

export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.what, row.value.toFixed(2), goal(row), verdict(met(row)), row.figures]);
  const all = [['what', 'ratio', 'goal', '', 'figures'], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((line) => (line[column] as string).length)));
  return all
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function goal({ atLeast, atMost }: Row): string {
  if (atLeast !== undefined) return `>= ${atLeast}`;
  return atMost === undefined ? '' : `<= ${atMost}`;
}

function verdict(good: boolean | undefined): string {
  return good === undefined ? '' : good ? 'met' : 'MISSED';
}
